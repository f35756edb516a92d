"""Where the lines of a figure lie: times and values as places in a box of fixed size. No drawing and no texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.numbers import number
from driftgauge.timestamps import format_timestamp

WIDTH, HEIGHT = 680, 190
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 26
_LARGEST = 1e300
# Half of what a date and a time of day take; nearer to the edge they would be cut off.
_TEXT = 42
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_MONTH = 30.44 * _DAY
_STEPS = (
    *(m * _MINUTE for m in (1, 2, 5, 10, 15, 30)),
    *(h * _HOUR for h in (1, 2, 3, 6, 12)),
    *(d * _DAY for d in (1, 2, 7, 14)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values in [low, high] to places in [start, end] of the box."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place, within the box."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A line over time. `lines`: polylines, as SVG takes points; `band`: y and height of what is as usual; `marks`."""

    lines: list[str]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    reference: float | None = None
    band: tuple[float, float] | None = None
    marks: dict[str, float] = field(default_factory=dict)


def time_axis(start: int, end: int) -> Axis:
    """The x axis of a span of time (ms)."""
    return Axis(start, max(end, start + 1), LEFT, WIDTH - RIGHT)


def time_ticks(axis: Axis, most: int = 6) -> list[Tick]:
    """At round times in UTC; with the date where the span is longer than a day."""
    span = axis.high - axis.low
    step = next((s for s in _STEPS if span / s <= most), None)
    if step is None:
        step, times = _DAY, _first_days(int(axis.low), int(axis.high), math.ceil(span / most / _MONTH))
    else:
        times = list(range(-int(-axis.low // step) * step, int(axis.high) + 1, step))
    ticks = [Tick(axis.at(time), _time_text(time, span, step)) for time in times]
    return [tick if tick.at <= WIDTH - _TEXT else Tick(tick.at, "") for tick in ticks]


def _first_days(low: int, high: int, months: int) -> list[int]:
    """The first days of every so many months, in ms; a year begins such a span, if it can."""
    months = next((count for count in (1, 2, 3, 4, 6) if count >= months), -(-months // 12) * 12)
    first = np.datetime64(low, "ms").astype("datetime64[M]").astype(int) // months * months
    last = np.datetime64(high, "ms").astype("datetime64[M]").astype(int)
    days = np.arange(first, last + 1, months).astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    return [day for day in days.tolist() if low <= day <= high]


def figure_of(
    starts: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    length: int,
    reference: float | None,
    limits: tuple[float | None, float | None],
    marks: dict[str, int],
) -> Figure | None:
    """The line of `values` at `starts` (ms), spans of `length`; None if there are none. `marks`: times by name."""
    told = np.isfinite(values)
    if not told.any():
        return None
    x = time_axis(int(starts[0]), int(starts[-1]) + length)
    shown = [float(v) for v in values[told]]
    shown += [limit for limit in (*limits, reference) if limit is not None and math.isfinite(limit)]
    y, y_ticks = _value_axis(min(shown), max(shown))
    low, high = limits
    band = None
    if low is not None or high is not None:
        top, bottom = y.at(y.high if high is None else high), y.at(y.low if low is None else low)
        band = (top, round(bottom - top, 1))
    return Figure(
        _polylines(starts + length // 2, values, length, x, y),
        time_ticks(x),
        y_ticks,
        None if reference is None or not math.isfinite(reference) else y.at(reference),
        band,
        {name: x.at(time) for name, time in marks.items() if x.low <= time <= x.high},
    )


def _polylines(times: NDArray[np.int64], values: NDArray[np.float64], length: int, x: Axis, y: Axis) -> list[str]:
    """One per stretch without a gap."""
    lines: list[list[str]] = [[]]
    before = None
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        if not math.isfinite(value) or (before is not None and time - before > 3 * length):
            lines.append([])
        if math.isfinite(value):
            lines[-1].append(f"{x.at(time)},{y.at(value)}")
            before = time
    # A lone point is seen as a dash.
    return [" ".join(points if len(points) > 1 else points * 2) for points in lines if points]


def _value_axis(low: float, high: float, start: float = HEIGHT - BOTTOM, end: float = TOP) -> tuple[Axis, list[Tick]]:
    """With a little room, and ticks at round numbers."""
    low, high = (min(max(value, -_LARGEST), _LARGEST) for value in (low, high))
    span = max(high - low or abs(high), 1e-9 * abs(high), 1 / _LARGEST)
    bottom, top = low - 0.06 * span, high + 0.06 * span
    if low >= 0 > bottom:
        bottom = 0.0
    axis = Axis(bottom, top, start, end)
    step = _round_step((top - bottom) / 4)
    first = math.ceil(bottom / step)
    ticks = [i * step for i in range(first, int(top // step) + 1)]
    return axis, [Tick(axis.at(tick), number(tick)) for tick in ticks]


def _round_step(raw: float) -> float:
    """1, 2 or 5 times a power of ten, the next above."""
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))


def _time_text(time: int, span: float, step: int) -> str:
    text = format_timestamp(time)
    if step >= _DAY:
        return text[:10]
    return text[11:16] if span <= _DAY and time % _DAY else f"{text[5:10]} {text[11:16]}"


@dataclass(frozen=True, slots=True)
class Scatter:
    """Places, and the numbers of the points that lie there."""

    points: dict[tuple[float, float], list[int]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def scatter_of(points: Mapping[int, tuple[float, float]]) -> Scatter:
    """Of at least one finite point; both axes go through 0 where no value is below it."""
    xs, ys = zip(*points.values(), strict=True)
    x, x_ticks = _value_axis(min(0.0, *xs), max(xs) or 1.0, LEFT, WIDTH - RIGHT)
    y, y_ticks = _value_axis(min(0.0, *ys), max(ys) or 1.0, HEIGHT - BOTTOM, TOP)
    places: dict[tuple[float, float], list[int]] = {}
    for point, (a, b) in points.items():
        places.setdefault((x.at(a), y.at(b)), []).append(point)
    return Scatter(places, x_ticks, y_ticks)


def bar(start: int, end: int, axis: Axis) -> tuple[float, float]:
    """The x and width of a span of time, never too small to be seen."""
    left, right = axis.at(start), axis.at(end)
    return left, max(3.0, round(right - left, 1))


def shares(counts: Sequence[int]) -> list[float]:
    """Of the whole, each; zeros where there is nothing."""
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
