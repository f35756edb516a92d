"""Counts of cells as shares, per window and field: what every comparison starts from.

Conventions of this folder: `counts` int64 [P, K] are P windows, `reference` int64 [K] is one; field f has the cells
starts[f] .. starts[f + 1] of both (`starts` int64 [F], each field at least one cell); results are float64 [P, F].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


def sizes_of(starts: Counts, cells: int) -> Counts:
    """Number of cells per field, int64 [F], of `cells` in all."""
    return np.diff(np.append(starts, cells))


def totals_of(counts: Counts, starts: Counts) -> Counts:
    """Events per window and field, int64 [P, F]."""
    return np.asarray(np.add.reduceat(counts, starts, axis=1), np.int64)


def shares_of(counts: Counts, starts: Counts, pseudo: float = 0.0) -> Array:
    """Share of every cell within its field, float64 [P, K], `pseudo` events added to each; NaN where there is none."""
    sizes = sizes_of(starts, counts.shape[1])
    totals = np.repeat(totals_of(counts, starts) + pseudo * sizes, sizes, axis=1)
    return np.asarray(np.divide(counts + pseudo, totals, out=np.full(totals.shape, np.nan), where=totals > 0))


def cumulative_shares_of(counts: Counts, starts: Counts) -> Array:
    """Share of the events in a cell or one before it in its field, float64 [P, K]; NaN where there is no event.

    Sums are of integers, so that no field's rounding reaches the next one.
    """
    sizes = sizes_of(starts, counts.shape[1])
    running = np.cumsum(counts, axis=1, dtype=np.int64)
    before = np.where(starts > 0, running[:, starts - 1], 0)
    totals = np.repeat(totals_of(counts, starts), sizes, axis=1)
    below = running - np.repeat(before, sizes, axis=1)
    return np.asarray(np.divide(below, totals, out=np.full(totals.shape, np.nan), where=totals > 0))
