"""FHDDM (river): the share of right answers in the last window, against the highest it has been (Hoeffding's bound).

Off unless configured. It sees large rises within a window and nothing else: with 100 values and its confidence, 26
points are the least. River's counts right answers as 1, so what is 1 in the series is 0 to it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from river import drift

from driftgauge.detect.events.binary import BinaryOnEvents
from driftgauge.detect.settings import require
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

# Highest share of the window, and of the short one; then the window's values, a byte each.
_HEAD = struct.Struct("<2d")


@dataclass(frozen=True, slots=True)
class FhddmTest:
    """River's `FHDDM`; `short_window_size` 0: without its second, shorter window."""

    sliding_window_size: int
    confidence_level: float
    short_window_size: int

    attributes: ClassVar[frozenset[str]] = frozenset(
        {"_drift_detected", "_warning_detected", "_sliding_window", "_epsilon", "_u_max"}
        | {"_short_window", "_u_short_max", "_epsilon_s"}
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """See `BinaryTest`."""
        long, short = settings["sliding_window_size"], settings["short_window_size"]
        require(2 <= long <= 100_000, "sliding_window_size must lie in 2..100000")
        require(short == 0 or 2 <= short <= long, "short_window_size must be 0 (none) or lie in 2..sliding_window_size")
        require(0 < settings["confidence_level"] < 1, "confidence_level must lie between 0 and 1")
        return cls(**settings)

    def fresh(self) -> Any:
        """See `BinaryTest`."""
        return drift.binary.FHDDM(
            sliding_window_size=self.sliding_window_size,
            confidence_level=self.confidence_level,
            short_window_size=self.short_window_size or None,
        )

    def encode(self, test: Any) -> bytes:
        """See `BinaryTest`."""
        short = test._u_short_max if self.short_window_size else 0.0  # noqa: SLF001
        return _HEAD.pack(test._u_max, short) + bytes(test._sliding_window)  # noqa: SLF001

    def decode(self, state: bytes) -> Any:
        """See `BinaryTest`."""
        if len(state) < _HEAD.size:
            raise StateError("fhddm: state is cut short")
        highest, short = _HEAD.unpack_from(state)
        window = state[_HEAD.size :]
        # A full window has lost its oldest value again by the time it is stored.
        if len(window) >= self.sliding_window_size or (window and max(window) > 1):
            raise StateError("fhddm: state holds a window that is none")
        full = len(window) == self.sliding_window_size - 1
        if not (0 <= highest <= 1 and 0 <= short <= 1) or ((highest or short) and not full):
            raise StateError("fhddm: state holds a share that is none")
        test = self.fresh()
        test._sliding_window.extend(window)  # noqa: SLF001
        test.n_one = sum(window)
        test._u_max = highest  # noqa: SLF001
        if self.short_window_size:
            test._u_short_max = short  # noqa: SLF001
        return test

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """How far the share of 0 in the series lies below its highest, and the bound.

        Over the values that are still in the window: river has taken out the oldest one by then.
        """
        window = list(test._sliding_window)  # noqa: SLF001
        fallen = test._u_max - sum(window) / len(window)  # noqa: SLF001
        if self.short_window_size:
            recent = window[-self.short_window_size :]
            short = test._u_short_max - sum(recent) / len(recent)  # noqa: SLF001
            if short > test._epsilon_s:  # noqa: SLF001
                return short, test._epsilon_s, "up"  # noqa: SLF001
        return fallen, test._epsilon, "up"  # noqa: SLF001


class Fhddm(BinaryOnEvents):
    """One `river.drift.binary.FHDDM` per series and source (Pesaranghader, Viktor: Fast Hoeffding, 2016).

    Settings: `series`, `confirm`, and river's `sliding_window_size`, `confidence_level`, `short_window_size`.
    """

    name: ClassVar[str] = "fhddm"
    method = FhddmTest
    inverted: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "sliding_window_size": 100,
        "confidence_level": 1e-6,
        "short_window_size": 0,
    }
