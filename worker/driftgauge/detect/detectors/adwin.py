"""ADWIN (river) on the normalised value series: changes of the mean of location, spread, share or score.

A candidate only: ADWIN sees any change, also one too small to matter, and its bound holds for independent values.
The life cycle confirms by effect.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.normalise import NormalisedBlocks
from driftgauge.detect.river_state import AdwinParameters, decode_adwin, encode_adwin
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 1
_SIZE = struct.Struct("<I")


class Adwin:
    """One `river.drift.ADWIN` per value series (Bifet, Gavalda: Learning from time-changing data, 2007).

    Settings are river's: `delta`, `clock`, `max_buckets`, `min_window_length`, `grace_period`, on series in units of
    their own noise (see `normalise.py`), so one delta fits all. `statistic` is how far the window's mean moved when
    ADWIN cut it, in those units (it understates the shift: only the oldest buckets go); `threshold` is delta.
    """

    name: ClassVar[str] = "adwin"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "delta": 1e-4,
        "clock": 1,
        "max_buckets": 5,
        "min_window_length": 5,
        "grace_period": 10,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(0 < chosen["delta"] < 1, "delta must lie between 0 and 1")
        for name in ("clock", "min_window_length", "grace_period"):
            require(1 <= chosen[name] <= 1_000_000, f"{name} must lie in 1..1000000")
        require(2 <= chosen["max_buckets"] <= 1000, "max_buckets must lie in 2..1000")
        self._resolved = chosen
        self._parameters = AdwinParameters(**chosen)
        self._blocks = NormalisedBlocks(context)
        self._mark = fingerprint(self.name, _VERSION, context, self._blocks.series, chosen)
        self._windows = [self._parameters.fresh() for _ in self._blocks.series]

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

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
        states = [encode_adwin(window) for window in self._windows]
        return seal(self._mark, self._blocks.encode() + b"".join(_SIZE.pack(len(s)) + s for s in states))

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal detector. StateError if it doesn't fit, and then nothing has changed."""
        blocks = self._blocks.copy()
        rest = blocks.decode(unseal(self._mark, state))
        windows = []
        for _ in self._windows:
            if len(rest) < _SIZE.size:
                raise StateError("adwin: state ends before its last window")
            end = _SIZE.size + _SIZE.unpack_from(rest)[0]
            windows.append(decode_adwin(rest[_SIZE.size : end], self._parameters))
            rest = rest[end:]
        if rest:
            raise StateError("adwin: state goes on after its last window")
        self._blocks, self._windows = blocks, windows
