"""State of river's detectors without pickle: parsed, checked in full, and only then given back to river.

river keeps ADWIN in a Rust object whose state is bytes in a fixed layout (bincode, little endian). It takes bytes
back unchecked: bad ones panic, at once or in a later update, and a panic is no `Exception`. So nothing reaches it
that this module hasn't recognised as a state that river itself could have written. The layout is private to river:
`check_river` proves at start-up that the installed one still has it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from river import drift

from driftgauge.detect.normalise import LARGEST_Z
from driftgauge.detect.settings import require
from driftgauge.errors import StateError

# delta, clock, max_buckets, min_window_length, grace_period; total, variance, width, total_width; n_buckets,
# max_n_buckets, tick, n_detections; levels. The parameters come again at the end, as integers.
_HEAD = struct.Struct("<diQdd4d4iQ")
_LEVEL = struct.Struct("<QQQ")
_LENGTH = struct.Struct("<Q")
_TAIL = struct.Struct("<diQii")
_MAX_LEVELS = 48
_MAX_COUNT = (1 << 31) - 2
_PAGE_HINKLEY = struct.Struct("<6d")
PAGE_HINKLEY_SIZE = _PAGE_HINKLEY.size


class AdwinParameters(NamedTuple):
    """river's constructor arguments of ADWIN."""

    delta: float
    clock: int
    max_buckets: int
    min_window_length: int
    grace_period: int

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of these names. ValueError if one is out of range."""
        require(0 < settings["delta"] < 1, "delta must lie between 0 and 1")
        for name in ("clock", "min_window_length", "grace_period"):
            require(1 <= settings[name] <= 1_000_000, f"{name} must lie in 1..1000000")
        require(2 <= settings["max_buckets"] <= 1000, "max_buckets must lie in 2..1000")
        return cls(**settings)

    def fresh(self) -> Any:
        """A new `river.drift.ADWIN`."""
        return drift.ADWIN(**self._asdict())

    def encode(self, test: Any) -> bytes:
        """The state of a `river.drift.ADWIN` that is not in drift; one that is begins anew, so store a fresh one."""
        return bytes(test._helper.__getstate__())  # noqa: SLF001

    def decode(self, state: bytes) -> Any:
        """The `river.drift.ADWIN` of a state. StateError unless river could have written it with these parameters."""
        window = _parse(state, self)
        _check(window, self)
        if _build(window, self) != state:
            raise StateError("adwin: state is not in river's own form")
        test = self.fresh()
        test._helper.__setstate__(state)  # noqa: SLF001
        return test


class PageHinkleyParameters(NamedTuple):
    """river's constructor arguments of Page-Hinkley."""

    min_instances: int
    delta: float
    threshold: float
    alpha: float
    mode: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of these names. ValueError if one is out of range."""
        require(1 <= settings["min_instances"] <= 1_000_000, "min_instances must lie in 1..1000000")
        require(0 <= settings["delta"] <= 1e6, "delta must lie in 0..1e6")
        require(0 < settings["threshold"] <= 1e9, "threshold must be above 0 and at most 1e9")
        require(0 < settings["alpha"] <= 1, "alpha must be above 0 and at most 1")
        require(settings["mode"] in {"up", "down", "both"}, "mode must be up, down or both")
        return cls(**settings)

    def fresh(self) -> Any:
        """A new `river.drift.PageHinkley`."""
        return drift.PageHinkley(**self._asdict())

    def encode(self, test: Any) -> bytes:
        """The state of a `river.drift.PageHinkley` that is not in drift: six floats."""
        mean = test._x_mean  # noqa: SLF001
        return _PAGE_HINKLEY.pack(
            mean.n,
            mean.get(),
            test._sum_increase,  # noqa: SLF001
            test._sum_decrease,  # noqa: SLF001
            test._min_increase,  # noqa: SLF001
            test._max_decrease,  # noqa: SLF001
        )

    def decode(self, state: bytes) -> Any:
        """The `river.drift.PageHinkley` of a state. StateError unless river could have come to it."""
        if len(state) != _PAGE_HINKLEY.size:
            raise StateError("page_hinkley: state has another length")
        n, mean, increase, decrease, lowest, highest = _PAGE_HINKLEY.unpack(state)
        test = self.fresh()
        if state == self.encode(test):
            return test
        numbers = (mean, increase, decrease, lowest, highest)
        if not (
            1 <= n < 1 << 53 and n == int(n) and all(abs(x) <= LARGEST_Z * 4 * n + self.delta * n + 1 for x in numbers)
        ):
            raise StateError("page_hinkley: state holds impossible numbers")
        if not (lowest <= increase and decrease <= highest):
            raise StateError("page_hinkley: a sum lies beyond its extreme")
        test._x_mean = type(test._x_mean)._from_state(n, mean)  # noqa: SLF001
        test._sum_increase, test._sum_decrease = increase, decrease  # noqa: SLF001
        test._min_increase, test._max_decrease = lowest, highest  # noqa: SLF001
        return test


class _Window(NamedTuple):
    """An ADWIN's numbers, as they stand in its bytes."""

    scalars: tuple[float, float, float, float, int, int, int, int]
    levels: Sequence[tuple[Sequence[float], Sequence[float]]]


