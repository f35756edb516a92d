"""Clocks that disagree: the broker's or a producer's against this machine's. Told only: nothing is decided by them.

Idle sources go by a monotonic clock, panes by event time. But a clock that is off makes Kafka's retention and
everybody's logs wrong, and it is seldom wrong alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driftgauge.records import RecordBatch

_AGAIN_MS = 600_000


class ClockSkew:
    """Warns, per clock every ten minutes, when one is `limit` ms or more off. `wall`: ms since the epoch."""

    def __init__(self, limit: int, wall: Callable[[], int], log: Any) -> None:
        """Nothing has been compared."""
        self._limit, self._wall, self._log = limit, wall, log
        self._told: dict[str, int] = {}

    def records(self, batch: RecordBatch) -> None:
        """Records stamped ahead of us. How far behind they are says nothing: they may have waited to be read."""
        ahead = batch.timestamps[-1] - self._wall()
        if ahead >= self._limit:
            self._tell(batch.source.topic, ahead)

    def broker(self, stamp: int | None) -> None:
        """What the broker has just stamped (ms since the epoch)."""
        ahead = 0 if stamp is None else stamp - self._wall()
        if abs(ahead) >= self._limit:
            self._tell("the broker", ahead)

    def _tell(self, clock: str, ahead: int) -> None:
        now = self._wall()
        if clock in self._told and abs(now - self._told[clock]) < _AGAIN_MS:
            return
        self._told[clock] = now
        self._log.warning("clock_skew", clock=clock, ahead_s=round(ahead / 1000))
