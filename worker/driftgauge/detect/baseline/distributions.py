"""Whole distributions by day, and how far the last windows lay from the baseline's.

What windows are compared with once production has told enough of itself: the counts of clean days, and the wander that
its own windows show against them. The distance of each hour is taken from the version in force at that time, and that
of each day from the last one before it: neither holds what is measured. Out of sample, as everything that is judged
later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.days import Days
from driftgauge.detect.baseline.version import Baseline, Watched
from driftgauge.detect.history import History
from driftgauge.detect.hours import Hours
from driftgauge.detect.windows.compared import Compared
from driftgauge.errors import StateError
from driftgauge.profiles.season import HOUR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Fewer events per cell tell nothing of a distribution.
_PER_CELL = 5
# Four weeks of days stay far below where a float64 doesn't count by one any more.
_MOST = float(1 << 48)


class DayCells(NamedTuple):
    """Of D days: starts int64 [D] (ms), counts int64 [D, K]; moments of windows, float64 [D, 3, F] and [D, 3, G].

    `hours`: of the short windows that end with the day's hours, `whole`: of the day. How many, sums of PSI, of PSI^2.
    """

    starts: Ints
    counts: Ints
    hours: Floats
    whole: Floats


class Distributions:
    """Of the fields that are watched; the last four weeks, by day (UTC)."""

    def __init__(self, watched: Watched) -> None:
        """None yet, and nothing to compare them with."""
        self._cells, self._window = watched.layout.size, watched.window
        self._fields = len(watched.windows), len(watched.whole_days)
        self._days = Days(_PREFIX, self._cells + 3 * sum(self._fields))
        self._of_hours: Compared | None = None
        self._of_days: tuple[int, Compared] | None = None

    @property
    def first(self) -> int | None:
        """Start (ms) of the oldest day; None if there is none."""
        return self._days.first

    def compare_with(self, version: Baseline) -> None:
        """From now on windows are held against this version."""
        hours = version.compared()
        self._of_hours = Compared.of(hours) if hours else None
        days = version.whole_days_compared()
        self._of_days = (version.whole_until, Compared.of(days)) if days else None

    def add(self, hours: Hours, history: History, fresh: int) -> None:
        """Take hours that the last `fresh` panes of the history complete."""
        for start, counts in zip(hours.starts.tolist(), hours.counts, strict=True):
            day = self._parts(self._days.at(start)[np.newaxis])
            day[0][:] += counts
            if self._of_hours is not None:
                day[1][:] += self._short(self._of_hours, start + HOUR, history, fresh)

    def measure_days(self, end: int) -> None:
        """Take the distance of the days before `end` (ms) that the version doesn't hold; each is to be complete."""
        if self._of_days is None:
            return
        until, compared = self._of_days
        for start in self._days.before(end)[0].tolist():
            if start >= until:
                counts, _, whole = self._parts(self._days.at(start)[np.newaxis])
                whole[:] += _moments(compared, counts[0].astype(np.int64))

    def before(self, end: int) -> DayCells:
        """The days before `end` (ms)."""
        starts, numbers = self._days.before(end)
        counts, hours, whole = self._parts(numbers)
        return DayCells(starts, counts.astype(np.int64), hours, whole)

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        return self._days.changes()

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill fresh ones from state fields. StateError if one has another shape or impossible numbers."""
        self._days.restore(fields)
        for start, numbers in zip(*self._days.before(_END), strict=True):
            if (numbers[: self._cells] % 1).any() or (numbers >= _MOST).any():
                raise StateError(f"the stored day {start} of the baseline holds impossible numbers")

    def _parts(self, numbers: Floats) -> tuple[Floats, Floats, Floats]:
        """Counts [D, K], moments [D, 3, F] and [D, 3, G] of days, float64 [D, all]; of one, views."""
        days, (short, whole) = len(numbers), self._fields
        counts, of_hours, of_days = np.split(numbers, [self._cells, self._cells + 3 * short], axis=1)
        return counts, of_hours.reshape(days, 3, short), of_days.reshape(days, 3, whole)

    def _short(self, compared: Compared, end: int, history: History, fresh: int) -> Floats:
        """Moments, float64 [3, F], of the short windows that end at `end` (ms)."""
        kept = history.counts.keep + fresh
        starts = history.count_starts.newest(kept)[:, 0].astype(np.int64)
        inside = (starts >= end - self._window) & (starts < end)
        return _moments(compared, history.counts.newest(kept)[inside].sum(axis=0).astype(np.int64))


def _moments(compared: Compared, counts: Ints) -> Floats:
    """Float64 [3, fields] of one window with these counts, int64 [K]."""
    window = counts[compared.cells][np.newaxis]
    known = compared.events(compared.reference[np.newaxis])[0] > 0
    told = known & (compared.events(window)[0] >= _PER_CELL * compared.sizes)
    distance = np.where(told, compared.distances(window)[0], 0.0)
    return np.stack([told.astype(np.float64), distance, distance**2])


_PREFIX = "cells/"
_END = np.iinfo(np.int64).max
