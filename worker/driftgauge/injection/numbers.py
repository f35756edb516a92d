"""Faults of numbers: another unit, a shift at once, a shift that comes bit by bit. What is no number stays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_INT64_BITS = 63


@dataclass(frozen=True, slots=True)
class Unit:
    """Times `factor`: cents in the place of euros are 100."""

    factor: float

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """The product; beyond all doubles it is infinite."""
        return _changed(value, self.factor, 0)


@dataclass(frozen=True, slots=True)
class Shift:
    """`amount` more; with `over` ms it grows to that amount from `start` (ms) on."""

    amount: float
    start: int = 0
    over: int = 0

    def of(self, value: Any, time: int) -> Any:
        """The sum; beyond all doubles it is infinite."""
        grown = self.amount if time - self.start >= self.over else self.amount * (time - self.start) / self.over
        return _changed(value, 1, grown)


def _changed(value: Any, factor: float, more: float) -> Any:
    """Value x factor + more of a number; NaN is a missing value, and integers beyond 64 bits are doubles to JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float) and math.isnan(value):
        return value
    try:
        result = value * factor + more
        return float(result) if isinstance(result, int) and result.bit_length() > _INT64_BITS else result
    except OverflowError:
        return math.inf if (value > 0) == (factor > 0) else -math.inf
