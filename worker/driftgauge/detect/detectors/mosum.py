"""MOSUM: the mean over the last panes against that over the panes just before them, in both directions.

The method for sudden changes of a series whose level wanders slowly: an hour's level may lie far off, but two
neighbouring quarters of an hour hardly do, and what they do was measured in the reference. It sees a change while the
windows lie on both sides of it, and is silent afterwards. It keeps no state of its own.

Moving sums: Chu, Hornik & Kuan, "MOSUM tests for parameter constancy", Biometrika 82 (1995); Eichinger & Kirch, "A
MOSUM procedure for the estimation of multiple random change points", Bernoulli 24 (2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.scale_noise import noise_of_step
from driftgauge.detect.sensitivity import Sensitivity, smallest
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.means import WindowNoise, doubt_of, p_value, variance_of_mean
from driftgauge.detect.windows.sliding import SlidingSums, Sums, Window
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series
from driftgauge.profiles.step_noise import MOST_STRETCH, STEPS

_VERSION = 1
# The shortest step looks at the pair that agrees best among the last three panes, as `multiscale` does.
_PANES_OF_PAIR = 3
_LOOKS_PER_WINDOW = 30
_LEAST_EVEN = 0.5


class _Found(NamedTuple):
    """Alarms of one step: rows of the block, columns among the watched series, their p-values."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    p: NDArray[np.float64]


