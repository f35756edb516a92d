"""The daily and weekly season of a series: by how much it lies above or below its mean at each hour of the week.

A level that holds at noon is false at night. What repeats itself every day is neither drift nor noise, so it is
learned from a reference that spans enough days, and taken off before anything is judged. 48 cells: the hour of the day
(UTC), on working days and at weekends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR = 3_600_000
DAY = 24 * HOUR
HOURS = 24
CELLS = 2 * HOURS
# From so many days on the hours are told apart, from so many the weekends too.
MIN_DAYS = 5
MIN_DAYS_WITH_WEEKENDS = 14
# Less than this part of what the cells differ by is season rather than chance: then there is none to speak of.
_LEAST_CERTAIN = 0.5
# Rms offset, in sd of one event, below which a season isn't worth its place.
_LEAST_SIZE = 0.05


def cells_of(times: Ints, *, weekends: bool = True) -> Ints:
    """Cell 0..47 of event times (ms), int64 [n]: the hour, + 24 on Saturdays and Sundays if `weekends`."""
    days = times // DAY
    hour = times % DAY // HOUR
    # The first day of the epoch was a Thursday.
    return np.asarray(hour + HOURS * ((days + 3) % 7 >= 5) if weekends else hour, np.int64)


def has_weekends(starts: Ints) -> bool:
    """Whether panes that start at `starts` (ms, ascending) span enough weeks to tell weekends apart."""
    return int(starts[-1] - starts[0]) >= (MIN_DAYS_WITH_WEEKENDS - 1) * DAY


def season_of(starts: Ints, sums: Floats, n: Floats, sd: float) -> Floats:
    """Offsets from the mean by cell, float64 [48]; empty if there is no season to speak of, or too few days to tell.

    `starts` int64 [P] ms ascend; `sums`, `n` float64 [P]: of values and of events per pane. `sd`: of one event. The
    cells' deviations from the mean are shrunk by the part that chance explains, told from how a cell differs between
    days (James and Stein 1961, with a variance that is estimated).
    """
    if not len(starts) or starts[-1] - starts[0] < (MIN_DAYS - 1) * DAY or not n.sum():
        return np.empty(0)
    weekends = has_weekends(starts)
    cells = cells_of(starts, weekends=weekends)
    total, events = np.bincount(cells, sums, CELLS), np.bincount(cells, n, CELLS)
    mean = sums.sum() / n.sum()
    known = events > 0
    offset = np.divide(total, events, out=np.full(CELLS, mean), where=known) - mean
    size = float((offset[known] ** 2).mean())
    certain = 1 - _chance(starts // DAY, cells, sums, n, offset + mean) / size if size > 0 else 0.0
    if certain < _LEAST_CERTAIN or size * certain < (_LEAST_SIZE * sd) ** 2:
        return np.empty(0)
    return _filled(offset * certain, known, weekends=weekends)


def _chance(days: Ints, cells: Ints, sums: Floats, n: Floats, level: Floats) -> float:
    """Mean variance of a cell's level, from how the cell's mean differs between days."""
    _, day = np.unique(days, return_inverse=True)
    flat = day * CELLS + cells
    size = (int(day.max()) + 1) * CELLS
    total, events = np.bincount(flat, sums, size).reshape(-1, CELLS), np.bincount(flat, n, size).reshape(-1, CELLS)
    seen = events > 0
    means = np.divide(total, events, out=np.zeros(total.shape), where=seen)
    squares = np.where(seen, (means - level) ** 2, 0.0).sum(axis=0)
    times = seen.sum(axis=0)
    several = times > 1
    return float((squares[several] / (times[several] * (times[several] - 1))).mean()) if several.any() else np.inf


def _filled(offset: Floats, known: NDArray[np.bool_], *, weekends: bool) -> Floats:
    """With the hours in which no pane starts, as with panes of six hours, taken for those of the last one that did."""
    halves = []
    for first in (0, HOURS if weekends else 0):
        half, there = offset[first : first + HOURS], known[first : first + HOURS]
        last = np.maximum.accumulate(np.where(there, np.arange(HOURS), -1))
        halves.append(half[np.where(last >= 0, last, int(there.argmax()))])
    return np.concatenate(halves)


def held_out_levels(starts: Ints, sums: Floats, n: Floats, blocks: Ints, *, seasonal: bool) -> Floats:
    """The level of each pane as the panes outside its block tell it, float64 [P]; NaN where they hold no event.

    `blocks` int64 [P]: the week or day that a pane is left out with; with one block only, all panes tell. `seasonal`:
    by cell, where another block has the cell.
    """
    cells = cells_of(starts, weekends=has_weekends(starts)) if seasonal else np.zeros(len(starts), np.int64)
    flat, size = blocks * CELLS + cells, (int(blocks.max()) + 1) * CELLS
    total, events = np.bincount(flat, sums, size).reshape(-1, CELLS), np.bincount(flat, n, size).reshape(-1, CELLS)
    if len(total) > 1:
        total, events = total.sum(axis=0) - total, events.sum(axis=0) - events
    every = np.divide(
        total.sum(axis=1), events.sum(axis=1), out=np.full(len(total), np.nan), where=events.sum(axis=1) > 0
    )
    level = np.divide(total, events, out=np.repeat(every[:, np.newaxis], CELLS, axis=1), where=events > 0)
    return np.asarray(level[blocks, cells])


def season_at(season: Floats, starts: Ints, pane_length: int) -> Floats:
    """Offsets of panes [start, start + pane_length), of a season float64 [48, S] in mean over their hours: [P, S]."""
    hours = min(max(1, pane_length // HOUR), 7 * HOURS)
    summed = np.zeros((len(starts), season.shape[1]))
    for hour in range(hours):
        summed += season[cells_of(starts + hour * HOUR)]
    return np.asarray(summed / hours)
