"""When a silent source may be declared idle, so that one empty partition does not hold up everybody's panes.

The rule keeps a burst after a silence from overtaking a slower partition: a source is raised only to what the fastest
source had reached `idle_after` ago; when all are silent, that mark moves on with the time this owner has watched. The
only wall clock in the pipeline, and its verdicts are written down before they are carried out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class IdleWatch:
    """Remembers how far the fastest source was, when. Times in ms; `now` is any monotonic clock's."""

    def __init__(self, idle_after: int) -> None:
        """Nothing seen yet."""
        self._idle_after = idle_after
        self._seen: deque[tuple[int, int]] = deque()

    def observe(self, now: int, watermarks: Iterable[int]) -> None:
        """Note the watermarks that all gating sources have published by now."""
        fastest = max(watermarks, default=None)
        if fastest is not None and (not self._seen or fastest > self._seen[-1][1]):
            self._seen.append((now, fastest))

    def mark(self, now: int) -> int | None:
        """Event time (ms) that a source which has nothing left to read may be raised to; None: not yet.

        To be asked after every `observe`, with the same `now`.
        """
        then = now - self._idle_after
        # Of what is older than the look-back, only the newest is ever asked for.
        while len(self._seen) > 1 and self._seen[1][0] <= then:
            self._seen.popleft()
        if not self._seen or self._seen[0][0] > then:
            return None
        seen_at, fastest = self._seen[0]
        if len(self._seen) > 1:
            return fastest
        # All silent since `seen_at`: event time goes on as fast as the clock that watched.
        return fastest + (then - seen_at)
