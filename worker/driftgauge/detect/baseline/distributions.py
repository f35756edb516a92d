"""Whole distributions by day, and how far the last window lay from the baseline's, hour by hour.

What the short window is compared with once production has told enough of itself: the counts of clean days, and the
wander that its own windows show against them. The distance of each hour is taken from the version in force at that
time, which doesn't hold the hour itself: out of sample, as everything that is judged later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.history import History
from driftgauge.detect.hours import Hours
from driftgauge.detect.windows.compared import compared_cells
from driftgauge.detect.windows.psi import psi
from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY, HOUR
from driftgauge.profiles.series import Series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_KEPT = 28
# Fewer events per cell tell nothing of a distribution.
_PER_CELL = 5


class DayCells(NamedTuple):
    """A day's counts int64 [K]; of windows that end with its hours: how many, sums of PSI and of PSI^2, [3, F]."""

    counts: Ints
    moments: Floats


class Distributions:
    """Of a layout of `cells` cells, and the short windows (ms) of F fields; the last four weeks, by day (UTC)."""

    def __init__(self, cells: int, fields: int, window: int) -> None:
        """None yet."""
        self._cells, self._fields, self._window = cells, fields, window
        self._days: dict[int, DayCells] = {}
        self._changed: set[int] = set()
        self._gone: list[str] = []

    def add(self, hours: Hours, history: History, fresh: int, compared: Sequence[Series]) -> None:
        """Take hours that the last `fresh` panes of the history complete.

        `compared`: the fields' series as far as a version is in force that windows can be held against; else none.
        """
        for start, counts in zip(hours.starts.tolist(), hours.counts, strict=True):
            day = self._day(start - start % DAY)
            day.counts[:] += counts
            if compared:
                day.moments[:] += self._distances(start + HOUR, history, fresh, compared)

    def before(self, end: int) -> tuple[Ints, Ints, Floats]:
        """Of the days before `end` (ms): starts int64 [D], counts int64 [D, K], moments float64 [D, 3, F]."""
        days = sorted(day for day in self._days if day < end)
        counts = [self._days[day].counts for day in days]
        moments = [self._days[day].moments for day in days]
        return (
            np.array(days, np.int64),
            np.stack(counts) if days else np.zeros((0, self._cells), np.int64),
            np.stack(moments) if days else np.zeros((0, 3, self._fields)),
        )

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        fresh = {}
        for day in sorted(self._changed & self._days.keys()):
            held = self._days[day]
            fresh[_name(day)] = held.counts.astype("<i8").tobytes() + held.moments.astype("<f8").tobytes()
        gone, self._changed, self._gone = self._gone, set(), []
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill a fresh one from state fields. StateError if one has another shape or impossible numbers."""
        for name, data in fields.items():
            if not name.startswith(_PREFIX):
                continue
            try:
                day = int(name.removeprefix(_PREFIX))
            except ValueError as error:
                raise StateError(f"state field {name!r} names no day") from error
            split = 8 * self._cells
            if len(data) != split + 24 * self._fields or day % DAY:
                raise StateError("a stored day of the baseline has another number of cells than the profile")
            counts = np.frombuffer(data[:split], "<i8").astype(np.int64)
            moments = np.frombuffer(data[split:], "<f8").reshape(3, self._fields).astype(np.float64)
            if (counts < 0).any() or not (np.isfinite(moments) & (moments[0] >= 0) & (moments[2] >= 0)).all():
                raise StateError(f"the stored day {day} of the baseline holds impossible numbers")
            self._days[day] = DayCells(counts, moments)

    def _day(self, day: int) -> DayCells:
        if day not in self._days:
            self._days[day] = DayCells(np.zeros(self._cells, np.int64), np.zeros((3, self._fields)))
            for old in sorted(self._days)[:-DAYS_KEPT]:
                del self._days[old]
                self._gone.append(_name(old))
        self._changed.add(day)
        return self._days[day]

    def _distances(self, end: int, history: History, fresh: int, compared: Sequence[Series]) -> Floats:
        """Moments, float64 [3, F], of the windows that end at `end` (ms)."""
        kept = history.counts.keep + fresh
        starts = history.count_starts.newest(kept)[:, 0].astype(np.int64)
        inside = (starts >= end - self._window) & (starts < end)
        whole = history.counts.newest(kept)[inside].sum(axis=0).astype(np.int64)
        cells = [compared_cells(series.slot) for series in compared]
        sizes = np.array([len(of_field) for of_field in cells], np.int64)
        begins = np.cumsum(sizes) - sizes
        counts = whole[np.concatenate(cells)][np.newaxis]
        reference = np.array(
            [s.slot.spec.counts[cell - s.slot.start] for s in compared for cell in compared_cells(s.slot)], np.int64
        )
        told = np.add.reduceat(counts, begins, axis=1)[0] >= _PER_CELL * sizes
        distance = np.where(told, psi(counts, reference, begins)[0], 0.0)
        return np.stack([told.astype(np.float64), distance, distance**2])


_PREFIX = "cells/"


def _name(day: int) -> str:
    return f"{_PREFIX}{day}"
