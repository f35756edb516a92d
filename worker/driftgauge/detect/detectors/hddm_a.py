"""HDDM_A (river): an error rate whose mean has moved from that of an earlier part of the stream (Hoeffding's bound).

Off unless configured. The one of the five whose false alarms are bounded, for independent events; some 5 us an event.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from river import drift

from driftgauge.detect.events.binary import BinaryOnEvents, is_count, unpacked
from driftgauge.detect.settings import require
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

# n and mean of the whole, of the part with the lowest upper bound, and of that with the highest lower bound.
_LAYOUT = struct.Struct("<6d")


@dataclass(frozen=True, slots=True)
class HddmATest:
    """River's `HDDMA`; its warnings aren't used."""

    drift_confidence: float
    two_sided_test: bool

    attributes: ClassVar[frozenset[str]] = frozenset({"_drift_detected", "_warning_detected", "_x_min", "_x_max", "_z"})

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """See `BinaryTest`."""
        require(0 < settings["drift_confidence"] < 1, "drift_confidence must lie between 0 and 1")
        return cls(**settings)

    def fresh(self) -> Any:
        """See `BinaryTest`."""
        return drift.binary.HDDMA(drift_confidence=self.drift_confidence, two_sided_test=self.two_sided_test)

    def encode(self, test: Any) -> bytes:
        """See `BinaryTest`."""
        parts = (test._z, test._x_min, test._x_max)  # noqa: SLF001
        return _LAYOUT.pack(*(number for part in parts for number in (part.n, part.get())))

    def decode(self, state: bytes) -> Any:
        """See `BinaryTest`."""
        n, mean, *parts = unpacked(_LAYOUT, state)
        test = self.fresh()
        if (n, mean, *parts) == (0.0,) * 6:
            return test
        for count, part in ((n, mean), parts[:2], parts[2:]):
            if not (is_count(count, 1) and count <= n and 0 <= part <= 1):
                raise StateError("hddm_a: state holds a part that is none of the stream")
        mean_of = type(test._z)._from_state  # noqa: SLF001
        test._z, test._x_min, test._x_max = mean_of(n, mean), mean_of(*parts[:2]), mean_of(*parts[2:])  # noqa: SLF001
        return test

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """How far the mean of the whole lies from that of the part, and the bound."""
        whole = test._z  # noqa: SLF001
        for part, sign, side in self._sides(test):
            if part.n < whole.n:
                moved, bound = sign * (whole.get() - part.get()), self._bound(part.n, whole.n)
                if moved >= bound:
                    return moved, bound, side
        raise AssertionError("river's HDDMA is in drift, but neither side is")

    @staticmethod
    def _sides(test: Any) -> tuple[tuple[Any, int, Direction], tuple[Any, int, Direction]]:
        return (test._x_min, 1, "up"), (test._x_max, -1, "down")  # noqa: SLF001

    def _bound(self, part: float, whole: float) -> float:
        # In river's own order, so that what is told is what was compared.
        m = (whole - part) / part * (1.0 / whole)
        return math.sqrt(m / 2 * math.log(2.0 / self.drift_confidence))


class HddmA(BinaryOnEvents):
    """One `river.drift.binary.HDDMA` per series and source (Frias-Blanco et al., IEEE TKDE 27(3), 2015).

    Settings: `series`, `confirm`, and river's `drift_confidence`, `two_sided_test` (also a share's fall).
    """

    name: ClassVar[str] = "hddm_a"
    method = HddmATest
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"drift_confidence": 0.001, "two_sided_test": False}
