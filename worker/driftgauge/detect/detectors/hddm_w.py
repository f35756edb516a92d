"""HDDM_W (river): as HDDM_A with a moving average, which weighs recent events more (McDiarmid's bound).

Off unless configured. Sooner than HDDM_A on a sudden rise and blind to slow ones; some 6 us an event.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import starmap
from typing import Any, ClassVar, Self

from river import drift

from driftgauge.detect.events.binary import BinaryOnEvents, unpacked
from driftgauge.detect.settings import require
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

# Average (-1: none yet) and independent bound condition of five samples, then the two cut points.
_LAYOUT = struct.Struct("<12d")
_SAMPLES = ("_total", "_s1_incr", "_s2_incr", "_s1_decr", "_s2_decr")
_UNSEEN = -1.0


@dataclass(frozen=True, slots=True)
class HddmWTest:
    """River's `HDDMW`; its warnings aren't used."""

    drift_confidence: float
    lambda_val: float
    two_sided_test: bool

    attributes: ClassVar[frozenset[str]] = frozenset(
        {"_drift_detected", "_warning_detected", *_SAMPLES, "_incr_cutpoint", "_decr_cutpoint"}
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """See `BinaryTest`."""
        require(0 < settings["drift_confidence"] < 1, "drift_confidence must lie between 0 and 1")
        require(0 < settings["lambda_val"] <= 1, "lambda_val must be above 0 and at most 1")
        return cls(**settings)

    def fresh(self) -> Any:
        """See `BinaryTest`."""
        return drift.binary.HDDMW(**asdict(self))

    def encode(self, test: Any) -> bytes:
        """See `BinaryTest`."""
        samples = [getattr(test, name) for name in _SAMPLES]
        numbers = [x for s in samples for x in (s.ewma if s.is_init else _UNSEEN, s.ibc)]
        return _LAYOUT.pack(*numbers, test._incr_cutpoint, test._decr_cutpoint)  # noqa: SLF001

    def decode(self, state: bytes) -> Any:
        """See `BinaryTest`."""
        *numbers, rise, fall = unpacked(_LAYOUT, state)
        test = self.fresh()
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        seen = [average != _UNSEEN for average, _ in pairs]
        if not all(starmap(_plausible, pairs)) or (any(seen) and not (seen[0] and seen[1] and seen[3])):
            raise StateError("hddm_w: state holds a sample that is none")
        bounded = all(-1e6 <= cut <= 1e6 for cut in (rise, fall)) if seen[0] else (rise, fall) == (math.inf, -math.inf)
        if not bounded:
            raise StateError("hddm_w: state holds a cut point out of range")
        for name, (average, condition) in zip(_SAMPLES, pairs, strict=True):
            if average != _UNSEEN:
                # An average of one value is that value, so river's own object needs no bytes of ours.
                sample = getattr(test, name)
                sample.update(average)
                sample._ibc = condition  # noqa: SLF001
        test._incr_cutpoint, test._decr_cutpoint = rise, fall  # noqa: SLF001
        return test

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """How far the average since the cut lies beyond that before it, and the bound."""
        sides: tuple[tuple[Any, Any, Direction], ...] = (
            (test._s1_incr, test._s2_incr, "up"),  # noqa: SLF001
            (test._s2_decr, test._s1_decr, "down"),  # noqa: SLF001
        )
        for low, high, side in sides:
            if low.is_init and high.is_init:
                moved = high.ewma - low.ewma
                bound = math.sqrt((low.ibc + high.ibc) * math.log(1 / self.drift_confidence) / 2)
                if moved > bound:
                    return moved, bound, side
        raise AssertionError("river's HDDMW is in drift, but neither side is")


def _plausible(average: float, condition: float) -> bool:
    return (0 <= average <= 1 and 0 < condition <= 1) or (average == _UNSEEN and condition == 1)


class HddmW(BinaryOnEvents):
    """One `river.drift.binary.HDDMW` per series and source (Frias-Blanco et al., IEEE TKDE 27(3), 2015).

    Settings: `series`, `confirm`, and river's `drift_confidence`, `lambda_val`, `two_sided_test` (also a share's fall).
    """

    name: ClassVar[str] = "hddm_w"
    method = HddmWTest
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"drift_confidence": 0.001, "lambda_val": 0.05, "two_sided_test": False}