def _parse(state: bytes, parameters: AdwinParameters) -> _Window:
    capacity = parameters.max_buckets + 1
    column = struct.Struct(f"<{capacity}d")
    try:
        head = _HEAD.unpack_from(state)
        offset, levels = _HEAD.size, []
        if head[-1] > _MAX_LEVELS:
            raise StateError("adwin: state has too many levels")
        for _ in range(head[-1]):
            size, used, length = _LEVEL.unpack_from(state, offset)
            if size != parameters.max_buckets or length != capacity or used > capacity:
                raise StateError("adwin: a level has another shape than the parameters give it")
            totals = column.unpack_from(state, offset + _LEVEL.size)
            variances = column.unpack_from(state, offset + _LEVEL.size + column.size + _LENGTH.size)
            levels.append((totals[:used], variances[:used]))
            offset += _LEVEL.size + 2 * column.size + _LENGTH.size
    except struct.error as error:
        raise StateError("adwin: state is cut short") from error
    return _Window(head[5:13], levels)


def _build(window: _Window, parameters: AdwinParameters) -> bytes:
    delta, clock, max_buckets, min_window, grace = parameters
    parts = [_HEAD.pack(delta, clock, max_buckets, min_window, grace, *window.scalars, len(window.levels))]
    capacity = max_buckets + 1
    for totals, variances in window.levels:
        padding = bytes(8 * (capacity - len(totals)))
        parts += [_LEVEL.pack(max_buckets, len(totals), capacity), struct.pack(f"<{len(totals)}d", *totals), padding]
        parts += [_LENGTH.pack(capacity), struct.pack(f"<{len(variances)}d", *variances), padding]
    return b"".join([*parts, _TAIL.pack(*parameters)])


def _check(window: _Window, parameters: AdwinParameters) -> None:
    """What holds in every state that ADWIN rests in; river indexes by these numbers without asking."""
    total, variance, width, total_width, buckets, most_buckets, tick, detections = window.scalars
    used = [len(totals) for totals, _ in window.levels]
    if not used or max(used) > parameters.max_buckets or (len(used) > 1 and min(used) == 0):
        raise StateError("adwin: a level holds an impossible number of buckets")
    if width != sum(count << level for level, count in enumerate(used)):
        raise StateError("adwin: the window isn't as wide as its buckets")
    # river counts buckets by a rule of its own and uses neither count; they only have to be plausible.
    if min(buckets, most_buckets, tick) < 0 or max(buckets, most_buckets, tick) > _MAX_COUNT:
        raise StateError("adwin: a counter is out of range")
    if not 0 <= total_width <= 1e18 or detections != 0:
        raise StateError("adwin: a counter is out of range")
    numbers = [total, math.sqrt(abs(variance)) if math.isfinite(variance) else math.inf]
    numbers += [x for totals, _ in window.levels for x in totals]
    numbers += [math.sqrt(x) if x >= 0 else math.inf for _, variances in window.levels for x in variances]
    if not all(abs(x) <= LARGEST_Z * (width + 1) for x in numbers):
        raise StateError("adwin: a sum is out of range")


def check_river() -> None:
    """Prove that the installed river keeps its state in the layout known here; StateError if not. Call at start-up."""
    parameters = AdwinParameters(0.01, 1, 3, 2, 4)
    adwin, page_hinkley = parameters.fresh(), PageHinkleyParameters(5, 0.1, 50.0, 1.0, "both").fresh()
    try:
        for i in range(200):
            value = (i * 2_654_435_761 % 1000) / 1000
            adwin.update(value)
            page_hinkley.update(value)
        window = _parse(parameters.encode(adwin), parameters)
        known = (adwin.total, adwin.variance, adwin.width) == window.scalars[:3]
        same = parameters.encode(parameters.decode(parameters.encode(adwin))) == parameters.encode(adwin)
        attributes = {name for name in vars(page_hinkley) if name.startswith("_")}
    except (AttributeError, TypeError, ValueError) as error:
        raise StateError(f"the installed river keeps its state in an unknown way: {error}") from error
    expected = {"_drift_detected", "_x_mean", "_sum_increase", "_sum_decrease", "_min_increase", "_max_decrease"}
    if not (known and same and attributes == {*expected, "_test_drift"}):
        raise StateError("the installed river keeps its state in an unknown layout; install river 0.26")
