"""Rows: the value series hour by hour (pane by pane, where panes are longer), of the last four weeks.

What a baseline is learned from. A row is complete with the first non-empty pane that starts after it, whatever the
block in which that comes, and is made from its panes at once, so that no split into blocks changes a digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from driftgauge.errors import StateError
from driftgauge.profiles.scale_noise import Panes
from driftgauge.profiles.season import HOUR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Four weeks of hours.
ROWS_KEPT = 28 * 24


def row_length(pane_length: int) -> int:
    """Length (ms) of a row: an hour, or a pane if that is longer."""
    return max(HOUR, pane_length)


def completed(starts: Ints, length: int) -> Iterator[tuple[int, slice]]:
    """The rows of `length` ms that are complete by panes with these starts (int64 [P] ms): start, and panes in it."""
    rows, first = np.unique(starts - starts % length, return_index=True)
    yield from zip(rows[:-1].tolist(), (slice(*ends) for ends in pairwise(first.tolist())), strict=True)


class Rows:
    """The last ROWS_KEPT rows of V value series: events, and the sum of their values."""

    def __init__(self, series: int) -> None:
        """None yet."""
        self._series = series
        self._starts: list[int] = []
        self._rows: list[Floats] = []
        self._fresh: dict[str, bytes] = {}
        self._gone: list[str] = []

    @property
    def last(self) -> int | None:
        """Start (ms) of the newest row; None if there is none."""
        return self._starts[-1] if self._starts else None

    @property
    def first(self) -> int | None:
        """Start (ms) of the oldest row; None if there is none."""
        return self._starts[0] if self._starts else None

    def add(self, start: int, panes: Panes) -> None:
        """Append the row that starts then (ms), from its panes."""
        row = np.stack([panes.n.sum(axis=0), panes.sums.sum(axis=0)])
        self._append(start, row)
        self._fresh[_name(start)] = row.astype("<f8").tobytes()

    def until(self, end: int) -> Panes:
        """The rows that start before `end` (ms)."""
        held = int(np.searchsorted(np.array(self._starts, np.int64), end))
        rows = np.stack(self._rows[:held]) if held else np.zeros((0, 2, self._series))
        return Panes(np.array(self._starts[:held], np.int64), rows[:, 1], rows[:, 0])

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        fresh, gone = self._fresh, self._gone
        self._fresh, self._gone = {}, []
        for name in gone:
            fresh.pop(name, None)
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill fresh rows from state fields. StateError if one has another shape or impossible numbers."""
        found = {name: data for name, data in fields.items() if name.startswith(_PREFIX)}
        for start, data in sorted((_start(name), data) for name, data in found.items()):
            if len(data) != 16 * self._series:
                raise StateError("a stored row of the baseline has another number of series than the profile")
            row = np.frombuffer(data, "<f8").reshape(2, self._series).astype(np.float64)
            # NaN fails every comparison, so the condition is written to hold for good numbers only.
            if not ((row[0] >= 0) & (row[0] < 1e18) & (np.abs(row[1]) <= 1.001 * row[0])).all():
                raise StateError(f"the stored row {start} of the baseline holds impossible numbers")
            self._append(start, row)

    def _append(self, start: int, row: Floats) -> None:
        self._starts.append(start)
        self._rows.append(row)
        if len(self._starts) > ROWS_KEPT:
            self._gone.append(_name(self._starts.pop(0)))
            del self._rows[0]


_PREFIX = "hourly/"


def _name(start: int) -> str:
    return f"{_PREFIX}{start}"


def _start(name: str) -> int:
    try:
        return int(name.removeprefix(_PREFIX))
    except ValueError as error:
        raise StateError(f"state field {name!r} names no row") from error
