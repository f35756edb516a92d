"""Tests of homogeneity of the 2 x K table (window, reference): Pearson's chi-squared and the G test.

Null hypothesis: both are samples of one distribution, any difference counts. So with enough events they reject for a
drift that matters to nobody, and they are reported and never alarmed on. Without continuity correction; exact for the
cells, in any order. The p-values are asymptotic: fair where some 5 events are expected per cell. Arguments are as
`windows/shares.py` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, rel_entr

from driftgauge.detect.windows.shares import Array, Counts, sizes_of, totals_of


class Homogeneity(NamedTuple):
    """A test's result, float64 [P, F] each: `statistic` ~ chi-squared(`dof`) if nothing differs, its `p_value`.

    `dof` is the number of cells with an event on either side, less 1. Where that is 0 nothing can differ: statistic 0,
    p-value 1. All NaN where either side has no event.
    """

    statistic: Array
    dof: Array
    p_value: Array


def pearson(counts: Counts, reference: Counts, starts: Counts) -> Homogeneity:
    """Sum of (observed - expected)^2 / expected over the table of both samples (Pearson 1911).

    In closed form sum (sqrt(m / n) c - sqrt(n / m) r)^2 / (c + r) over the cells, of n events against m. Against a
    reference that is known exactly (m without limit) it is the goodness-of-fit statistic.
    """
    n, m = _totals(counts, reference, starts)
    ratio = np.sqrt(m / n)
    pooled = np.maximum(counts + reference, 1)
    return _judged(
        np.add.reduceat((ratio * counts - reference / ratio) ** 2 / pooled, starts, axis=1), counts, reference, starts
    )


def likelihood_ratio(counts: Counts, reference: Counts, starts: Counts) -> Homogeneity:
    """G = 2 sum observed ln(observed / expected) over the table of both samples (Wilks 1935)."""
    n, m = _totals(counts, reference, starts)
    pooled = (counts + reference) / (n + m)
    terms = rel_entr(counts.astype(np.float64), n * pooled) + rel_entr(reference.astype(np.float64), m * pooled)
    return _judged(2 * np.add.reduceat(terms, starts, axis=1), counts, reference, starts)


def _totals(counts: Counts, reference: Counts, starts: Counts) -> tuple[Counts, Counts]:
    """Events of the field of every cell on both sides, int64 [P, K] and [1, K]; at least 1, to divide by."""
    sizes = sizes_of(starts, counts.shape[1])
    n, m = totals_of(counts, starts), totals_of(reference[np.newaxis], starts)
    return np.repeat(np.maximum(n, 1), sizes, axis=1), np.repeat(np.maximum(m, 1), sizes, axis=1)


def _judged(statistic: Array, counts: Counts, reference: Counts, starts: Counts) -> Homogeneity:
    known = (totals_of(counts, starts) > 0) & (totals_of(reference[np.newaxis], starts) > 0)
    dof = np.add.reduceat(((counts + reference) > 0).astype(np.float64), starts, axis=1) - 1
    # Where there is one cell only, rounding may leave a trace of a difference.
    found = np.where(dof > 0, np.maximum(statistic, 0.0), 0.0)
    p = np.where(dof > 0, chdtrc(np.maximum(dof, 1.0), found), 1.0)
    return Homogeneity(*(np.where(known, part, np.nan) for part in (found, dof, p)))
