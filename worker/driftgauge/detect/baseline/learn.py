"""From four weeks of rows to the season and the noise of each series, measured as `profile build` does.

Levels are not learned: what production is compared with stays the profile's, so that a difference that was there from
the first day stays visible. What repeats by the hour of the week, and how far means over windows wander otherwise, is
production's own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.within import Movement
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
    """Of V series: `season` float64 [48, V]; noise by window `lengths` (ms), one after the other."""

    season: Floats
    lengths: tuple[int, ...]
    spreads: tuple[WindowSpread, ...]


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
    """From rows, at least one, and the movement within them (`Movement`, by day and scale).

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
        short = _short(moved, days, clean, between, spreads[0], sd)
        lengths[:0] = [w * pane_length for w in SCALES[: len(short)]]
        spreads[:0] = short
    return Learned(season, tuple(lengths), tuple(spreads))


def days_of(starts: Ints) -> Ints:
    """Starts (ms) of the days (UTC) that hold a row, ascending."""
    return np.unique(starts - starts % DAY)


def days_told(starts: Ints, clean: Bools, end: int) -> Floats:
    """Clean days by field, float64 [F], that rows with these starts (ms) tell of up to `end`; `clean` bool [D, F]."""
    days = days_of(starts)
    covered = np.minimum(days + DAY, end) - np.maximum(days, starts[0])
    return np.asarray((clean * covered[:, np.newaxis]).sum(axis=0) / DAY)


def _short(
    moved: tuple[Ints, Floats], days: Ints, clean: Bools, between: Floats, of_rows: WindowSpread, sd: Floats
) -> list[WindowSpread]:
    """Of windows shorter than a row: how they lie about their row, and the row about its level.

    `between` float64 [D, V]: mean square of the rows' residuals by day.
    """
    found = []
    position = np.searchsorted(days, moved[0])
    there = (position < len(days)) & (days[np.minimum(position, len(days) - 1)] == moved[0])
    kept = clean[position[there]]
    for scale in range(moved[1].shape[1]):
        by_day = Movement(*(moved[1][there, scale, field] * kept for field in range(len(Movement._fields))))
        whole = Movement(*(part.sum(axis=0) for part in by_day))
        many = np.maximum(whole.windows, 1)
        within = whole.squares / many
        variance = within + of_rows.variance
        daily = by_day.squares / np.maximum(by_day.windows, 1) + between[position[there]]
        dof = degrees_of_freedom_by_day(daily, by_day.windows)
        told = np.maximum(whole.robust, 1)
        tails = excess_kurtosis(whole.second / told, whole.fourth / told, dof)
        parts = tails * within**2 + of_rows.kurtosis * of_rows.variance**2
        kurtosis = np.divide(parts, variance**2, out=np.zeros(len(sd)), where=variance > 0)
        events = np.divide(whole.windows, whole.inverse, out=np.zeros(len(sd)), where=whole.inverse > 0)
        # Without rows that tell of the level nothing is known of the whole.
        windows = np.where(of_rows.windows > 0, whole.windows, 0.0)
        found.append(WindowSpread(windows, variance, events, dof, kurtosis))
    return found
