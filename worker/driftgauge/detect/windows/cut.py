"""Where a single change of a mean most likely lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_cut(n: NDArray[np.float64], sums: NDArray[np.float64], before: int, after: int) -> int | None:
    """Number of panes before the cut with the largest |m1 - m0| sqrt(n0 n1 / (n0 + n1)) (likelihood-ratio split).

    `n` float64 [m] events and `sums` float64 [m] of values, pane by pane; at least one event on both sides of every
    cut. At least `before` panes lie before the cut and `after` behind it; None if there are too few.
    """
    if len(n) < before + after:
        return None
    weight, summed = np.cumsum(n), np.cumsum(sums)
    cuts = np.arange(before, len(n) - after + 1)
    n0, n1 = weight[cuts - 1], weight[-1] - weight[cuts - 1]
    gap = (summed[-1] - summed[cuts - 1]) / n1 - summed[cuts - 1] / n0
    return int(cuts[np.argmax(np.abs(gap) * np.sqrt(n0 * n1 / weight[-1]))])
