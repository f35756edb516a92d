"""What detect is fed: a block of closed panes of one subject, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PaneBlock:
    """P consecutive non-empty closed panes of one subject, oldest first (empty panes are left out: they say nothing).

    `starts` int64 [P] ms; `length` ms; `counts` int64 [P, K]; per series (S of them): `n` int64 [P, S] events behind
    the value, `hits` int64 [P, S] (rates: events with the indicator), `values` float64 [P, S] (hits/n for rates; NaN
    where n is 0). Columns of window series are NaN / 0 until their detector has filled `values` and `n`.
    `history_starts` int64 [H], `history_counts` int64 [H, K]: the panes right before the block, at least as many as
    the comparison window reaches back, so that window detectors need no state of their own.
    """

    starts: NDArray[np.int64]
    length: int
    counts: NDArray[np.int64]
    n: NDArray[np.int64]
    hits: NDArray[np.int64]
    values: NDArray[np.float64]
    history_starts: NDArray[np.int64]
    history_counts: NDArray[np.int64]
