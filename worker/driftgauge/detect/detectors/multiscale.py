"""Multi-scale z: means over the last 1, 15, 60 and 360 panes against the reference level, in both directions.

The method for location, spread, shares and score. A short window finds a large shift in a pane or two, a long one a
small shift in hours, and each is held against how the series itself moved at that scale in the reference. It keeps no
state of its own, and goes on detecting while the difference lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.scale_noise import noise_at
from driftgauge.detect.sensitivity import Sensitivity, smallest
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.means import WindowNoise, doubt_of, p_value, variance_of_mean
from driftgauge.detect.windows.sliding import SlidingSums, Window
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 1
SCALES = (1, 15, 60, 360)
# Scale 1 looks at a pair of panes, which lies among so many.
_PAIR, _PANES_OF_PAIR = 2, 3
# A pane whose mean lies so many sd of single events off is no freak: most of its events are others.
_NO_FREAK_SD = 1.25
# A share may jump as far by a freak, but hardly to nearly all or nothing.
_NO_FREAK_SHARE = 0.9
# Sliding means of w panes pass a high limit z about z^2 as often as T / w independent ones would (Slepian's process);
# z is 5 to 6 at the levels that a budget gives.
_LOOKS_PER_WINDOW = 30
# What a longer window shows must still be going on in the last of its panes, or else an alert that has ended would
# begin anew until the last of its panes has left.
_RECENT = 30
# A window in which a few panes hold nearly all events wanders like those few, not like a window.
_LEAST_EVEN = 0.5


class _Found(NamedTuple):
    """Alarms of one scale: rows of the block, columns among the watched series, their p-values."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    p: NDArray[np.float64]


