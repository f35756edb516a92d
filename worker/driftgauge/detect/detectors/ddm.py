"""DDM (river): an error rate that has risen above its own lowest by three standard deviations.

Off unless configured, and there for comparison more than for use: it forgets nothing, so that the older a stream the
later it is, and it has no bound on false alarms.
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

# n and mean of the indicator, lowest mean and its sd (NaN: none yet).
_LAYOUT = struct.Struct("<4d")


@dataclass(frozen=True, slots=True)
class DdmTest:
    """River's `DDM`; its warnings aren't used."""

    warm_start: int
    drift_threshold: float

    attributes: ClassVar[frozenset[str]] = frozenset(
        {"_drift_detected", "_warning_detected", "_p", "_p_min", "_s_min", "_ps_min"}
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """See `BinaryTest`."""
        require(1 <= settings["warm_start"] <= 1_000_000, "warm_start must lie in 1..1000000")
        require(0 < settings["drift_threshold"] <= 1000, "drift_threshold must be above 0 and at most 1000")
        return cls(**settings)

    def fresh(self) -> Any:
        """See `BinaryTest`."""
        return drift.binary.DDM(warm_start=self.warm_start, drift_threshold=self.drift_threshold)

    def encode(self, test: Any) -> bytes:
        """See `BinaryTest`."""
        lowest = (math.nan, math.nan) if test._p_min is None else (test._p_min, test._s_min)  # noqa: SLF001
        return _LAYOUT.pack(test._p.n, test._p.get(), *lowest)  # noqa: SLF001

    def decode(self, state: bytes) -> Any:
        """See `BinaryTest`."""
        n, mean, lowest, sd = unpacked(_LAYOUT, state)
        test = self.fresh()
        if not (is_count(n) and 0 <= mean <= 1 and (n > 0 or mean == 0)):
            raise StateError("ddm: state holds no rate of a number of values")
        if n > self.warm_start:
            if not (0 <= lowest <= 1 and 0 <= sd <= 1):
                raise StateError("ddm: state holds a lowest rate that is none")
            test._p_min, test._s_min, test._ps_min = lowest, sd, lowest + sd  # noqa: SLF001
        test._p = type(test._p)._from_state(n, mean)  # noqa: SLF001
        return test

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """The rate plus its sd, and the limit that this has passed."""
        p, n = test._p.get(), test._p.n  # noqa: SLF001
        limit = test._p_min + self.drift_threshold * test._s_min  # noqa: SLF001
        return p + math.sqrt(p * (1 - p) / n), limit, "up"


class Ddm(BinaryOnEvents):
    """One `river.drift.binary.DDM` per series and source (Gama et al.: Learning with drift detection, 2004).

    Settings: `series`, `confirm`, and river's `warm_start`, `drift_threshold`.
    """

    name: ClassVar[str] = "ddm"
    method = DdmTest
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"warm_start": 30, "drift_threshold": 3.0}
