"""Trying again, for a bounded time, what Redis may do a little later. redis-py's own silent retries are switched off.

While a worker waits it reads nothing, so records wait in Kafka: that is all the back-pressure there needs to be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from driftgauge.config_secrets import SecretError
from driftgauge.errors import RefusedError, UnavailableError
from driftgauge.state.redis_errors import judge

_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
# How often a wait looks whether it is to end.
_LOOK_S = 0.1
# What is left of any wait once the worker is asked to stop.
_LAST_WAIT_S = 1.0
# Whatever the patience, an attempt is given so long.
_LEAST_S = 0.5

_T = TypeVar("_T")


class Patience:
    """Up to `retry_for` ms of it; `log`: where it is told that one waits, if anywhere.

    `stop`: whether the worker is asked to end; what is waited for then gets one second more.
    """

    def __init__(
        self,
        retry_for: int,
        reconnect: Callable[[], None],
        log: Any | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """`reconnect` drops the connections, so that the next attempt looks up who is primary now."""
        self._retry_for, self._reconnect, self._log, self._stop = retry_for, reconnect, log, stop
        self._started = self._until = 0.0
        self._stopped_at: float | None = None

    def keep_trying(self, call: Callable[[], _T], within: int | None = None) -> _T:
        """What `call` returns, however often it takes. UnavailableError after `within` ms (None: `retry_for`).

        RefusedError at once where waiting doesn't help. The call must be safe to repeat: an answer may have got lost.
        """
        patience = (self._retry_for if within is None else min(within, self._retry_for)) / 1000
        started, wait, waited = time.monotonic(), _FIRST_WAIT_S, False
        self._started, self._until = started, started + patience
        while True:
            try:
                answer = call()
            except (redis.RedisError, SecretError) as error:
                verdict, text = judge(error), _text(error)
                if not verdict.passes:
                    raise RefusedError(f"Redis refused a command ({text}); {verdict.fix}") from error
                if self._left() <= 0:
                    waited_for = (
                        f"{patience:g} s" if self._stopped_at is None else "a second, and the worker is to stop"
                    )
                    raise UnavailableError(
                        f"Redis did not do it within {waited_for} ({text}); {verdict.fix}"
                    ) from error
                if self._log is not None and not waited:
                    self._log.warning("redis_waited_for", error=text, fix=verdict.fix, for_ms=round(1000 * patience))
                waited = True
                self._reconnect()
                self._sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT_S)
            else:
                if waited and self._log is not None:
                    self._log.warning("redis_answers_again", after_ms=round(1000 * (time.monotonic() - started)))
                return answer

    def answer_comes(self, can_read: Callable[[float], bool], timeout: float) -> bool:
        """Wait for the answer to an attempt, for `timeout` s at most; `can_read` looks for it, so many seconds.

        A Redis that takes commands and says nothing would otherwise keep one for as long as the socket's time-out.
        """
        asked = time.monotonic()
        while not can_read(_LOOK_S):
            waited = time.monotonic() - asked
            if waited >= timeout or (waited >= _LEAST_S and self._left() <= 0):
                return False
        return True

    def _left(self) -> float:
        """Seconds until it is given up."""
        now = time.monotonic()
        if self._stopped_at is None and self._stop():
            self._stopped_at = now
        if self._stopped_at is None:
            return self._until - now
        return min(self._until, max(self._started, self._stopped_at) + _LAST_WAIT_S) - now

    def _sleep(self, seconds: float) -> None:
        """So long, or until it is given up."""
        end = time.monotonic() + seconds
        while (left := min(end - time.monotonic(), self._left())) > 0:
            time.sleep(min(left, _LOOK_S))


def _text(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
