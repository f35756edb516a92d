"""What the service decided, minute by minute: the business side of the story, counted from its own decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.demo.story import BREAK, END, START, Served

_MINUTE = 60_000


class Tally:
    """Applications, approvals and scoreless rejections per minute of the story, int64 [minutes] each."""

    def __init__(self) -> None:
        """Nothing decided yet."""
        self._applications, self._approvals, self._scoreless = (
            np.zeros((END - START) // _MINUTE, np.int64) for _ in range(3)
        )

    def add(self, served: Served) -> None:
        """Count an hour's decisions."""
        minutes = (served.times - START) // _MINUTE
        scoreless = np.isnan(served.scores) & ~served.approved
        self._applications += self._per_minute(minutes)
        self._approvals += self._per_minute(minutes[served.approved])
        self._scoreless += self._per_minute(minutes[scoreless])

    def approval_rate(self, start: int, end: int) -> float:
        """Share of applications approved from `start` to `end` (ms); NaN if there were none."""
        applications = self._between(self._applications, start, end)
        return self._between(self._approvals, start, end) / applications if applications else float("nan")

    def applications(self, start: int = START, end: int = END) -> int:
        """How many applied from `start` to `end` (ms)."""
        return self._between(self._applications, start, end)

    def scoreless_since_break(self) -> int:
        """How many were rejected because their score was NaN, since the first broken request."""
        return self._between(self._scoreless, BREAK, END)

    def _per_minute(self, minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(minutes, minlength=len(self._applications))

    @staticmethod
    def _between(counts: NDArray[np.int64], start: int, end: int) -> int:
        return int(counts[(start - START) // _MINUTE : (end - START) // _MINUTE].sum())