class MultiScale:
    """All value series of a subject whose noise was measured in the reference.

    With s the n-weighted mean deviation from the reference level over the last w panes, an alarm needs |s| above the
    tolerance and p < p_w (see `windows/means.py`), p_w = share of the budget / (series x scales x looks x 30 / w).
    Against freak panes: scale 1 takes the pair of deviations, among the last three panes, that agree best, at the
    lesser of the two (their median), unless the last pane lies off by more than a freak would (of a share: nearly as
    far as it can); longer windows take back their most extreme pane.

    Setting `min_windows`: reference windows without which a scale is not judged. `statistic` and `threshold` are
    -log10 of p and of p_w, at the shortest scale that alarms.
    """

    name: ClassVar[str] = "multiscale"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"min_windows": 20}

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(8 <= chosen["min_windows"] <= 1_000_000, "min_windows must lie in 8..1000000")
        values = [s for s in context.series if s.kind == "value" and s.sd > 0 and s.reference_n > 0]
        allowed = share_of(self.name, context.budget)
        self._pane_length, self._least = context.pane_length, chosen["min_windows"]
        # A baseline may tell of series that the profile says too little of, so all count in the budget.
        self._levels = [
            level(allowed, len(SCALES) * len(values), max(1.0, context.looks * min(1.0, _LOOKS_PER_WINDOW / w)))
            for w in SCALES
        ]
        self._resolved = {**chosen, "alpha": {str(w): p for w, p in zip(SCALES, self._levels, strict=True)}}
        self._mark = fingerprint(self.name, _VERSION, context, values, self._resolved)
        self._series = np.array([s.index for s in values], np.int64)
        self._reference = np.array([s.reference for s in values])
        shares = np.array([s.category is not None for s in values], np.bool_)
        self._least_of_reach = np.where(shares, _NO_FREAK_SHARE, 0.0)
        self._sums = SlidingSums((*SCALES[1:], _RECENT))
        self.rebase(context.series)

    def rebase(self, series: Sequence[Series]) -> None:
        """Go on with the tolerance and the noise that these have."""
        values = [series[index] for index in self._series]
        self._tolerance = np.array([s.tolerance for s in values])
        self._sd = np.array([s.sd for s in values])
        sigma2 = self._sd**2
        level2 = sigma2 / np.array([s.reference_n for s in values], np.float64)
        self._noise, self._known = [], []
        for w in SCALES:
            at = [noise_at(s, w, self._pane_length, self._least) for s in values]
            self._known.append(np.array([x is not None for x in at], np.bool_))
            parts = np.array([x or (0.0, 0.0, 1.0, 0.0) for x in at], np.float64).reshape(-1, 4).T
            self._noise.append(WindowNoise(parts[0], parts[1], parts[2], parts[3], sigma2, level2))
        # The values looked at are others now.
        self._sums.forget()

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order."""
        if not len(self._series) or not len(block.starts):
            return []
        window = Window(block, self._series, self._reference)
        sums = self._sums.advance(window)
        recent = sums[_RECENT].mean()
        alarmed = np.zeros((len(block.starts), len(self._series)), np.bool_)
        found = []
        for i, w in enumerate(SCALES):
            if block.series_history.keep < max(w, _PANES_OF_PAIR):
                break
            if w == 1:
                s, n = self._shortest(window)
            else:
                s, n = sums[w].mean(), sums[w].events()
                if w > _RECENT:
                    lasting = (recent * np.sign(s) > self._tolerance / 2) & sums[w].full[:, np.newaxis]
                    s = np.where(lasting, s, 0.0)
                else:
                    s = np.where(sums[w].full[:, np.newaxis], s, 0.0)
            some = self._alarms(i, window, s, n, alarmed)
            alarmed[some.rows, some.columns] = True
            found += self._detections(i, some, s)
        found.sort(key=lambda d: (d.pane, d.series))
        return found

    def _shortest(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What scale 1 judges: the pair of panes, or a pane by itself that lies further off than any freak."""
        s, n = window.pairs()
        last, events = window.latest()
        reach = np.where(last > 0, 1 - self._reference, self._reference)
        alone = (np.abs(last) > _NO_FREAK_SD * self._sd) & (np.abs(last) > self._least_of_reach * reach)
        return np.where(alone, last, s), np.where(alone, events, n)

    def _alarms(
        self, i: int, window: Window, s: NDArray[np.float64], n: NDArray[np.float64], alarmed: NDArray[np.bool_]
    ) -> _Found:
        """Of scale number i; `s`, `n` float64 [P, V]. `alarmed`: what a shorter scale has found already."""
        w, noise = SCALES[i], self._noise[i]
        # Three pairs can be made of three panes, and any may be the one that agrees.
        ways = _PANES_OF_PAIR if w == 1 else 1
        # The exact test is slow beside all else; no limit lies below the normal one.
        least = ndtri(self._levels[i] / (2 * ways)) ** 2
        distance = np.abs(s)
        suspect = self._known[i] & (n > 0) & (distance > self._tolerance) & ~alarmed
        suspect &= distance**2 > least * variance_of_mean(noise, np.maximum(n, 1.0))
        rows, columns = np.nonzero(suspect)
        sign, distance, n = np.sign(s[rows, columns]), distance[rows, columns], n[rows, columns]
        if w > 1 and len(rows):
            extreme, even = window.extremes(rows, columns, sign, w)
            distance = np.where(even >= _LEAST_EVEN * w, distance - extreme / n, 0.0)
        reference = self._reference[columns]
        reach = np.where(sign > 0, 1 - reference, reference)
        p = ways * p_value(np.maximum(distance, 0.0), np.maximum(n, 1.0), noise.at(columns), reach)
        kept = (distance > self._tolerance[columns]) & (p < self._levels[i])
        return _Found(rows[kept], columns[kept], p[kept])

    def _detections(self, i: int, some: _Found, s: NDArray[np.float64]) -> list[Detection]:
        tiny = np.finfo(np.float64).tiny
        strength = -np.log10(np.maximum(some.p, tiny))
        threshold = float(-np.log10(self._levels[i]))
        return [
            Detection(
                series=int(self._series[column]),
                pane=int(row),
                detector=self.name,
                statistic=float(value),
                threshold=threshold,
                direction="up" if s[row, column] > 0 else "down",
                confirmed=True,
                p_value=float(p),
                window=SCALES[i] * self._pane_length,
            )
            for row, column, value, p in zip(some.rows, some.columns, strength, some.p, strict=True)
        ]

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:
        """The least distance that a scale within the panes finds: it passes its limit, and the tolerance."""
        furthest = np.maximum(self._reference, 1 - self._reference)
        reached, within = np.full(len(self._series), np.nan), np.zeros(len(self._series), np.int64)
        for i, w in enumerate(SCALES):
            if max(w, _PAIR) > panes or max(w, _PANES_OF_PAIR) > remembered:
                break
            distance = np.maximum(self._passes(i, max(1.0, events * w), furthest), self._tolerance)
            better = self._known[i] & ((within == 0) | np.isnan(reached) | (distance < reached))
            reached[better], within[better] = distance[better], max(w, _PAIR)
        return [
            Sensitivity(int(series), self.name, int(over), float(distance))
            for series, over, distance in zip(self._series, within, reached, strict=True)
            if over
        ]

    def _passes(self, i: int, n: float, furthest: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distance at which the mean of n events passes the limit of scale number i; NaN: none does."""
        noise, events = self._noise[i], np.full(len(self._series), n)
        ways, doubt = _PANES_OF_PAIR if SCALES[i] == 1 else 1, doubt_of(noise.dof)

        def found(distance: NDArray[np.float64]) -> NDArray[np.bool_]:
            return np.asarray(ways * p_value(distance, events, noise, furthest, doubt) < self._levels[i])

        return smallest(found, np.zeros(len(events)), np.ones(len(events)))

    def snapshot(self) -> bytes:
        """An envelope alone: the windows lie in the history that comes with every block."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError("multiscale: state holds something, but this method keeps none")
        self._sums.forget()
