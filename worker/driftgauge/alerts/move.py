"""How far a series has moved from where it was, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driftgauge.alerts.levels import Level, SeriesPast
from driftgauge.detect.normalise import Wander
from driftgauge.profiles.series import Series

# The level a rate has *now* is that of its last few panes, or of as many as hold so many events; a value needs more
# panes to be told from noise.
_RATE_PANES = 5
RATE_EVENTS = 100

# Standard errors: segments are many, and each is asked at many panes.
SURE = 3.0


@dataclass(frozen=True, slots=True)
class Move:
    """From the level `before` to `level`, the mean over the panes from `since` (start, ms) on.

    `wander`: variance that such a mean has by itself, beyond sampling.
    """

    series: Series
    before: float
    level: Level
    since: int
    wander: float

    @property
    def distance(self) -> float:
        """How far, and to which side, in a unit in which the parts of a stream add up to the whole.

        The series' own; of a PSI the root, as it grows with the square of a shift.
        """
        if self.series.kind == "window":
            return math.sqrt(max(0.0, self.level.mean)) - math.sqrt(max(0.0, self.before))
        return self.level.mean - self.before

    @property
    def is_sure(self) -> bool:
        """Whether it is more than three standard errors, of what chance and wander give by themselves."""
        return self.level.n > 0 and abs(self.distance) > SURE * math.sqrt(self.variance(0.0))

    def variance(self, moved: float) -> float:
        """Of the mean of so many events, had it moved by so much to that side; in squares of the distance's unit."""
        series, n = self.series, self.level.n
        if series.kind == "window":
            # PSI / v is about noncentral chi-squared, v = 1/n + 1/m, and its root has a variance of 1.
            return 1 / n + 1 / max(1, series.reference_n)
        if series.kind == "value" and series.category is None:
            return self.wander + series.sd**2 / n
        share = self.before + math.copysign(moved, self.distance)
        share = min(max(share, series.tolerance), 1 - series.tolerance)
        return self.wander + share * (1 - share) / n


def move_to_now(
    past: SeriesPast, series: Series, before: float, wander: Wander, pane_length: int, value_panes: int
) -> Move:
    """From `before` to where the series stands at the end of `past`, all of which lies after the change.

    `value_panes`: how many tell the level of a value.
    """
    if series.kind == "rate":
        level = past.recent(_RATE_PANES, RATE_EVENTS)
    else:
        level = past.last(value_panes if series.kind == "value" else 1)
    return _move(past, level, series, before, wander, pane_length)


def move_on_average(past: SeriesPast, series: Series, before: float, wander: Wander, pane_length: int) -> Move:
    """From `before` to the mean of all of `past`."""
    return _move(past, past.last(len(past.n)), series, before, wander, pane_length)


def _move(past: SeriesPast, level: Level, series: Series, before: float, wander: Wander, pane_length: int) -> Move:
    since = int(past.starts[-level.panes]) if level.panes else 0
    by_itself = wander.over(level.panes * pane_length) if series.kind != "window" else 0.0
    return Move(series, before, level, since, by_itself)
