"""Numbers by day (UTC) of the last four weeks, and their state fields: what a baseline is learned from day by day."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_KEPT = 28


class Days:
    """`width` numbers of at least 0 by day, the running one included."""

    def __init__(self, prefix: str, width: int) -> None:
        """None yet; `prefix`: of the names of their state fields."""
        self._prefix, self._width = prefix, width
        self._days: dict[int, Floats] = {}
        self._changed: set[int] = set()
        self._gone: list[str] = []

    @property
    def first(self) -> int | None:
        """Start (ms) of the oldest day; None if there is none."""
        return min(self._days, default=None)

    def at(self, time: int) -> Floats:
        """The numbers of the day that a time (ms) belongs to, to be added to; zeros if there were none."""
        day = time - time % DAY
        if day not in self._days:
            self._days[day] = np.zeros(self._width)
            for old in sorted(self._days)[:-DAYS_KEPT]:
                del self._days[old]
                self._gone.append(self._name(old))
        self._changed.add(day)
        return self._days[day]

    def before(self, end: int) -> tuple[Ints, Floats]:
        """Starts int64 [D] (ms) of the days before `end`, and their numbers float64 [D, width]."""
        days = sorted(day for day in self._days if day < end)
        held = [self._days[day] for day in days]
        return np.array(days, np.int64), np.stack(held) if held else np.zeros((0, self._width))

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        changed = sorted(self._changed & self._days.keys())
        fresh = {self._name(day): self._days[day].astype("<f8").tobytes() for day in changed}
        gone, self._changed, self._gone = self._gone, set(), []
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill fresh days from state fields. StateError if one has another shape or impossible numbers."""
        for name, data in fields.items():
            if not name.startswith(self._prefix):
                continue
            try:
                day = int(name.removeprefix(self._prefix))
            except ValueError as error:
                raise StateError(f"state field {name!r} names no day") from error
            if len(data) != 8 * self._width or day % DAY:
                raise StateError("a stored day of the baseline has another shape than the profile gives")
            numbers = np.frombuffer(data, "<f8").astype(np.float64)
            # NaN fails every comparison, so the condition is written to hold for good numbers only.
            if not ((numbers >= 0) & (numbers < np.inf)).all():
                raise StateError(f"the stored day {day} of the baseline holds impossible numbers")
            self._days[day] = numbers

    def _name(self, day: int) -> str:
        return f"{self._prefix}{day}"
