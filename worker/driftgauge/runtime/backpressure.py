"""What to do while panes, alerts or dead letters can't be written: hold the inputs and stay in the group.

Two cases. Records that Kafka has not confirmed yet are waited for. Records that it refused are gone, and so is what
was to follow them; then everything since the last checkpoint is read and written again, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driftgauge.errors import BlockedError, UnavailableError, UndeliveredError
from driftgauge.runtime.clock import Clock
from driftgauge.sinks.base import Sink

_LOOK_MS = 100
_FIRST_WAIT_MS = 500
_LONGEST_WAIT_MS = 15_000
_LOG_MS = 10_000
# A record that is refused is read and written again at once: one that is refused again comes sooner than this.
_QUIET_MS = 4 * _LONGEST_WAIT_MS


class Backpressure:
    """Of one worker. `give_up_after`: ms without anything written after which UnavailableError ends it.

    `turn` polls once, with all inputs paused; `rewind` forgets what was done since the last checkpoint.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        turn: Callable[[], None],
        rewind: Callable[[], None],
        give_up_after: int,
        clock: Clock,
        log: Any,
    ) -> None:
        """Nothing is held."""
        self._sink, self._turn, self._rewind = sink, turn, rewind
        self._give_up_after = give_up_after
        self._clock, self._log = clock, log
        self._since: int | None = None
        self._refused_at = -_QUIET_MS
        self._wait = _FIRST_WAIT_MS

    def hold(self, error: BlockedError | UndeliveredError, stop: Callable[[], bool]) -> None:
        """Poll without reading until writing works again, or is worth another try. UnavailableError after the bound."""
        logged = now = self._clock.now()
        if self._since is None:
            self._since = now
        self._tell(error)
        lost = self._lose(error)
        again = now + self._wait
        while not stop():
            self._turn()
            now = self._clock.now()
            if now - self._since >= self._give_up_after:
                raise UnavailableError(
                    f"{error}; nothing could be written for {(now - self._since) // 1000} s (outputs.give_up_after), "
                    "so the worker ends. Nothing is lost: it reads on from its last checkpoint"
                ) from error
            if now - logged >= _LOG_MS:
                logged = now
                self._tell(error)
            try:
                if not lost:
                    self._sink.flush(_LOOK_MS)
                    self.relieved()
                    return
                if now >= again:
                    self._wait = min(2 * self._wait, _LONGEST_WAIT_MS)
                    again = now + self._wait
                    self._sink.reopen()
                    return
            except BlockedError:
                continue
            except UndeliveredError as worse:
                error, lost = worse, self._lose(worse)
                again = now + self._wait
            except UnavailableError:
                # The broker is away altogether; there may be one at the next try.
                continue

    def relieved(self) -> None:
        """Everything that was written is confirmed. It may be that what was refused has not come again yet."""
        now = self._clock.now()
        if self._since is not None and now - self._refused_at >= _QUIET_MS:
            self._log.warning("outputs_written_again", after_s=(now - self._since) // 1000)
            self._since, self._wait = None, _FIRST_WAIT_MS

    def _lose(self, error: UnavailableError) -> bool:
        lost = isinstance(error, UndeliveredError)
        if lost:
            self._refused_at = self._clock.now()
            self._rewind()
        return lost

    def _tell(self, error: UnavailableError) -> None:
        assert self._since is not None  # noqa: S101 (set before anything is told)
        waited = (self._clock.now() - self._since) // 1000
        self._log.error("outputs_blocked", reason=error.code, error=str(error), since_s=waited)
