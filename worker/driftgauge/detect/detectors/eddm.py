"""EDDM (river): errors that follow each other more closely than at their farthest apart.

Off unless configured, and there for comparison: on a steady rate of a tenth it raises 126 false alarms a million
events, where ADWIN raises none.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from river import drift

from driftgauge.detect.events.binary import MAX_COUNT, BinaryOnEvents, unpacked
from driftgauge.detect.settings import require
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

# Values, the last error's number, errors; mean and sum of squares of their distances; the farthest (-1: none yet).
_LAYOUT = struct.Struct("<3q3d")
# Alone for warnings, which aren't used; river wants it no lower than beta.
_ALPHA = 0.95


@dataclass(frozen=True, slots=True)
class EddmTest:
    """River's `EDDM`."""

    warm_start: int
    beta: float

    attributes: ClassVar[frozenset[str]] = frozenset(
        {
            "_drift_detected",
            "_warning_detected",
            "_error_distances",
            "_n",
            "_last_error",
            "_n_errors",
            "_p2s_prime_max",
        }
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """See `BinaryTest`."""
        require(1 <= settings["warm_start"] <= 1_000_000, "warm_start must lie in 1..1000000")
        require(0 < settings["beta"] < 1, "beta must lie between 0 and 1")
        return cls(**settings)

    def fresh(self) -> Any:
        """See `BinaryTest`."""
        return drift.binary.EDDM(warm_start=self.warm_start, alpha=max(self.beta, _ALPHA), beta=self.beta)

    def encode(self, test: Any) -> bytes:
        """See `BinaryTest`."""
        distances = test._error_distances  # noqa: SLF001
        counts = (test._n, test._last_error, test._n_errors)  # noqa: SLF001
        return _LAYOUT.pack(*counts, distances.mean.get(), distances._S, test._p2s_prime_max)  # noqa: SLF001

    def decode(self, state: bytes) -> Any:
        """See `BinaryTest`."""
        n, last, errors, mean, squares, farthest = unpacked(_LAYOUT, state)
        if not (0 <= errors <= last <= n < MAX_COUNT and (errors > 0) == (last > 0)):
            raise StateError("eddm: state holds impossible counts")
        if not (
            0 <= mean <= n and 0 <= squares <= float(n) * n * max(errors, 1) and (errors > 0 or mean == squares == 0)
        ):
            raise StateError("eddm: state holds distances that errors can't have")
        if not (farthest == -1 or 0 < farthest <= 4 * n):
            raise StateError("eddm: state holds a farthest distance that is none")
        test = self.fresh()
        distances = test._error_distances  # noqa: SLF001
        distances.mean = type(distances.mean)._from_state(float(errors), mean)  # noqa: SLF001
        distances._S = squares  # noqa: SLF001
        test._n, test._last_error, test._n_errors = n, last, errors  # noqa: SLF001
        test._p2s_prime_max = farthest  # noqa: SLF001
        return test

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """The distance between errors as a part of the farthest, and beta, below which it has fallen."""
        distances = test._error_distances  # noqa: SLF001
        level = (distances.mean.get() + 2 * distances.get() ** 0.5) / test._p2s_prime_max  # noqa: SLF001
        return level, self.beta, "up"


class Eddm(BinaryOnEvents):
    """One `river.drift.binary.EDDM` per series and source (Baena-Garcia et al.: Early drift detection method, 2006).

    Settings: `series`, `confirm`, and river's `warm_start` (also the least number of errors) and `beta`.
    """

    name: ClassVar[str] = "eddm"
    method = EddmTest
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"warm_start": 30, "beta": 0.9}
