"""Where a value stands in the reference distribution: the weights of a numeric field's cells.

Mid-PIT: u_b = (F(b-) + F(b)) / 2 with F the reference distribution over the value bins, so E[u] = 1/2 in the reference
also with ties. Location is the mean of u, spread that of |2u - 1|. In fixed point, so that sums over events are exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.profile import CategoricalField, NumericField

FIXED_POINT = 1 << 24


def mid_pit(counts: list[int]) -> NDArray[np.float64]:
    """Mid-distribution probability integral transform of each bin, float64 [B]: (F(b-) + F(b)) / 2."""
    share = np.array(counts, np.float64)
    total = share.sum()
    if total == 0:
        return np.full(len(counts), 0.5)
    share /= total
    return np.cumsum(share) - share / 2


def weights(spec: NumericField | CategoricalField, name: str) -> NDArray[np.int64]:
    """Fixed-point weights of a numeric field's cells: below counts as 0, above as 1, what isn't valid not at all."""
    u = np.concatenate([mid_pit(spec.counts[: spec.bins]), [0.0, 0.0, 0.0, 1.0]])
    fixed: NDArray[np.int64] = np.rint((u if name == "location" else np.abs(2 * u - 1)) * FIXED_POINT).astype(np.int64)
    fixed[spec.bins : spec.bins + 2] = 0
    return fixed
