"""What a subject's own clean days let expect: events a pane by hour of the week, how they scatter, the longest gap.

A training profile says nothing about traffic (it is thinned), so all of this is production's. From one day on the
lowest hourly rate is known, from five on each hour's. Working days and weekends are told apart from the first day: a
cell of the week counts once two of its hours were seen, or the first weekend would be a fall of traffic.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.within import short_scales
from driftgauge.detect.traffic.days import MILLI, Day
from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.noise import Wander, wander_of
from driftgauge.detect.traffic.parts import ALL
from driftgauge.errors import StateError
from driftgauge.profiles.scale_noise import SCALES
from driftgauge.profiles.season import CELLS, DAY, HOURS, MIN_DAYS, cells_of, summed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rates are whole multiples of 2^-32 events, so that sums over panes are exact in any order.
ONE = 1 << 32
LEAST_DAYS = 1.0
# Hours of a cell from which its mean is one.
_LEAST_ROWS = 2
_MOST = 1 << 62


class Level(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """In force from a midnight on.

    `days`: clean days behind it; `events`: by part, those of these days. By part and cell, in 2^-32 events a pane:
    `rates`, and `hazards`, rates over the index of dispersion (a burst counts as one event). `longest`: by part, the
    longest gap (see `_longest`), in sums of hazards. `judged`: cells whose volume is judged. `spread`: index of
    dispersion by short scale and cell; `tails`: excess kurtosis of single panes beyond Poisson's. `wander`: of windows
    of 1, 15, 60 and 360 panes; empty while volume is not judged.
    """

    days: float
    events: list[int]
    rates: list[list[int]]
    hazards: list[list[int]]
    longest: list[int]
    judged: list[bool]
    spread: list[list[float]]
    tails: float
    wander: list[Wander | None]

    @property
    def hourly(self) -> bool:
        """Whether each hour's own rate is known."""
        return self.days >= MIN_DAYS

    def size(self, grid: Grid, part: int, begin: int, end: int, panes: int) -> int:
        """Hazards of `panes` of the panes from one pane start to another (ms)."""
        whole = sum(s.panes * self.hazards[part][s.cell] for s in grid.stretches(begin, end))
        return whole * panes // max(1, (end - begin) // grid.pane)


class _Rows(NamedTuple):
    """Of R rows: `starts` ms, cells; `events`, `panes` int64 [R, P]; `spread` float64 [R, columns]."""

    starts: Ints
    cells: Ints
    events: Ints
    panes: Ints
    spread: Floats
    tails: Floats

    @classmethod
    def of(cls, days: list[Day]) -> _Rows:
        rows = [row for day in days for row in day.rows]
        starts = np.array([row.start for row in rows], np.int64)
        return cls(
            starts,
            cells_of(starts),
            np.array([row.events for row in rows], np.int64),
            np.array([row.panes for row in rows], np.int64),
            np.array([row.spread for row in rows], np.float64) / MILLI,
            np.array([row.tails for row in rows], np.float64) / MILLI,
        )


def learn(days: list[Day], grid: Grid, parts: int) -> Level | None:
    """From clean days, oldest first; None if they don't tell of one day yet."""
    if not days:
        return None
    rows = _Rows.of(days)
    told = float(rows.panes[:, ALL].sum() * grid.pane / DAY)
    if told < LEAST_DAYS:
        return None
    hourly, scales = told >= MIN_DAYS, len(short_scales(grid.pane))
    seen = summed(rows.cells, (rows.panes > 0).astype(np.float64), CELLS) >= _LEAST_ROWS
    rates = np.stack([_rates(rows, part, seen[:, part] & hourly) for part in range(parts)])
    columns = rows.spread.shape[1]
    spread = np.array([_dispersion(rows, c, max(ALL, c - scales + 1)) for c in range(columns)]).reshape(-1, CELLS)
    # By pane, of all events and of the other parts. Panes as long as a row have none.
    of_panes = np.concatenate([spread[:1] if scales else np.ones((1, CELLS)), spread[scales:]])
    hazards = rates / of_panes
    level = Level(
        days=told,
        events=[int(n) for n in rows.events.sum(axis=0)],
        rates=_fixed(rates),
        hazards=_fixed(hazards),
        longest=[],
        judged=(seen[:, ALL] & hourly).tolist(),
        spread=spread[:scales].tolist(),
        tails=_tails(rows) if scales else 0.0,
        wander=wander_of(rows.starts, rows.events[:, ALL], rows.panes[:, ALL], grid) if hourly else [],
    )
    level.longest.extend(_longest(days, level, grid, part) for part in range(parts))
    return level


