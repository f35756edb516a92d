"""Faults of numbers: another unit, a shift at once, a shift that comes bit by bit. What is no number stays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    """Times `factor`: cents in the place of euros are 100."""

    factor: float

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """The product; beyond all doubles it is infinite."""
        try:
            return value * self.factor if _is_number(value) else value
        except OverflowError:
            return math.inf


@dataclass(frozen=True, slots=True)
class Shift:
    """`amount` more; with `over` ms it grows to that amount from `start` (ms) on."""

    amount: float
    start: int = 0
    over: int = 0

    def of(self, value: Any, time: int) -> Any:
        """The sum; beyond all doubles it is infinite."""
        grown = self.amount if time - self.start >= self.over else self.amount * (time - self.start) / self.over
        try:
            return value + grown if _is_number(value) else value
        except OverflowError:
            return math.inf


def _is_number(value: Any) -> bool:
    """NaN is a missing value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124
