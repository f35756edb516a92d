"""Which pane length suits a reference (rules: "pane auto")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHOICES = (10_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000)
_COVERAGE = 0.2
_EVENTS = 100


def suggest_pane(times: NDArray[np.int64]) -> int:
    """The pane length (ms) for event times int64 ms [n], n > 0, in any order.

    The shortest of 10s 1m 5m 15m 1h 6h 1d whose non-empty panes cover 20 % of the span and hold 100 events in the
    median, else a day.
    """
    for length in _CHOICES:
        panes, counts = np.unique(times // length, return_counts=True)
        span = int(panes[-1] - panes[0]) + 1
        if len(panes) >= _COVERAGE * span and np.median(counts) >= _EVENTS:
            return length
    return _CHOICES[-1]