class Mosum:
    """All value series of a subject whose steps were measured in the reference.

    With a and b the n-weighted mean deviations from the reference level over the last panes and over those before
    them, an alarm needs |a - b| and |a| above the tolerance, both in one direction, and p < p_w: a step away from the
    reference, that stands out from how neighbouring windows differ by themselves and by sampling with the n of now
    (see `windows/means.py`). p_w = share of the budget / (series x steps x looks x 30 / w). Against freak panes, as in
    `multiscale`: the shortest step takes the pair that agrees best among the last three panes, longer ones take back
    their most extreme pane.

    Setting `min_windows`: reference steps without which one is not judged. `statistic` and `threshold` are -log10 of p
    and of p_w, at the shortest step that alarms.
    """

    name: ClassVar[str] = "mosum"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"min_windows": 20}

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(8 <= chosen["min_windows"] <= 1_000_000, "min_windows must lie in 8..1000000")
        values = [s for s in context.series if s.kind == "value" and s.sd > 0 and s.reference_n > 0]
        allowed = share_of(self.name, context.budget)
        self._pane_length, self._least = context.pane_length, chosen["min_windows"]
        self._levels = [
            level(allowed, len(STEPS) * len(values), max(1.0, context.looks * min(1.0, _LOOKS_PER_WINDOW / w)))
            for w, _ in STEPS
        ]
        self._resolved = {**chosen, "alpha": {str(w): p for (w, _), p in zip(STEPS, self._levels, strict=True)}}
        self._mark = fingerprint(self.name, _VERSION, context, values, self._resolved)
        self._series = np.array([s.index for s in values], np.int64)
        self._reference = np.array([s.reference for s in values])
        lengths = {n for after, before in STEPS for n in (_panes_after(after), _panes_after(after) + before)}
        self._sums = SlidingSums(tuple(sorted(lengths)))
        self.rebase(context.series)

    def rebase(self, series: Sequence[Series]) -> None:
        """Go on with the tolerance and the noise that these have."""
        values = [series[index] for index in self._series]
        self._tolerance = np.array([s.tolerance for s in values])
        sigma2 = np.array([s.sd for s in values]) ** 2
        self._noise, self._known = [], []
        for step in STEPS:
            at = [noise_of_step(s, step, self._pane_length, self._least) for s in values]
            self._known.append(np.array([x is not None for x in at], np.bool_))
            parts = np.array([x or (0.0, 0.0, 1.0, 0.0) for x in at], np.float64).reshape(-1, 4).T
            self._noise.append(WindowNoise(parts[0], parts[1], parts[2], parts[3], sigma2, np.zeros(len(values))))
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
        alarmed = np.zeros((len(block.starts), len(self._series)), np.bool_)
        found = []
        for i, (after, before) in enumerate(STEPS):
            panes = _panes_after(after)
            if block.series_history.keep < panes + before:
                break
            s, n = window.pairs() if after < panes else (sums[panes].mean(), sums[panes].events())
            some = self._alarms(i, window, s, n, _earlier(sums[panes + before], sums[panes]), alarmed)
            alarmed[some.rows, some.columns] = True
            found += self._detections(i, window, some, s)
        found.sort(key=lambda d: (d.pane, d.series))
        return found

    def _alarms(
        self,
        i: int,
        window: Window,
        s: NDArray[np.float64],
        n: NDArray[np.float64],
        earlier: Sums,
        alarmed: NDArray[np.bool_],
    ) -> _Found:
        """Of step number i; `s`, `n` float64 [P, V] are those after it. `alarmed`: what a shorter one has found."""
        (w, before), noise = STEPS[i], self._noise[i]
        panes = _panes_after(w)
        ways = _PANES_OF_PAIR if w < panes else 1
        least = ndtri(self._levels[i] / (2 * ways)) ** 2
        level, n_before = earlier.mean(), earlier.events()
        step = s - level
        sign = np.sign(step)
        events = np.divide(n * n_before, n + n_before, out=np.zeros(n.shape), where=(n > 0) & (n_before > 0))
        near = earlier.full & (window.span(panes + before) <= MOST_STRETCH * (panes + before) * self._pane_length)
        suspect = self._known[i] & (events > 0) & near[:, np.newaxis] & ~alarmed
        suspect &= (sign * s > self._tolerance) & (np.abs(step) > self._tolerance)
        suspect &= step**2 > least * variance_of_mean(noise, np.maximum(events, 1.0))
        rows, columns = np.nonzero(suspect)
        sign, distance, off = sign[rows, columns], np.abs(step[rows, columns]), np.abs(s[rows, columns])
        if w == panes and len(rows):
            extreme, even = window.extremes(rows, columns, sign, w)
            taken = np.where(even >= _LEAST_EVEN * w, extreme / n[rows, columns], distance)
            distance, off = distance - taken, off - taken
        events = np.maximum(events[rows, columns], 1.0)
        reference = self._reference[columns]
        # The fewer events of the two means bound how far one event can take the step.
        reach = np.where(sign > 0, 1 - reference, reference) if w < panes else np.maximum(reference, 1 - reference)
        p = ways * p_value(np.maximum(distance, 0.0), events, noise.at(columns), reach)
        tolerance = self._tolerance[columns]
        kept = (distance > tolerance) & (off > tolerance) & (p < self._levels[i])
        return _Found(rows[kept], columns[kept], p[kept])

    def _detections(self, i: int, window: Window, some: _Found, s: NDArray[np.float64]) -> list[Detection]:
        after, before = STEPS[i]
        looked_at = _panes_after(after) + before
        strength = -np.log10(np.maximum(some.p, np.finfo(np.float64).tiny))
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
                onset=window.cut(int(row), int(column), looked_at),
                p_value=float(p),
                window=after * self._pane_length,
            )
            for row, column, value, p in zip(some.rows, some.columns, strength, some.p, strict=True)
        ]

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:
        """The least step that one of those within the panes finds: it passes its limit, and the tolerance."""
        reached, within = np.full(len(self._series), np.nan), np.zeros(len(self._series), np.int64)
        for i, (after, before) in enumerate(STEPS):
            if after > panes or _panes_after(after) + before > remembered:
                break
            distance = np.maximum(self._passes(i, events), self._tolerance)
            better = self._known[i] & ((within == 0) | np.isnan(reached) | (distance < reached))
            reached[better], within[better] = distance[better], after
        return [
            Sensitivity(int(series), self.name, int(over), float(distance))
            for series, over, distance in zip(self._series, within, reached, strict=True)
            if over
        ]

    def _passes(self, i: int, events: float) -> NDArray[np.float64]:
        """The distance at which step number i passes its limit, at so many events a pane; NaN: none does."""
        (after, before), noise = STEPS[i], self._noise[i]
        n = np.full(len(self._series), max(1.0, events * after * before / (after + before)))
        furthest = np.maximum(self._reference, 1 - self._reference)
        ways, doubt = _PANES_OF_PAIR if after < _panes_after(after) else 1, doubt_of(noise.dof)

        def found(distance: NDArray[np.float64]) -> NDArray[np.bool_]:
            return np.asarray(ways * p_value(distance, n, noise, furthest, doubt) < self._levels[i])

        return smallest(found, np.zeros(len(n)), np.ones(len(n)))

    def snapshot(self) -> bytes:
        """An envelope alone: the windows lie in the history that comes with every block."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError("mosum: state holds something, but this method keeps none")
        self._sums.forget()


def _panes_after(after: int) -> int:
    """Panes that the windows before leave out: the pair may be any two of the last three."""
    return max(after, _PANES_OF_PAIR)


def _earlier(whole: Sums, last: Sums) -> Sums:
    """What lies in the longer windows but not in those at their end."""
    return Sums(whole.n - last.n, whole.deviations - last.deviations, whole.full)
