"""Page-Hinkley (river): a mean that leaves its own past level, on panes or on single events.

A candidate only, as ADWIN's: the life cycle confirms by effect. Faster than ADWIN on large shifts, since it needs
no minimum of values after the change. On panes it is fed the normalised series, on events every value
(`detect/events`): faster where events are independent, and full of false alarms where they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.page_hinkley import PageHinkleyScanner, side
from driftgauge.detect.events.streams import value_streams
from driftgauge.detect.normalise import NormalisedBlocks
from driftgauge.detect.river_state import (
    PAGE_HINKLEY_SIZE,
    PageHinkleyParameters,
    decode_page_hinkley,
    encode_page_hinkley,
)
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.settings import override, place
from driftgauge.detect.types import Detection, Detector, DetectorContext, Direction
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 1


class PageHinkley:
    """One `river.drift.PageHinkley` per value series (Page: Continuous inspection schemes, 1954).

    Settings are river's: `min_instances`, `delta`, `threshold`, `alpha`, `mode`, on series in units of their own
    noise (see `normalise.py`). alpha is 1, not river's .9999: a fading sum wanders over any threshold by itself.
    `statistic` is the excess of the cumulative sum over its extreme, in the units of `threshold`.
    """

    name: ClassVar[str] = "page_hinkley"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "min_instances": 30,
        "delta": 0.5,
        "threshold": 10.0,
        "alpha": 1.0,
        "mode": "both",
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        self._resolved = chosen
        self._parameters = PageHinkleyParameters.of(chosen)
        self._blocks = NormalisedBlocks(context)
        self._mark = fingerprint(self.name, _VERSION, context, self._blocks.series, chosen)
        self._tests = [self._parameters.fresh() for _ in self._blocks.series]

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one, on panes or events; see the two classes for the settings. ValueError if one doesn't fit."""
        on, others = place(settings)
        return PageHinkleyOnEvents(context, others) if on == "event" else cls(context, others)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order; a series' test moves when a pane completes a block of it."""
        found = []
        for pane, completed in enumerate(self._blocks.push(block.n, block.values)):
            for position, z in completed:
                test = self._tests[position]
                test.update(z)
                if test.drift_detected:
                    # river would begin anew at its next update; doing so now leaves one state fewer to store.
                    self._tests[position] = self._parameters.fresh()
                    direction, excess = _excess(test, self._parameters.mode)
                    found.append(
                        Detection(
                            series=self._blocks.series[position].index,
                            pane=pane,
                            detector=self.name,
                            statistic=excess,
                            threshold=self._parameters.threshold,
                            direction=direction,
                            confirmed=False,
                        )
                    )
        return found

    def sensitivity(self, events: float) -> Sequence[Sensitivity]:  # noqa: ARG002
        """Not told: candidates are confirmed by what the series did before."""
        return ()

    def rebase(self, series: Sequence[Series]) -> None:
        """Nothing changes: values stay in the units that its sums are in."""

    def snapshot(self) -> bytes:
        """The open blocks, then six floats per test."""
        return seal(self._mark, self._blocks.encode() + b"".join(encode_page_hinkley(test) for test in self._tests))

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal detector. StateError if it doesn't fit, and then nothing has changed."""
        blocks = self._blocks.copy()
        rest = blocks.decode(unseal(self._mark, state))
        if len(rest) != PAGE_HINKLEY_SIZE * len(self._tests):
            raise StateError("page_hinkley: state is for another number of series")
        parts = (rest[i : i + PAGE_HINKLEY_SIZE] for i in range(0, len(rest), PAGE_HINKLEY_SIZE))
        tests = [decode_page_hinkley(part, self._parameters) for part in parts]
        self._blocks, self._tests = blocks, tests


def _excess(test: Any, mode: str) -> tuple[Direction, float]:
    """Which side fired and by how much: river doesn't tell, but its sums still stand until its next update."""
    up = test._sum_increase - test._min_increase  # noqa: SLF001
    down = test._max_decrease - test._sum_decrease  # noqa: SLF001
    return side(up, down, mode)


class PageHinkleyOnEvents(OnEvents):
    """river's Page-Hinkley per value series and source, on every event, in sd of the reference, clipped at 4.

    Settings are river's, and `confirm`. `delta` and `threshold` are .25 and 30 here: one false alarm in ten million
    independent values, and half a sd is found after some 100.
    """

    name: ClassVar[str] = "page_hinkley"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "min_instances": 30,
        "delta": 0.25,
        "threshold": 30.0,
        "alpha": 1.0,
        "mode": "both",
        "confirm": True,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        confirm = chosen.pop("confirm")
        self._parameters = PageHinkleyParameters.of(chosen)
        super().__init__(context, value_streams(context.series), chosen, confirm=confirm)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one. ValueError if a setting doesn't fit."""
        return cls(context, settings)

    def scanner(self) -> PageHinkleyScanner:
        """Fresh tests."""
        return PageHinkleyScanner(self._parameters, len(self._streams))