def check_level(level: Level, grid: Grid, parts: int) -> None:
    """StateError if a stored level is none that `learn` gives."""
    whole = [n for table in (level.rates, level.hazards) for row in table for n in row] + level.longest + level.events
    numbers = [
        level.days,
        level.tails,
        *(x for row in level.spread for x in row),
        *(x for wander in level.wander for x in wander or ()),
    ]
    by_cell: list[Sized] = [*level.rates, *level.hazards, *level.spread, level.judged]
    fits = (
        len(level.events) == len(level.rates) == len(level.hazards) == len(level.longest) == parts
        and all(len(cells) == CELLS for cells in by_cell)
        and len(level.spread) == len(short_scales(grid.pane))
        and all(0 <= n < _MOST for n in whole)
        and all(0 <= x < _MOST for x in numbers)
        and level.days >= LEAST_DAYS
        and len(level.wander) == (len(SCALES) if level.hourly else 0)
    )
    if not fits:
        raise StateError("the stored level of the traffic holds impossible numbers")


def _longest(days: list[Day], level: Level, grid: Grid, part: int) -> int:
    """Of each day the longest gap of a part, and of these the longest; once hours are known, the longest but one.

    What was an outage before it could be told from a habit would hide the next one for four weeks.
    """
    gaps = [[gap for gap in day.gaps if gap.part == part] for day in days]
    sizes = [max((level.size(grid, part, g.begin, g.end, g.panes) for g in own), default=0) for own in gaps]
    return sorted(sizes)[-2 if level.hourly and len(sizes) > 1 else -1]


def _rates(rows: _Rows, part: int, known: NDArray[np.bool_]) -> Floats:
    """Events a pane by cell, float64 [48]; in cells that aren't `known` the lowest of all rows."""
    events, panes = rows.events[:, part], rows.panes[:, part]
    told = panes > 0
    if not told.any():
        return np.zeros(CELLS)
    lowest = float((events[told] / panes[told]).min())
    sums = summed(rows.cells, np.column_stack([events, panes]).astype(np.float64), CELLS)
    mean = np.divide(sums[:, 0], sums[:, 1], out=np.zeros(CELLS), where=sums[:, 1] > 0)
    return np.asarray(np.where(known, mean, lowest), np.float64)


def _dispersion(rows: _Rows, column: int, part: int) -> Floats:
    """Index of dispersion by cell, float64 [48]: that of all rows, or of the hour of the day if it is more; at least 1.

    The hours in which traffic rises steeply are uneven without being anything else. Weekends are not told apart: what
    is done every night shows in the first one.
    """
    told = np.where(rows.spread[:, column] > 0, rows.events[:, part], 0).astype(np.float64)
    weighted = told * rows.spread[:, column]
    pooled = weighted.sum() / max(1.0, told.sum())
    sums = summed(rows.cells % HOURS, np.column_stack([weighted, told]), HOURS)
    own = np.divide(sums[:, 0], sums[:, 1], out=np.zeros(HOURS), where=sums[:, 1] > 0)
    return np.tile(np.maximum(1.0, np.maximum(pooled, own)), CELLS // HOURS)


def _tails(rows: _Rows) -> float:
    """Excess kurtosis of panes about their hour, less that of Poisson's law at their mean."""
    told = np.where(rows.tails > 0, rows.events[:, ALL], 0)
    if not told.sum():
        return 0.0
    mean = rows.events[:, ALL].sum() / rows.panes[:, ALL].sum()
    return max(0.0, float((told * rows.tails).sum() / told.sum()) - 3 - 1 / float(mean))


def _fixed(rates: Floats) -> list[list[int]]:
    return [[round(rate * ONE) for rate in row] for row in rates.tolist()]
