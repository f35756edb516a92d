"""The daily and weekly season of a series: by how much it lies above or below its mean at each hour of the week.

A level that holds at noon is false at night. What repeats itself every day is neither drift nor noise, so it is
learned from a reference that spans enough days, and taken off before anything is judged. 48 cells: the hour of the day
(UTC), on working days and at weekends. All series at once: arrays are [P, S], P panes or rows by S series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

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
    hour = times % DAY // HOUR
    return np.asarray(hour + HOURS * is_weekend(times) if weekends else hour, np.int64)


def is_weekend(times: Ints) -> Bools:
    """Whether event times (ms) lie on a Saturday or Sunday (UTC), bool [n]."""
    # The first day of the epoch was a Thursday.
    return np.asarray((times // DAY + 3) % 7 >= 5)


def has_weekends(starts: Ints) -> bool:
    """Whether panes that start at `starts` (ms, ascending) span enough weeks to tell weekends apart."""
    return int(starts[-1] - starts[0]) >= (MIN_DAYS_WITH_WEEKENDS - 1) * DAY


def summed(keys: Ints, rows: Floats, size: int) -> Floats:
    """Sums of rows by key, float64 [size, S]: `keys` int64 [P] in 0 .. size - 1, `rows` [P, S]."""
    order = np.argsort(keys, kind="stable")
    found, first = np.unique(keys[order], return_index=True)
    sums = np.zeros((size, rows.shape[1]))
    if len(found):
        sums[found] = np.add.reduceat(rows[order], first, axis=0)
    return sums


def season_of(starts: Ints, sums: Floats, n: Floats, sd: Floats) -> Floats:
    """Offsets from the mean by cell, float64 [48, S]; a column of zeros where there is no season to speak of.

    `starts` int64 [P] ms ascend; `sums`, `n` float64 [P, S]: of values and of events per pane. `sd` float64 [S]: of one
    event. The cells' deviations from the mean are shrunk by the part that chance explains, told from how a cell differs
    between days (James and Stein 1961, with a variance that is estimated). Too few days tell of no season.
    """
    series = sums.shape[1]
    if not len(starts) or starts[-1] - starts[0] < (MIN_DAYS - 1) * DAY:
        return np.zeros((CELLS, series))
    weekends = has_weekends(starts)
    cells = cells_of(starts, weekends=weekends)
    total, events = summed(cells, sums, CELLS), summed(cells, n, CELLS)
    mean = _quotient(sums.sum(axis=0), n.sum(axis=0))
    known = events > 0
    offset = np.where(known, _quotient(total, events) - mean, 0.0)
    size = _quotient((offset**2).sum(axis=0), known.sum(axis=0))
    certain = 1 - np.divide(
        _chance(starts // DAY, cells, sums, n, offset + mean), size, out=np.ones(series), where=size > 0
    )
    seasonal = (certain >= _LEAST_CERTAIN) & (size * certain >= (_LEAST_SIZE * sd) ** 2)
    shrunk = offset * np.where(seasonal, certain, 0.0)
    return np.where(seasonal, _filled(shrunk, known, weekends=weekends), 0.0)


def _quotient(a: Floats, b: NDArray[np.float64 | np.int64]) -> Floats:
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=b > 0)


def _chance(days: Ints, cells: Ints, sums: Floats, n: Floats, level: Floats) -> Floats:
    """Mean variance of a cell's level, float64 [S], from how the cell's mean differs between days."""
    _, day = np.unique(days, return_inverse=True)
    flat = day * CELLS + cells
    shape = (int(day.max()) + 1, CELLS, sums.shape[1])
    total = summed(flat, sums, shape[0] * CELLS).reshape(shape)
    events = summed(flat, n, shape[0] * CELLS).reshape(shape)
    seen = events > 0
    squares = np.where(seen, (_quotient(total, events) - level) ** 2, 0.0).sum(axis=0)
    times = seen.sum(axis=0)
    several = times > 1
    variance = np.where(several, squares / np.maximum(times * (times - 1), 1), 0.0)
    found = several.sum(axis=0)
    return np.where(found > 0, _quotient(variance.sum(axis=0), found), np.inf)


def _filled(offset: Floats, known: Bools, *, weekends: bool) -> Floats:
    """With the hours in which no pane starts, as with panes of six hours, taken for those of the last one that did."""
    halves = []
    for first in (0, HOURS if weekends else 0):
        half, there = offset[first : first + HOURS], known[first : first + HOURS]
        last = np.maximum.accumulate(np.where(there, np.arange(HOURS)[:, np.newaxis], -1), axis=0)
        halves.append(np.take_along_axis(half, np.where(last >= 0, last, there.argmax(axis=0)), axis=0))
    return np.concatenate(halves)


def held_out_levels(starts: Ints, sums: Floats, n: Floats, blocks: Ints, *, seasonal: Bools) -> Floats:
    """The level of each pane as the panes outside its block tell it, float64 [P, S]; NaN where they hold no event.

    `blocks` int64 [P]: the week or day that a pane is left out with; with one block only, all panes tell. `seasonal`
    bool [S]: by cell, where another block has the cell.
    """
    cells = cells_of(starts, weekends=has_weekends(starts))
    # One row with a far date makes thousands of weeks that hold nothing.
    _, blocks = np.unique(blocks, return_inverse=True)
    shape = (int(blocks.max()) + 1, CELLS, sums.shape[1])
    flat = blocks * CELLS + cells
    total = summed(flat, sums, shape[0] * CELLS).reshape(shape)
    events = summed(flat, n, shape[0] * CELLS).reshape(shape)
    if shape[0] > 1:
        total, events = total.sum(axis=0) - total, events.sum(axis=0) - events
    held = events.sum(axis=1)
    every = np.divide(total.sum(axis=1), held, out=np.full(held.shape, np.nan), where=held > 0)[:, np.newaxis]
    level = np.divide(total, events, out=np.repeat(every, CELLS, axis=1), where=(events > 0) & seasonal)
    return np.asarray(level[blocks, cells])


def season_at(season: Floats, starts: Ints, pane_length: int) -> Floats:
    """Offsets of panes [start, start + pane_length), of a season float64 [48, S] in mean over their hours: [P, S]."""
    hours = min(max(1, pane_length // HOUR), 7 * HOURS)
    if hours == 1:
        return np.asarray(season[cells_of(starts)])
    total = season[cells_of(starts)]
    for hour in range(1, hours):
        total += season[cells_of(starts + hour * HOUR)]
    return np.asarray(total / hours)
