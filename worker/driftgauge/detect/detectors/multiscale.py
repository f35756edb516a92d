"""Multi-scale z: means over the last 1, 15, 60 and 360 panes against the reference level, in both directions.

The method for location, spread, shares and score. A short window finds a large shift in a pane or two, a long one a
small shift in hours, and each is held against how the series itself moved at that scale in the reference. It goes on
detecting while the difference lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from driftgauge.detect.on_windows import LEAST_EVEN, PANES_OF_PAIR, Floats, Found, OnWindows
from driftgauge.detect.scale_noise import NoiseAt, noise_at
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.means import variance_of_mean
from driftgauge.detect.windows.sliding import SlidingSums, Window
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

SCALES = (1, 15, 60, 360)
# A lasting change is in as many panes, of the three that scale 1 looks at, before it is found.
_PAIR = 2
# A pane whose mean lies so many sd of single events off is no freak: most of its events are others.
_NO_FREAK_SD = 1.25
# A share may jump as far by a freak, but hardly to nearly all or nothing.
_NO_FREAK_SHARE = 0.9
# What a longer window shows must still be going on in the last of its panes, or else an alert that has ended would
# begin anew until the last of its panes has left.
_RECENT = 30


class MultiScale(OnWindows):
    """All value series of a subject whose noise was measured in the reference, or in production.

    With s the n-weighted mean deviation from the reference level over the last w panes, an alarm needs |s| above the
    tolerance and p < p_w (see `windows/means.py`), p_w = share of the budget / (series x scales x looks x 30 / w).
    Against freak panes: scale 1 takes the pair of deviations, among the last three panes, that agree best, at the
    lesser of the two (their median), unless the last pane lies off by more than a freak would (of a share: nearly as
    far as it can); longer windows take back their most extreme pane.

    Setting `min_windows`: reference windows without which a scale is not judged. `statistic` and `threshold` are
    -log10 of p and of p_w, at the shortest scale that alarms.
    """

    name: ClassVar[str] = "multiscale"
    widths: ClassVar[tuple[int, ...]] = SCALES

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        super().__init__(context, settings, SlidingSums((*SCALES[1:], _RECENT)))
        shares = np.array([context.series[index].category is not None for index in self.series], np.bool_)
        self._least_of_reach = np.where(shares, _NO_FREAK_SHARE, 0.0)

    def noise_of(self, i: int, series: Series) -> NoiseAt | None:
        """See OnWindows."""
        return noise_at(series, SCALES[i], self.pane_length, self.least_windows)

    def level_variance(self, series: Series) -> float:
        """Of the reference's mean."""
        return series.sd**2 / series.reference_n

    def room(self, i: int) -> tuple[int, int]:
        """See OnWindows."""
        return max(SCALES[i], _PAIR), max(SCALES[i], PANES_OF_PAIR)

    def events(self, i: int, per_pane: float) -> float:
        """See OnWindows."""
        return per_pane * SCALES[i]

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order."""
        if not len(self.series) or not len(block.starts):
            return []
        window = Window(block, self.series, self.reference)
        sums = self.sums.advance(window)
        recent = sums[_RECENT].mean()
        alarmed = np.zeros((len(block.starts), len(self.series)), np.bool_)
        found = []
        for i, w in enumerate(SCALES):
            if block.series_history.keep < self.room(i)[1]:
                break
            if i == 0:
                s, n = self._shortest(window)
            else:
                s, n = sums[w].mean(), sums[w].events()
                judged = sums[w].full[:, np.newaxis]
                if w > _RECENT:
                    judged = judged & (recent * np.sign(s) > self.tolerance / 2)
                s = np.where(judged, s, 0.0)
            some = self._alarms(i, window, s, n, alarmed)
            alarmed[some.rows, some.columns] = True
            found += self.detections(i, some)
        found.sort(key=lambda d: (d.pane, d.series))
        return found

    def _shortest(self, window: Window) -> tuple[Floats, Floats]:
        """What scale 1 judges: the pair of panes, or a pane by itself that lies further off than any freak."""
        s, n = window.pairs()
        last, events = window.latest()
        reach = np.where(last > 0, 1 - self.reference, self.reference)
        alone = (np.abs(last) > _NO_FREAK_SD * self.sd) & (np.abs(last) > self._least_of_reach * reach)
        return np.where(alone, last, s), np.where(alone, events, n)

    def _alarms(self, i: int, window: Window, s: Floats, n: Floats, alarmed: NDArray[np.bool_]) -> Found:
        """Of scale number i; `s`, `n` float64 [P, V]. `alarmed`: what a shorter scale has found already."""
        distance = np.abs(s)
        suspect = self.known[i] & (n > 0) & (distance > self.tolerance) & ~alarmed
        # The exact test is slow beside all else; no limit lies below the normal one.
        least = ndtri(self.levels[i] / (2 * self.ways(i))) ** 2
        suspect &= distance**2 > least * variance_of_mean(self.noise[i], np.maximum(n, 1.0))
        rows, columns = np.nonzero(suspect)
        sign, distance, n = np.sign(s[rows, columns]), distance[rows, columns], n[rows, columns]
        if i and len(rows):
            extreme, even = window.extremes(rows, columns, sign, SCALES[i])
            distance = np.where(even >= LEAST_EVEN * SCALES[i], distance - extreme / n, 0.0)
        reference = self.reference[columns]
        reach = np.where(sign > 0, 1 - reference, reference)
        return self.judged(i, rows, columns, sign > 0, distance, n, reach)
