"""Partitions from which nothing comes although there is more to read.

A client can wait for ever without an error: for a leader that isn't there, or a response larger than it takes. Only the
end offset tells that from a silent partition.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from driftgauge.errors import StalledError
from driftgauge.records import Source


class StalledReading:
    """Looks every `after` ms whether partitions that gave nothing since the last look are drained. Clock in ms.

    `drained` says which of them are at their end; UnavailableError where the broker doesn't tell.
    """

    def __init__(self, after: int, drained: Callable[[Collection[Source]], set[Source]], now: int) -> None:
        """The first look comes after a whole span."""
        self._after, self._drained = after, drained
        self._looked_at = now
        self._watched: set[Source] = set()
        self._behind: set[Source] = set()

    def read(self, source: Source) -> None:
        """Something came from it."""
        self._watched.discard(source)
        self._behind.discard(source)

    def look(self, now: int, reading: Collection[Source]) -> None:
        """To be called often; `reading`: those that are ours and not paused. StalledError."""
        if now - self._looked_at < self._after:
            # One that was paused for a while has had less time.
            self._watched &= set(reading)
            return
        self._looked_at = now
        # Twice in a row: what has just been written may be on its way.
        silent = self._watched & set(reading)
        behind = silent - self._drained(sorted(silent)) if silent else set()
        stalled, self._behind = behind & self._behind, behind
        self._watched = set(reading)
        if stalled:
            names = ", ".join(map(str, sorted(stalled)))
            raise StalledError(
                f"nothing has come from {names} for {2 * self._after // 1000} s, although there is more to read; the "
                "worker ends, to begin again with a new connection. If that doesn't help: may it read the topic, are "
                "its partitions online, is a record larger than the client takes (watchdog.stalled_after)?"
            )
