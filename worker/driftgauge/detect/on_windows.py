"""Tests of means over windows of some lengths, each against noise that was measured for it: what they have in common.

They keep no state of their own, since the windows lie in the history that comes with every block, and go on alarming
for as long as what they look at is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.scale_noise import NoiseAt
from driftgauge.detect.sensitivity import Sensitivity, smallest
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.means import WindowNoise, doubt_of, p_value
from driftgauge.detect.windows.sliding import SlidingSums, Window
from driftgauge.errors import StateError
from driftgauge.profiles.series import Series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_VERSION = 1
# The shortest window is the pair that agrees best among so many panes: one of three ways to choose it.
PANES_OF_PAIR = 3
# Sliding means of w panes pass a high limit z about z^2 as often as T / w independent ones would (Slepian's process);
# z is 5 to 6 at the levels that a budget gives.
_LOOKS_PER_WINDOW = 30
# A window in which a few panes hold nearly all events wanders like those few, not like a window.
LEAST_EVEN = 0.5


class Found(NamedTuple):
    """Alarms of one window length: rows of the block, columns among the watched series, p-values, upwards or not."""

    rows: Ints
    columns: Ints
    p: Floats
    up: NDArray[np.bool_]


class OnWindows:
    """Base of the detectors on windows; not a method of its own. `widths`: panes of the windows, shortest first."""

    name: ClassVar[str]
    by_default: ClassVar[bool] = True
    widths: ClassVar[tuple[int, ...]]
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"min_windows": 20}

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any], sums: SlidingSums) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(8 <= chosen["min_windows"] <= 1_000_000, "min_windows must lie in 8..1000000")
        values = [s for s in context.series if s.kind == "value" and s.sd > 0 and s.reference_n > 0]
        allowed = share_of(self.name, context.budget)
        self.pane_length, self.least_windows = context.pane_length, chosen["min_windows"]
        # A baseline may tell of series that the profile says too little of, so all count in the budget.
        self.levels = [
            level(allowed, len(self.widths) * len(values), max(1.0, context.looks * min(1.0, _LOOKS_PER_WINDOW / w)))
            for w in self.widths
        ]
        self._resolved = {**chosen, "alpha": {str(w): p for w, p in zip(self.widths, self.levels, strict=True)}}
        self._mark = fingerprint(self.name, _VERSION, context, values, self._resolved)
        self.series = np.array([s.index for s in values], np.int64)
        self.reference = np.array([s.reference for s in values])
        self.sums = sums
        self.rebase(context.series)

    def noise_of(self, i: int, series: Series) -> NoiseAt | None:
        """What was measured of a series for window number i; None if it isn't known."""
        raise NotImplementedError

    def level_variance(self, series: Series) -> float:
        """Variance of the level that means are held against."""
        raise NotImplementedError

    def room(self, i: int) -> tuple[int, int]:
        """Panes until a change fills window number i, and panes that have to be remembered for it."""
        raise NotImplementedError

    def events(self, i: int, per_pane: float) -> float:
        """Events behind what window number i looks at."""
        raise NotImplementedError

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)  # type: ignore[call-arg]

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    @staticmethod
    def ways(i: int) -> int:
        """In how many ways the panes of window number i can be chosen."""
        return PANES_OF_PAIR if i == 0 else 1

    def rebase(self, series: Sequence[Series]) -> None:
        """Go on with the tolerance and the noise that these have."""
        values = [series[index] for index in self.series]
        self.tolerance = np.array([s.tolerance for s in values])
        self.sd = np.array([s.sd for s in values])
        level2 = np.array([self.level_variance(s) for s in values], np.float64)
        self.noise, self.known = [], []
        for i in range(len(self.widths)):
            at = [self.noise_of(i, s) for s in values]
            self.known.append(np.array([x is not None for x in at], np.bool_))
            parts = np.array([x or (0.0, 0.0, 1.0, 0.0) for x in at], np.float64).reshape(-1, 4).T
            self.noise.append(WindowNoise(parts[0], parts[1], parts[2], parts[3], self.sd**2, level2))
        # The values looked at are others now.
        self.sums.forget()

    def judged(
        self, i: int, rows: Ints, columns: Ints, up: NDArray[np.bool_], distance: Floats, n: Floats, reach: Floats
    ) -> Found:
        """Those distances of window number i that pass its limit and the tolerance; float64 [C] each."""
        noise = self.noise[i].at(columns)
        p = self.ways(i) * p_value(np.maximum(distance, 0.0), np.maximum(n, 1.0), noise, reach)
        kept = (distance > self.tolerance[columns]) & (p < self.levels[i])
        return Found(rows[kept], columns[kept], p[kept], up[kept])

    def detections(self, i: int, found: Found, cut_within: Window | None = None) -> list[Detection]:
        """With the change point at the best cut within the panes looked at, if a window is given to find it in."""
        strength = -np.log10(np.maximum(found.p, np.finfo(np.float64).tiny))
        threshold, panes = float(-np.log10(self.levels[i])), self.room(i)[1]
        return [
            Detection(
                series=int(self.series[column]),
                pane=int(row),
                detector=self.name,
                statistic=float(value),
                threshold=threshold,
                direction="up" if up else "down",
                confirmed=True,
                onset=None if cut_within is None else cut_within.cut(int(row), int(column), panes),
                p_value=float(p),
                window=self.widths[i] * self.pane_length,
            )
            for row, column, p, up, value in zip(*found, strength, strict=True)
        ]

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:
        """The least distance that a window within the panes finds: it passes its limit, and the tolerance."""
        reached, within = np.full(len(self.series), np.nan), np.zeros(len(self.series), np.int64)
        for i in range(len(self.widths)):
            filled, kept = self.room(i)
            if filled > panes or kept > remembered:
                break
            distance = np.maximum(self._passes(i, max(1.0, self.events(i, events))), self.tolerance)
            better = self.known[i] & ((within == 0) | np.isnan(reached) | (distance < reached))
            reached[better], within[better] = distance[better], filled
        return [
            Sensitivity(int(series), self.name, int(over), float(distance))
            for series, over, distance in zip(self.series, within, reached, strict=True)
            if over
        ]

    def snapshot(self) -> bytes:
        """An envelope alone."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError(f"{self.name}: state holds something, but this method keeps none")
        self.sums.forget()

    def _passes(self, i: int, n: float) -> Floats:
        """The distance at which the mean of n events passes the limit of window number i; NaN: none does."""
        noise, events = self.noise[i], np.full(len(self.series), n)
        furthest, doubt = np.maximum(self.reference, 1 - self.reference), doubt_of(noise.dof)

        def found(distance: Floats) -> NDArray[np.bool_]:
            return np.asarray(self.ways(i) * p_value(distance, events, noise, furthest, doubt) < self.levels[i])

        return smallest(found, np.zeros(len(events)), np.ones(len(events)))
