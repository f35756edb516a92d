"""ADWIN (river): changes of the mean of location, spread, share or score, on panes or on single events.

A candidate only: ADWIN sees any change, also one too small to matter, and its bound holds for independent values.
The life cycle confirms by effect. On panes it is fed the normalised series, on events every value (`detect/events`):
faster where events are independent, and full of false alarms where they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.events.adwin import AdwinScanner
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.streams import value_streams
from driftgauge.detect.normalise import NormalisedBlocks
from driftgauge.detect.river_state import AdwinParameters, decode_adwin, encode_adwin
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.settings import override, place
from driftgauge.detect.state_parts import joined, parted
from driftgauge.detect.types import Detection, Detector, DetectorContext
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 1


class Adwin:
    """One `river.drift.ADWIN` per value series (Bifet, Gavalda: Learning from time-changing data, 2007).

    Settings are river's: `delta`, `clock`, `max_buckets`, `min_window_length`, `grace_period`, on series in units of
    their own noise (see `normalise.py`), so one delta fits all. `statistic` is how far the window's mean moved when
    ADWIN cut it, in those units (it understates the shift: only the oldest buckets go); `threshold` is delta.
    """

    name: ClassVar[str] = "adwin"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "delta": 1e-4,
        "clock": 1,
        "max_buckets": 5,
        "min_window_length": 5,
        "grace_period": 10,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        self._resolved = chosen
        self._parameters = AdwinParameters.of(chosen)
        self._blocks = NormalisedBlocks(context)
        self._mark = fingerprint(self.name, _VERSION, context, self._blocks.series, chosen)
        self._windows = [self._parameters.fresh() for _ in self._blocks.series]

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one, on panes or events; see the two classes for the settings. ValueError if one doesn't fit."""
        on, others = place(settings)
        return AdwinOnEvents(context, others) if on == "event" else cls(context, others)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order; a series' window moves when a pane completes a block of it."""
        found = []
        for pane, completed in enumerate(self._blocks.push(block.n, block.values)):
            for position, z in completed:
                window = self._windows[position]
                before = window.estimation
                window.update(z)
                if window.drift_detected:
                    # river would begin anew at its next update; doing so now leaves one state fewer to store.
                    self._windows[position] = self._parameters.fresh()
                    moved = window.estimation - before or z - before
                    found.append(
                        Detection(
                            series=self._blocks.series[position].index,
                            pane=pane,
                            detector=self.name,
                            statistic=abs(moved),
                            threshold=self._parameters.delta,
                            direction="up" if moved > 0 else "down",
                            confirmed=False,
                        )
                    )
        return found

    def sensitivity(self, events: float) -> Sequence[Sensitivity]:  # noqa: ARG002
        """Not told: what ADWIN finds hangs on how long its window has grown."""
        return ()

    def rebase(self, series: Sequence[Series]) -> None:
        """Nothing changes: values stay in the units that its window is in."""

    def snapshot(self) -> bytes:
        """The open blocks, then each window in river's own bytes."""
        return seal(self._mark, self._blocks.encode() + joined(map(encode_adwin, self._windows)))

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal detector. StateError if it doesn't fit, and then nothing has changed."""
        blocks = self._blocks.copy()
        rest = blocks.decode(unseal(self._mark, state))
        windows = [decode_adwin(part, self._parameters) for part in parted(rest, len(self._windows))]
        self._blocks, self._windows = blocks, windows


class AdwinOnEvents(OnEvents):
    """One `river.drift.ADWIN` per value series and source, on every event, in sd of the reference, clipped at 4.

    Settings are river's, and `confirm`. `clock`: looks at every 32nd value, as river by default: with every value it
    costs six times as much.
    """

    name: ClassVar[str] = "adwin"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "delta": 1e-4,
        "clock": 32,
        "max_buckets": 5,
        "min_window_length": 5,
        "grace_period": 10,
        "confirm": True,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        confirm = chosen.pop("confirm")
        self._parameters = AdwinParameters.of(chosen)
        super().__init__(context, value_streams(context.series), chosen, confirm=confirm)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one. ValueError if a setting doesn't fit."""
        return cls(context, settings)

    def scanner(self) -> AdwinScanner:
        """Fresh windows."""
        return AdwinScanner(self._parameters, len(self._streams))
