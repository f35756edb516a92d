"""Page-Hinkley (river) on every value of many streams at once, bit for bit as value by value.

river's is pure Python, some 700 ns a value. The two recurrences (the mean and the sums) run over time in short loops of
numpy operations across the streams, all else in bulk: the same additions in the same order, so the same bits. A
stream in which something alarms is gone through value by value, from the state before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.events.scanner import ScanAlarm
from driftgauge.detect.river_state import PAGE_HINKLEY_SIZE, PageHinkleyParameters
from driftgauge.detect.state_parts import parted
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

Floats = NDArray[np.float64]
# Rows of a block: what the loops fill stays in the cache.
_BLOCK = 128
# Below so many streams a loop over values is faster than one over rows of them; with a fading sum, the second number.
_FEW, _FEW_FADING = 7, 18


class _State(NamedTuple):
    """river's six numbers, per stream or of one: values, their mean, sums of rises and falls and their extremes."""

    n: Any
    mean: Any
    increase: Any
    decrease: Any
    lowest: Any
    highest: Any

    @classmethod
    def fresh(cls) -> Self:
        """Of a test without values, as river begins."""
        return cls(0.0, 0.0, 0.0, 0.0, math.inf, -1.0)


class PageHinkleyScanner:
    """See `Scanner`. `statistic` is the excess of the cumulative sum over its extreme, in units of `threshold`."""

    def __init__(self, parameters: PageHinkleyParameters, streams: int) -> None:
        self._parameters = parameters
        # float64 [6, F]: a `_State` of vectors.
        self._state: Floats = np.repeat(np.array(_State.fresh())[:, np.newaxis], streams, axis=1)

    def scan(self, values: Sequence[NDArray[Any]]) -> list[ScanAlarm]:
        """See `Scanner`."""
        lengths = np.array([len(of_stream) for of_stream in values], np.int64)
        fed = np.flatnonzero(lengths)
        if len(fed) < (_FEW if self._parameters.alpha == 1.0 else _FEW_FADING):
            return [alarm for stream in fed.tolist() for alarm in self._one(stream, values[stream].tolist(), 0)]
        rows = np.zeros((int(lengths.max()), len(fed)))
        for column, stream in enumerate(fed.tolist()):
            rows[: lengths[stream], column] = values[stream]
        found: list[ScanAlarm] = []
        for begin in range(0, len(rows), _BLOCK):
            left = lengths[fed] - begin
            some = left > 0
            block = rows[begin : begin + _BLOCK]
            found += self._block(fed[some], block if some.all() else block[:, some], left[some], begin)
        return found

    def _block(self, streams: NDArray[np.int64], x: Floats, left: NDArray[np.int64], begin: int) -> list[ScanAlarm]:
        """Rows `begin`... of the streams, float64 [N, F]; of each the first `left` are values."""
        of = self._parameters
        before = _State(*self._state[:, streams])
        n = before.n + np.arange(1.0, len(x) + 1.0)[:, np.newaxis]
        mean = _means(x, 1.0 / n, before.mean)
        deviation = x - mean
        increase = _sums(deviation, before.increase, of.alpha, -of.delta)
        decrease = _sums(deviation, before.decrease, of.alpha, of.delta)
        lowest = np.minimum(np.minimum.accumulate(increase), before.lowest)
        highest = np.maximum(np.maximum.accumulate(decrease), before.highest)
        last = np.minimum(left, len(x)) - 1
        columns = np.arange(len(streams))
        hit = np.zeros(x.shape, np.bool_)
        if of.mode != "down":
            np.logical_or(hit, increase - lowest > of.threshold, out=hit)
        if of.mode != "up":
            np.logical_or(hit, highest - decrease > of.threshold, out=hit)
        after = _State(n, mean, increase, decrease, lowest, highest)
        alarmed = np.zeros(len(streams), np.bool_)
        if hit.any():
            counted = (n >= of.min_instances) & (np.arange(len(x))[:, np.newaxis] <= last)
            alarmed = np.asarray((hit & counted).any(axis=0), np.bool_)
        quiet = ~alarmed
        self._state[:, streams[quiet]] = [part[last[quiet], columns[quiet]] for part in after]
        found = []
        for column in np.flatnonzero(alarmed).tolist():
            found += self._one(int(streams[column]), x[: last[column] + 1, column].tolist(), begin)
        return found

    def _one(self, stream: int, values: Iterable[float], begin: int) -> list[ScanAlarm]:
        """The next values of one stream, the first of them number `begin` of this scan, in river's own words."""
        of, found = self._parameters, []
        alpha, delta, threshold, least = of.alpha, of.delta, of.threshold, of.min_instances
        up, down = of.mode != "down", of.mode != "up"
        n, mean, increase, decrease, lowest, highest = self._state[:, stream].tolist()
        for at, x in enumerate(values, start=begin):
            n += 1.0
            mean += (1.0 / n) * (x - mean)
            deviation = x - mean
            increase = alpha * increase + deviation - delta
            decrease = alpha * decrease + deviation + delta
            rise, fall = increase - lowest, highest - decrease
            # A sum beyond its extreme is the new one; two calls of min and max would cost as much as all the rest.
            if rise < 0:
                lowest, rise = increase, 0.0
            if fall < 0:
                highest, fall = decrease, 0.0
            if n >= least and ((up and rise > threshold) or (down and fall > threshold)):
                direction, excess = side(rise, fall, of.mode)
                found.append(ScanAlarm(stream, at, excess, threshold, direction))
                n, mean, increase, decrease, lowest, highest = _State.fresh()
        self._state[:, stream] = n, mean, increase, decrease, lowest, highest
        return found

    def encode(self) -> bytes:
        """Six floats per stream, each as river's own test would be stored."""
        return np.ascontiguousarray(self._state.T).astype("<f8").tobytes()

    def decode(self, state: bytes) -> None:
        """See `Scanner`."""
        for part in parted(state, self._state.shape[1], PAGE_HINKLEY_SIZE):
            if self._parameters.encode(self._parameters.decode(part)) != part:
                raise StateError("page_hinkley: state is not in river's own form")
        self._state = np.frombuffer(state, "<f8").astype(np.float64).reshape(-1, len(_State._fields)).T.copy()


def side(rise: float, fall: float, mode: str) -> tuple[Direction, float]:
    """Which side fired, and its excess: river doesn't tell."""
    return ("up", rise) if mode == "up" or (mode == "both" and rise > fall) else ("down", fall)


def _means(x: Floats, inverse: Floats, mean: Floats) -> Floats:
    """The running mean as river has it, mean + (1 / n) (x - mean), float64 [N, F]."""
    means, step = np.empty_like(x), np.empty(x.shape[1])
    for value, weight, row in zip(x, inverse, means, strict=True):
        np.subtract(value, mean, step)
        np.multiply(weight, step, step)
        mean = np.add(mean, step, row)
    return means


def _sums(deviation: Floats, start: Floats, alpha: float, drift: float) -> Floats:
    """Sums s <- alpha s + deviation + drift, float64 [N, F]; without fading that is one running sum of all terms."""
    if alpha == 1.0:
        terms = np.full((2 * len(deviation) + 1, deviation.shape[1]), drift)
        terms[0], terms[1::2] = start, deviation
        return np.asarray(np.add.accumulate(terms)[2::2])
    sums, row_before = np.empty_like(deviation), start
    for value, row in zip(deviation, sums, strict=True):
        np.multiply(row_before, alpha, row)
        np.add(row, value, row)
        row_before = np.add(row, drift, row)
    return sums
