"""MOSUM: the mean over the last panes against that over the panes just before them, in both directions.

The method for sudden changes of a series whose level wanders slowly: an hour's level may lie far off, but two
neighbouring quarters of an hour hardly do, and what they do was measured in the reference. It sees a change while the
windows lie on both sides of it, and is silent afterwards.

Moving sums: Chu, Hornik & Kuan, "MOSUM tests for parameter constancy", Biometrika 82 (1995); Eichinger & Kirch, "A
MOSUM procedure for the estimation of multiple random change points", Bernoulli 24 (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from driftgauge.detect.on_windows import LEAST_EVEN, PANES_OF_PAIR, Floats, Found, OnWindows
from driftgauge.detect.scale_noise import NoiseAt, noise_of_step
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.means import variance_of_mean
from driftgauge.detect.windows.sliding import SlidingSums, Sums, Window
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series
from driftgauge.profiles.step_noise import MOST_STRETCH, STEPS

# Panes that the windows before leave out: the shortest step's pair may be any two of the last three.
_LAST = tuple(max(after, PANES_OF_PAIR) for after, _ in STEPS)
_WHOLE = tuple(last + before for last, (_, before) in zip(_LAST, STEPS, strict=True))


class Mosum(OnWindows):
    """All value series of a subject whose steps were measured in the reference, or in production: panes below an hour.

    With a and b the n-weighted mean deviations from the reference level over the last panes and over those before
    them, an alarm needs |a - b| and |a| above the tolerance, both in one direction, and p < p_w: a step away from the
    reference, that stands out from how neighbouring windows differ by themselves and by sampling with the n of now
    (see `windows/means.py`). p_w = share of the budget / (series x steps x looks x 30 / w). Against freak panes, as in
    `multiscale`: the shortest step takes the pair that agrees best among the last three panes, longer ones take back
    their most extreme pane.

    Setting `min_windows`: steps that have to have been measured for one to be judged. `statistic` and `threshold` are
    -log10 of p and of p_w, at the shortest step that alarms.
    """

    name: ClassVar[str] = "mosum"
    widths: ClassVar[tuple[int, ...]] = tuple(after for after, _ in STEPS)

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        super().__init__(context, settings, SlidingSums(tuple(sorted({*_LAST, *_WHOLE}))))

    def noise_of(self, i: int, series: Series) -> NoiseAt | None:
        """See OnWindows."""
        return noise_of_step(series, STEPS[i], self.pane_length, self.least_windows)

    def level_variance(self, series: Series) -> float:  # noqa: ARG002
        """None: both sides are means, and their sampling is counted."""
        return 0.0

    def room(self, i: int) -> tuple[int, int]:
        """See OnWindows."""
        return self.widths[i], _WHOLE[i]

    def events(self, i: int, per_pane: float) -> float:
        """As many as in one mean that varies as the difference of two does."""
        after, before = STEPS[i]
        return per_pane * after * before / (after + before)

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order."""
        if not len(self.series) or not len(block.starts):
            return []
        window = Window(block, self.series, self.reference)
        sums = self.sums.advance(window)
        alarmed = np.zeros((len(block.starts), len(self.series)), np.bool_)
        found = []
        for i, (last, whole) in enumerate(zip(_LAST, _WHOLE, strict=True)):
            if block.series_history.keep < whole:
                break
            s, n = window.pairs() if i == 0 else (sums[last].mean(), sums[last].events())
            some = self._alarms(i, window, s, n, _earlier(sums[whole], sums[last]), alarmed)
            alarmed[some.rows, some.columns] = True
            found += self.detections(i, some, cut_within=window)
        found.sort(key=lambda d: (d.pane, d.series))
        return found

    def _alarms(self, i: int, window: Window, s: Floats, n: Floats, earlier: Sums, alarmed: NDArray[np.bool_]) -> Found:
        """Of step number i; `s`, `n` float64 [P, V] are those after it. `alarmed`: what a shorter one has found."""
        n_before, step = earlier.events(), s - earlier.mean()
        sign = np.sign(step)
        events = np.divide(n * n_before, n + n_before, out=np.zeros(n.shape), where=(n > 0) & (n_before > 0))
        near = earlier.full & (window.span(_WHOLE[i]) <= MOST_STRETCH * _WHOLE[i] * self.pane_length)
        suspect = self.known[i] & (events > 0) & near[:, np.newaxis] & ~alarmed
        suspect &= (sign * s > self.tolerance) & (np.abs(step) > self.tolerance)
        # The exact test is slow beside all else; no limit lies below the normal one.
        least = ndtri(self.levels[i] / (2 * self.ways(i))) ** 2
        suspect &= step**2 > least * variance_of_mean(self.noise[i], np.maximum(events, 1.0))
        rows, columns = np.nonzero(suspect)
        sign, distance, off = sign[rows, columns], np.abs(step[rows, columns]), np.abs(s[rows, columns])
        if i and len(rows):
            extreme, even = window.extremes(rows, columns, sign, self.widths[i])
            taken = np.where(even >= LEAST_EVEN * self.widths[i], extreme / n[rows, columns], distance)
            distance, off = distance - taken, off - taken
        # A step back towards the reference is none.
        distance = np.where(off > self.tolerance[columns], distance, 0.0)
        reference = self.reference[columns]
        # The fewer events of the two means bound how far one event can take the step.
        reach = np.maximum(reference, 1 - reference) if i else np.where(sign > 0, 1 - reference, reference)
        return self.judged(i, rows, columns, sign > 0, distance, events[rows, columns], reach)


def _earlier(whole: Sums, last: Sums) -> Sums:
    """What lies in the longer windows but not in those at their end."""
    return Sums(whole.n - last.n, whole.deviations - last.deviations, whole.full)
