"""The wall clock, as an argument."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in ms."""

    def now(self) -> int:
        """Ms since some fixed moment; never goes back."""
        ...


class MonotonicClock:
    """The machine's."""

    def now(self) -> int:
        """See Clock."""
        return time.monotonic_ns() // 1_000_000
