"""KSWIN (river) on the normalised value series: a window whose latest values look unlike a sample of its others.

Off unless configured: half a millisecond per value, as the Kolmogorov-Smirnov test of scipy is made anew each time. A
candidate only: values are compared with their own recent past, and the same ones are tested again and again, so that
`alpha` is no rate of false alarms. The life cycle confirms by effect.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, ClassVar, Self

from river import drift

from driftgauge.detect.normalise import LARGEST_Z
from driftgauge.detect.on_blocks import BlockAlarm, OnBlocks
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detector, DetectorContext
from driftgauge.errors import StateError

# Values ever, then the generator's state: version, 624 words and the position among them (Mersenne twister).
_HEAD = struct.Struct("<qB625I")
_TWISTER = 3
_WORDS = 624
_SMALLEST_P = 1e-300


@dataclass(frozen=True, slots=True)
class KswinParameters:
    """River's constructor arguments of KSWIN."""

    alpha: float
    window_size: int
    stat_size: int
    seed: int

    attributes: ClassVar[frozenset[str]] = frozenset({"_drift_detected", "_rng"})

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of these names. ValueError if one is out of range."""
        require(0 < settings["alpha"] < 1, "alpha must lie between 0 and 1")
        require(4 <= settings["window_size"] <= 10_000, "window_size must lie in 4..10000")
        # As many are drawn from the others as the latest are.
        half = settings["window_size"] // 2
        require(2 <= settings["stat_size"] <= half, "stat_size must lie in 2..window_size / 2")
        require(0 <= settings["seed"] < 1 << 32, "seed must lie in 0..2^32 - 1")
        return cls(**settings)

    def fresh(self) -> Any:
        """A new `river.drift.KSWIN`."""
        return drift.KSWIN(**asdict(self))

    def encode(self, test: Any) -> bytes:
        """The state of one that is not in drift: the generator and the window."""
        version, words, _ = test._rng.getstate()  # noqa: SLF001
        return _HEAD.pack(test.n, version, *words) + struct.pack(f"<{len(test.window)}d", *test.window)

    def decode(self, state: bytes) -> Any:
        """The inverse. StateError unless river could have come to it with these parameters."""
        size, left = divmod(len(state) - _HEAD.size, 8)
        if size < 0 or left:
            raise StateError("kswin: state has another length")
        n, version, *words = _HEAD.unpack_from(state)
        window = struct.unpack_from(f"<{size}d", state, _HEAD.size)
        if not 0 <= n < 1 << 53 or size != min(n, self.window_size):
            raise StateError("kswin: the window isn't as long as its values are many")
        if not all(abs(value) <= LARGEST_Z for value in window):
            raise StateError("kswin: the window holds a value out of range")
        # A twister of zeros draws zeros for ever, and river would wait for another number for ever.
        empty = words[0] < 1 << 31 and not any(words[1:_WORDS])
        if version != _TWISTER or not 1 <= words[_WORDS] <= _WORDS or empty:
            raise StateError("kswin: the random generator's state is none")
        test = self.fresh()
        test.n = n
        test.window.extend(window)
        test._rng.setstate((version, tuple(words), None))  # noqa: SLF001
        return test


class Kswin(OnBlocks[KswinParameters]):
    """One `river.drift.KSWIN` per value series (Raab, Heusinger, Schleif: Reactive soft prototype computing, 2020).

    Settings are river's: `alpha`, `window_size`, `stat_size`, `seed`, on series in units of their own noise (see
    `normalise.py`). The seed is fixed, or else a replay would not be equal. `statistic` and `threshold` are -log10 of
    the p-value and of alpha.
    """

    name: ClassVar[str] = "kswin"
    by_default: ClassVar[bool] = False
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"alpha": 1e-4, "window_size": 100, "stat_size": 30, "seed": 1}

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        super().__init__(context, KswinParameters.of(chosen), chosen)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

    def look(self, test: Any, z: float) -> BlockAlarm | None:
        """See `OnBlocks`."""
        window = [*test.window, z]
        test.update(z)
        if not test.drift_detected:
            return None
        latest = self._parameters.stat_size
        others = list(islice(reversed(window), latest, self._parameters.window_size))
        up = sum(window[-latest:]) / latest >= sum(others) / len(others)
        return BlockAlarm(
            statistic=-math.log10(max(test.p_value, _SMALLEST_P)),
            threshold=-math.log10(self._parameters.alpha),
            direction="up" if up else "down",
            p_value=float(test.p_value),
        )
