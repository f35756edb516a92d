"""Faults of the traffic: events that never come, and events that come late."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Drop:
    """It never comes."""


@dataclass(frozen=True, slots=True)
class Delay:
    """It comes `later` ms of event time after its turn."""

    later: int


class Delayed(Generic[_Record]):
    """Records that are held back until event time has gone on; as many as there are in that time."""

    def __init__(self) -> None:
        """None yet."""
        self._held: list[tuple[int, int, _Record]] = []
        self._seen = 0

    def hold(self, record: _Record, until: int) -> None:
        """Hold a record back until event time is `until` (ms)."""
        # Of those that are due together the first comes first.
        heapq.heappush(self._held, (until, self._seen, record))
        self._seen += 1

    def due(self, now: int | None) -> Iterator[_Record]:
        """Those whose turn it is at event time `now`, all if that is None, in order; they are held no longer."""
        while self._held and (now is None or self._held[0][0] <= now):
            yield heapq.heappop(self._held)[2]
