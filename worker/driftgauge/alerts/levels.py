"""How high a series stood, over which panes: levels before and after a change, and where the change lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.history import History
from driftgauge.detect.windows.cut import best_cut

# A mean over fewer panes than this on either side is no level.
MIN_SIDE = 2
# So many times the panes that are asked for tell as much as the events that are asked for.
_ENOUGH = 10


class Level(NamedTuple):
    """n-weighted mean of a series over some panes; NaN where n is 0. `panes`: how many had any event."""

    mean: float
    n: int
    panes: int


class Split(NamedTuple):
    """The most likely single change: start (ms) of its first pane, and the levels on both sides."""

    onset: int
    before: Level
    after: Level


@dataclass(frozen=True, slots=True)
class SeriesPast:
    """One series as the history stood at some pane: `starts` int64 [m] ms, `values` float64 [m], `n` int64 [m]."""

    starts: NDArray[np.int64]
    values: NDArray[np.float64]
    n: NDArray[np.int64]

    @classmethod
    def of(cls, history: History, series: int, back: int) -> SeriesPast:
        """Column `series` of the history, without its last `back` panes, and without panes that have no value."""
        values = history.values.rows(back)[:, series].astype(np.float64)
        n = history.n.rows(back)[:, series].astype(np.int64)
        told = (n > 0) & np.isfinite(values)
        return cls(history.starts.rows(back)[told, 0].astype(np.int64), values[told], n[told])

    def since(self, start: int | None) -> SeriesPast:
        """The part that starts at or after `start` (ms; None: all of it)."""
        first = 0 if start is None else int(np.searchsorted(self.starts, start))
        return SeriesPast(self.starts[first:], self.values[first:], self.n[first:])

    def last(self, panes: int) -> Level:
        """Level over the last `panes` panes."""
        return _level(self.values[-panes:], self.n[-panes:])

    def recent(self, panes: int, events: float) -> Level:
        """Level over the last panes: at least `panes` of them, and so many that they hold `events`, if there are."""
        held = np.cumsum(self.n[::-1])
        return self.last(max(panes, int(np.searchsorted(held, events)) + 1))

    def calm(self, panes: int, events: float) -> Level | None:
        """As `recent`, but None while that is not to be had.

        Ten times as many panes are enough, however few events they hold.
        """
        level = self.recent(panes, events)
        enough = level.n >= events or level.panes >= _ENOUGH * panes
        return level if enough and level.panes >= panes else None

    def until(self, before: int) -> Level:
        """Level over all remembered panes that start before `before` (ms)."""
        stop = int(np.searchsorted(self.starts, before))
        return _level(self.values[:stop], self.n[:stop])

    def distance(self, level: float) -> float:
        """How far from `level` the panes stood, from the first one for as long as that shows most clearly; 0 if none.

        The largest |sum of n (x - level)| / sqrt(n): neither a few panes of noise nor the calm after it count much.
        """
        if not len(self.n):
            return 0.0
        events = np.cumsum(self.n).astype(np.float64)
        off = np.abs(np.cumsum(self.n * (self.values - level)))
        clearest = int(np.argmax(off / np.sqrt(events)))
        return float(off[clearest] / events[clearest])

    def split(self, after: int = MIN_SIDE) -> Split | None:
        """The best cut with at least MIN_SIDE panes before it and `after` behind it; None if there are too few."""
        cut = best_cut(self.n.astype(np.float64), self.values * self.n, MIN_SIDE, after)
        if cut is None:
            return None
        return Split(
            int(self.starts[cut]),
            _level(self.values[:cut], self.n[:cut]),
            _level(self.values[cut:], self.n[cut:]),
        )


def _level(values: NDArray[np.float64], n: NDArray[np.int64]) -> Level:
    total = int(n.sum())
    mean = float((values * n).sum() / total) if total else float("nan")
    return Level(mean, total, len(values))
