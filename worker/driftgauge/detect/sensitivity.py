"""What a detector would find: the smallest lasting change of a series, at so many events a pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000
DAY = 24 * HOUR
_STEPS = 40


class Sensitivity(NamedTuple):
    """The smallest change of series `series` (index) that is found within `panes` panes as a rule (mean evidence).

    `reached`: rates: the rate itself; values: the distance from the reference level either way; in the series' unit.
    """

    series: int
    detector: str
    panes: int
    reached: float


def panes_within(span: int, pane_length: int) -> int:
    """Panes in a time (ms) within which sensitivities are told: at least two, as what is over in one doesn't last."""
    return max(2, span // pane_length)


def smallest(
    found: Callable[[NDArray[np.float64]], NDArray[np.bool_]], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Per element the smallest x in low..high with found(x), by bisection; NaN where not even `high` is found."""
    low, high = low.copy(), high.copy()
    possible = found(high)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        hit = found(middle)
        high, low = np.where(hit, middle, high), np.where(hit, low, middle)
    return np.where(possible, high, np.nan)
