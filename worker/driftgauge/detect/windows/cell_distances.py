"""Distances between two distributions over the same cells, whatever their order: JS, Hellinger, total variation, L-inf.

All lie in 0 .. 1, need no pseudo-counts, and are NaN where either side has no event. They are exact for the cells. For
the values behind a numeric field's bins the first three are lower bounds, near for some 20 quantile bins: merging
values never tells distributions further apart (data-processing inequality, Csiszar 1967). L-infinity is of the cells
and depends on how they are cut. Like PSI all of them are above 0 by sampling alone, the more the fewer the events.
Arguments and results are as `windows/shares.py` says.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from driftgauge.detect.windows.shares import Array, Counts, shares_of


def jensen_shannon(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """Jensen-Shannon distance: sqrt(KL(q || m) / 2 + KL(p || m) / 2), m = (p + q) / 2, logarithms to base 2.

    The divergence is Lin's (1991); its root is a metric (Endres and Schindelin 2003). With natural logarithms, as
    elsewhere, it is sqrt(ln 2) = .8326 times this.
    """
    q, p = _both(counts, reference, starts)
    middle = (p + q) / 2
    nats = np.add.reduceat((rel_entr(q, middle) + rel_entr(p, middle)) / 2, starts, axis=1)
    return np.asarray(np.sqrt(np.maximum(nats, 0.0) / np.log(2)))


def hellinger(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """Hellinger distance: sqrt(sum (sqrt q - sqrt p)^2 / 2), which is sqrt(1 - Bhattacharyya coefficient)."""
    q, p = _both(counts, reference, starts)
    return np.asarray(np.sqrt(np.add.reduceat((np.sqrt(q) - np.sqrt(p)) ** 2, starts, axis=1) / 2))


def total_variation(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """Total variation distance: sum |q - p| / 2, the share of events that lie in another cell now."""
    q, p = _both(counts, reference, starts)
    return np.asarray(np.add.reduceat(np.abs(q - p), starts, axis=1) / 2)


def l_infinity(counts: Counts, reference: Counts, starts: Counts) -> Array:
    """L-infinity distance: max |q - p|, the largest move of a single cell (as TFDV compares categories)."""
    q, p = _both(counts, reference, starts)
    return np.asarray(np.maximum.reduceat(np.abs(q - p), starts, axis=1))


def _both(counts: Counts, reference: Counts, starts: Counts) -> tuple[Array, Array]:
    return shares_of(counts, starts), shares_of(reference[np.newaxis], starts)
