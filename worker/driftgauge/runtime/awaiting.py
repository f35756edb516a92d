"""A worker that has no partitions: told now and then what it waits for, since nothing else is to be heard of it.

The group gives them out once all its members have come to a rebalance. One that died without leaving is waited for
until its session ends, and with more members than partitions some have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driftgauge.errors import UnavailableError

_FIRST_MS = 10_000
_AGAIN_MS = 30_000


class AwaitingPartitions:
    """Of one worker. Clock in ms. `members`: where those of the group are; UnavailableError where Kafka doesn't say."""

    def __init__(self, members: Callable[[], list[str]], log: Any, now: int) -> None:
        """It has none from `now` on."""
        self._members, self._log = members, log
        self._since = now
        self._tell_at = now + _FIRST_MS

    def look(self, now: int, *, given: bool) -> None:
        """To be called often; `given`: whether the group gives us any now."""
        if given:
            self._since, self._tell_at = now, now + _FIRST_MS
        elif now >= self._tell_at:
            self._tell_at = now + _AGAIN_MS
            self._log.info("partitions_awaited", waited_s=(now - self._since) // 1000, **self._told())

    def _told(self) -> dict[str, Any]:
        try:
            members = self._members()
        except UnavailableError as error:
            return {"waits_for": "Kafka, which doesn't say who is in the group", "error": str(error)}
        return {
            "waits_for": "the group to give us partitions: a member that died keeps its own until "
            "kafka.session_timeout, and with more members than partitions some have none",
            "members": len(members),
            "hosts": sorted(set(members)),
        }
