"""Which pane length suits a reference (rules: "pane auto")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SUGGESTED_PANES = (10_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000)
_COVERAGE = 0.2
_EVENTS = 100
_MINUTE = 60_000
_DENSE = 0.8


def suggest_pane(times: NDArray[np.int64]) -> int:
    """The pane length (ms) for event times int64 ms [n], n > 0, in any order.

    The shortest of 10s 1m 5m 15m 1h 6h 1d whose non-empty panes cover 20 % of the span and hold 100 events in the
    median, else a day.
    """
    for length in SUGGESTED_PANES:
        panes, counts = np.unique(times // length, return_counts=True)
        span = int(panes[-1] - panes[0]) + 1
        if len(panes) >= _COVERAGE * span and np.median(counts) >= _EVENTS:
            return length
    return SUGGESTED_PANES[-1]


def densest_pane(times: NDArray[np.int64]) -> int:
    """The shortest pane (ms) of a minute or more of which 80 % hold an event, however few; a day if none is."""
    for length in SUGGESTED_PANES:
        panes = np.unique(times // length)
        if length >= _MINUTE and len(panes) >= _DENSE * (int(panes[-1] - panes[0]) + 1):
            return length
    return SUGGESTED_PANES[-1]
