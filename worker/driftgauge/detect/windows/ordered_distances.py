"""Distances that need ordered cells (the bins of a numeric field): Kolmogorov-Smirnov and Wasserstein-1.

F and G are the distribution functions of window and reference at the upper edges of the cells. NaN where either side
has no event. Arguments and results are as `windows/shares.py` says.
"""

from __future__ import annotations

import numpy as np

from driftgauge.detect.windows.shares import Array, Counts, cumulative_shares_of, shares_of


def kolmogorov_smirnov(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """Largest |F - G| over the edges of the cells, 0 .. 1 (Smirnov 1939).

    Exact where every distinct value has a cell of its own; else a lower bound of the statistic of the values, as it
    looks at the edges only.
    """
    return np.asarray(np.maximum.reduceat(np.abs(_gap(counts, reference, starts)), starts, axis=1))


def wasserstein(counts: Counts, reference: Counts, starts: Counts, positions: Array) -> Array:
    """Integral of |F - G| over the values: the mean way that events have moved, in the unit of `positions`.

    `positions` float64 [K] ascend within a field and stand for the values of a cell (in one dimension the
    Wasserstein-1 distance is this integral, Vallender 1974). Exact where each cell holds one value.
    """
    steps = np.append(np.diff(positions), 0.0)
    # From one field into the next there is no way.
    steps[starts[1:] - 1] = 0.0
    return np.asarray(np.add.reduceat(np.abs(_gap(counts, reference, starts)) * steps, starts, axis=1))


def quantile_wasserstein(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """Wasserstein-1 in quantile units, mean |F - G| over the reference, 0 .. 1/2: free of the values' own unit.

    Every cell stands at its mid-distribution position u = (G(cell-) + G(cell)) / 2, as in the `location` series. So it
    is at least the change of `location`, and equal to it where all events moved the same way. .14 is a shift of half
    a standard deviation of a normal.
    """
    upper = cumulative_shares_of(reference[np.newaxis], starts)
    middle = upper - shares_of(reference[np.newaxis], starts) / 2
    return wasserstein(counts, reference, starts, middle[0])


def _gap(counts: Counts, reference: Counts, starts: Counts) -> Array:
    return cumulative_shares_of(counts, starts) - cumulative_shares_of(reference[np.newaxis], starts)
