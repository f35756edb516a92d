"""How far a subject's traffic wanders from what the hour of the week lets expect, measured out of sample.

Each hour is held against the same hours of the other weeks (of the other days, within two weeks). Of a window with N
events where E were expected, (N - E)^2 is E + E^2 tau^2 in the mean: chance, and a wander that is relative. What is
burstier than Poisson's counts as wander here, which errs towards fewer alerts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.traffic.grid import Grid
from driftgauge.profiles.scale_noise import (
    DAY,
    MIN_WINDOWS,
    SCALES,
    WEEK,
    degrees_of_freedom_by_day,
    excess_kurtosis,
)
from driftgauge.profiles.season import CELLS, cells_of, summed

# A window in which hardly anything is expected says nothing about wander, and much about chance (Cochran 1954).
_LEAST_EXPECTED = 5.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Wander(NamedTuple):
    """Of windows of one length, relative: `tau2` wander, `measured` wander and chance together; see `ScaleNoise`."""

    tau2: float
    measured: float
    dof: float
    kurtosis: float


def wander_of(starts: Ints, events: Ints, panes: Ints, grid: Grid) -> list[Wander | None]:
    """By scale of 1, 15, 60, 360 panes, from R clean rows: int64 [R]. None where it can't be told.

    Windows shorter than a row wander as rows do; those too long to be measured as the longest that could be.
    """
    expected = _expected(starts, events, panes)
    known = expected > 0
    n, e, days = events[known].astype(np.float64), expected[known], starts[known] // DAY
    found: list[Wander | None] = []
    for scale in SCALES:
        in_window = max(1, scale * grid.pane // grid.row)
        first = np.arange(len(n) // in_window) * in_window
        whole = slice(len(first) * in_window)
        measured = None
        if len(first):
            measured = _wander(np.add.reduceat(n[whole], first), np.add.reduceat(e[whole], first), days[first])
        found.append(measured or (found[-1] if found else None))
    return found


def _expected(starts: Ints, events: Ints, panes: Ints) -> Floats:
    """Events of each row as the rows of other weeks (days) tell them, float64 [R]; 0 where none does."""
    unit = WEEK if starts[-1] - starts[0] >= 2 * WEEK - DAY else DAY
    blocks = (starts - starts[0] // DAY * DAY) // unit
    cells, size = cells_of(starts), int(blocks.max()) + 1
    both = np.column_stack([events, panes]).astype(np.float64)
    by_block = summed(blocks * CELLS + cells, both, size * CELLS).reshape(size, CELLS, 2)
    others = (by_block.sum(axis=0) - by_block)[blocks, cells]
    rate = np.divide(others[:, 0], others[:, 1], out=np.zeros(len(starts)), where=others[:, 1] > 0)
    return np.asarray(panes * rate, np.float64)


def _wander(n: Floats, e: Floats, days: Ints) -> Wander | None:
    told = e >= _LEAST_EXPECTED
    if told.sum() < MIN_WINDOWS:
        return None
    n, e, days = n[told], e[told], days[told]
    chi2 = (n - e) ** 2 / e
    tau2 = max(0.0, float(chi2.sum() - len(n)) / float(e.sum()))
    _, day = np.unique(days, return_inverse=True)
    size = int(day.max()) + 1
    held = np.bincount(day, minlength=size)[:, np.newaxis].astype(np.float64)
    daily = np.bincount(day, chi2, size)[:, np.newaxis] / held
    dof = degrees_of_freedom_by_day(daily, held)
    z = (n - e) / np.sqrt(e + e**2 * tau2)
    z = z - z.mean()
    second, fourth = np.array([(z**2).mean()]), np.array([(z**4).mean()])
    kurtosis = excess_kurtosis(second, fourth, dof)
    return Wander(tau2, float(chi2.sum() / e.sum()), float(dof[0]), float(kurtosis[0]))
