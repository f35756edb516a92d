"""From four weeks of rows to the season and the noise of each series, measured as `profile build` does.

Levels are not learned: what production is compared with stays the profile's, so that a difference that was there from
the first day stays visible. What repeats by the hour of the week, and how far means over windows wander otherwise, is
production's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.within import Movement, short_scales
from driftgauge.profiles.scale_noise import (
    SCALES,
    Panes,
    WindowSpread,
    degrees_of_freedom_by_day,
    excess_kurtosis,
    residuals,
    spread_of,
)
from driftgauge.profiles.season import CELLS, DAY, MIN_DAYS, season_of, summed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


# Fewer windows have no spread to speak of.
_LEAST_WINDOWS = 3


class Learned(NamedTuple):
    """Of V series: `season` float64 [48, V]; noise by window `lengths` (ms), one after the other.

    `steps`: noise of steps, one after the other as in `short_steps`.
    """

    season: Floats
    lengths: tuple[int, ...]
    spreads: tuple[WindowSpread, ...]
    steps: tuple[WindowSpread, ...] = ()


def learn(
    rows: Panes,
    row_length: int,
    moved: tuple[Ints, Floats],
    *,
    told: Floats,
    clean: Bools,
    sd: Floats,
    pane_length: int,
) -> Learned:
    """From rows, at least one, and the movement within them (`Movement`, by day, and by short scale, then step).

    `told` float64 [V]: clean days behind each series. `clean` bool [D, V]: which of the days of the rows (`days_of`)
    count for it. `sd` float64 [V]: of one event.
    """
    days = days_of(rows.starts)
    position = np.searchsorted(days, rows.starts - rows.starts % DAY)
    kept = np.where(clean[position], 1.0, 0.0)
    rows = Panes(rows.starts, rows.sums * kept, rows.n * kept)
    season = np.where(told >= MIN_DAYS, season_of(*rows, sd), np.zeros((CELLS, len(sd))))
    deviations, held_out = residuals(rows, row_length, seasonal=np.any(season != 0, axis=0))
    lengths: list[int] = []
    spreads: list[WindowSpread] = []
    whole = (w * pane_length // row_length for w in SCALES)
    for in_row in dict.fromkeys([1, *(rows_in for rows_in in whole if rows_in)]):
        windows = len(rows.starts) // in_row
        if windows < _LEAST_WINDOWS:
            break
        shape = (windows, in_row, len(sd))
        begins = rows.starts[: windows * in_row : in_row]
        lengths.append(in_row * row_length)
        spreads.append(
            spread_of(
                deviations[: windows * in_row].reshape(shape),
                rows.n[: windows * in_row].reshape(shape),
                (begins - begins[0]) // DAY,
                sd,
                held_out=held_out,
            )
        )
    if spreads:
        mean = np.divide(deviations, rows.n, out=np.zeros(rows.n.shape), where=rows.n > 0)
        held = summed(position, (rows.n > 0).astype(np.float64), len(days))
        between = np.divide(summed(position, mean**2, len(days)), held, out=np.zeros(held.shape), where=held > 0)
        scales = len(short_scales(pane_length))
        within = _Within.of(*moved, days, clean)
        short = [within.of_windows(i, between, spreads[0]) for i in range(scales)]
        lengths[:0] = [w * pane_length for w in SCALES[:scales]]
        spreads[:0] = short
        return Learned(season, tuple(lengths), tuple(spreads), tuple(within.of_steps(scales)))
    return Learned(season, (), ())


def days_of(starts: Ints) -> Ints:
    """Starts (ms) of the days (UTC) that hold a row, ascending."""
    return np.unique(starts - starts % DAY)


def days_told(starts: Ints, clean: Bools, end: int) -> Floats:
    """Clean days by field, float64 [F], that rows with these starts (ms) tell of up to `end`; `clean` bool [D, F]."""
    days = days_of(starts)
    covered = np.minimum(days + DAY, end) - np.maximum(days, starts[0])
    return np.asarray((clean * covered[:, np.newaxis]).sum(axis=0) / DAY)


class _Within(NamedTuple):
    """Movement within the rows of D clean days.

    `sums` float64 [D, scales and steps, fields, V]; `position` int64 [D] of each day among those of the rows.
    """

    sums: Floats
    position: Ints

    @classmethod
    def of(cls, starts: Ints, moved: Floats, days: Ints, clean: Bools) -> _Within:
        """Of days with these starts (ms); `days` are those of the rows, `clean` bool [.., V] which of them count."""
        position = np.searchsorted(days, starts)
        there = (position < len(days)) & (days[np.minimum(position, len(days) - 1)] == starts)
        kept = clean[position[there]]
        return cls(moved[there] * kept[:, np.newaxis, np.newaxis], position[there])

    def of_windows(self, scale: int, between: Floats, of_rows: WindowSpread) -> WindowSpread:
        """Of windows shorter than a row: how they lie about their row, and the row about its level.

        `between` float64 [D, V]: mean square of the rows' residuals by day.
        """
        by_day, whole = self._movement(scale)
        within = whole.squares / np.maximum(whole.windows, 1)
        variance = within + of_rows.variance
        daily = by_day.squares / np.maximum(by_day.windows, 1) + between[self.position]
        dof = degrees_of_freedom_by_day(daily, by_day.windows)
        parts = _tails(whole, dof) * within**2 + of_rows.kurtosis * of_rows.variance**2
        kurtosis = np.divide(parts, variance**2, out=np.zeros(len(parts)), where=variance > 0)
        # Without rows that tell of the level nothing is known of the whole.
        windows = np.where(of_rows.windows > 0, whole.windows, 0.0)
        return WindowSpread(windows, variance, _events(whole), dof, kurtosis)

    def of_steps(self, scales: int) -> Iterator[WindowSpread]:
        """Of the steps, which come after so many scales."""
        for i in range(scales, self.sums.shape[1]):
            by_day, whole = self._movement(i)
            daily = by_day.squares / np.maximum(by_day.windows, 1)
            dof = degrees_of_freedom_by_day(daily, by_day.windows)
            variance = whole.squares / np.maximum(whole.windows, 1)
            yield WindowSpread(whole.windows, variance, _events(whole), dof, _tails(whole, dof))

    def _movement(self, i: int) -> tuple[Movement, Movement]:
        """By day, float64 [D, V] each, and in all, float64 [V]."""
        by_day = Movement(*(self.sums[:, i, field] for field in range(len(Movement._fields))))
        return by_day, Movement(*(part.sum(axis=0) for part in by_day))


def _tails(whole: Movement, dof: Floats) -> Floats:
    told = np.maximum(whole.robust, 1)
    return excess_kurtosis(whole.second / told, whole.fourth / told, dof)


def _events(whole: Movement) -> Floats:
    return np.divide(whole.windows, whole.inverse, out=np.zeros(len(whole.windows)), where=whole.inverse > 0)
