"""How single panes and short windows of them move within their hour: what rows of an hour can't tell.

The mean square of a pane's deviation from its level is that of its hour's mean plus that from the hour's mean, and the
second part needs no level that is known only later. So a few sums a day are enough, exact in any split into blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.rows import row_length
from driftgauge.errors import StateError
from driftgauge.profiles.scale_noise import SCALES, robust
from driftgauge.profiles.season import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_KEPT = 28


def short_scales(pane_length: int) -> tuple[int, ...]:
    """The scales (in panes) that are shorter than a row; none where a pane is a row."""
    return tuple(w for w in SCALES if w * pane_length < row_length(pane_length))


class Movement(NamedTuple):
    """Sums over windows of one scale, float64 [V] each.

    `windows`: how many; `squares`: of their means' deviations from the mean of their row's; `inverse`: 1 / events.
    `robust`: windows as the detector takes them (see `scale_noise.robust`), with `second` and `fourth` powers of their
    deviations, in units of their noise.
    """

    windows: Floats
    squares: Floats
    inverse: Floats
    robust: Floats
    second: Floats
    fourth: Floats


def movement(n: Floats, sums: Floats, scale: int, wander: Floats, sd: Floats) -> Movement:
    """Of one row's panes: `n`, `sums` float64 [P, V] are events and sums of values.

    `wander`, `sd` float64 [V]: variance of such a mean beyond sampling as far as it was known, and sd of one event.
    """
    windows, series = len(n) // scale, n.shape[1]
    nothing = Movement(*(np.zeros(series) for _ in Movement._fields))
    if windows < 2:
        return nothing
    events = n[: windows * scale].reshape(windows, scale, series)
    summed = sums[: windows * scale].reshape(windows, scale, series)
    held = events.sum(axis=1)
    known = held > 0
    means = np.divide(summed.sum(axis=1), held, out=np.zeros(held.shape), where=known)
    count = known.sum(axis=0).astype(np.float64)
    level = means.sum(axis=0) / np.maximum(count, 1)
    inverse = np.divide(1.0, held, out=np.zeros(held.shape), where=known)
    squares = (np.where(known, means - level, 0.0) ** 2).sum(axis=0)
    if windows < 4:
        return nothing._replace(windows=count, squares=squares, inverse=inverse.sum(axis=0))
    x, told = robust(summed - events * level, events, wander, sd)
    many = told.sum(axis=0)
    deviation = np.where(told, x - x.sum(axis=0, where=told) / np.maximum(many, 1), 0.0)
    return Movement(
        count,
        squares,
        inverse.sum(axis=0),
        many.astype(np.float64),
        (deviation**2).sum(axis=0),
        (deviation**4).sum(axis=0),
    )


class Days:
    """Movement by day (UTC) and scale of the last four weeks, the running day included."""

    def __init__(self, scales: int, series: int) -> None:
        """None yet, of so many short scales and series."""
        self._shape = (scales, len(Movement._fields), series)
        self._days: dict[int, Floats] = {}
        self._changed: set[int] = set()
        self._gone: list[str] = []

    def add(self, row: int, of_scales: Sequence[Movement]) -> None:
        """Add the movement within the row that starts then (ms), scale by scale."""
        if not of_scales:
            return
        day = row - row % DAY
        if day not in self._days:
            self._days[day] = np.zeros(self._shape)
            for old in sorted(self._days)[:-DAYS_KEPT]:
                del self._days[old]
                self._gone.append(_name(old))
        self._days[day] += np.stack([np.stack(moved) for moved in of_scales])
        self._changed.add(day)

    def before(self, end: int) -> tuple[Ints, Floats]:
        """Starts int64 [D] (ms) of the days before `end`, and their sums float64 [D, scales, fields, V]."""
        days = sorted(day for day in self._days if day < end)
        held = [self._days[day] for day in days]
        return np.array(days, np.int64), np.stack(held) if held else np.zeros((0, *self._shape))

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        fresh = {_name(day): self._days[day].astype("<f8").tobytes() for day in self._changed if day in self._days}
        gone, self._changed, self._gone = self._gone, set(), []
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill fresh days from state fields. StateError if one has another shape or impossible numbers."""
        for name, data in fields.items():
            if not name.startswith(_PREFIX):
                continue
            try:
                day = int(name.removeprefix(_PREFIX))
            except ValueError as error:
                raise StateError(f"state field {name!r} names no day") from error
            if len(data) != 8 * int(np.prod(self._shape)) or day % DAY:
                raise StateError("a stored day of the baseline has another shape than the profile gives")
            sums = np.frombuffer(data, "<f8").reshape(self._shape).astype(np.float64)
            if not ((sums >= 0) & np.isfinite(sums)).all():
                raise StateError(f"the stored day {day} of the baseline holds impossible numbers")
            self._days[day] = sums


_PREFIX = "within/"


def _name(day: int) -> str:
    return f"{_PREFIX}{day}"
