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

_T = TypeVar("_T")


class Patience:
    """Up to `retry_for` ms of it; `log`: where it is told that one waits, if anywhere."""

    def __init__(self, retry_for: int, reconnect: Callable[[], None], log: Any | None = None) -> None:
        """`reconnect` drops the connections, so that the next attempt looks up who is primary now."""
        self._retry_for, self._reconnect, self._log = retry_for, reconnect, log

    def keep_trying(self, call: Callable[[], _T], within: int | None = None) -> _T:
        """What `call` returns, however often it takes. UnavailableError after `within` ms (None: `retry_for`).

        RefusedError at once where waiting doesn't help. The call must be safe to repeat: an answer may have got lost.
        """
        patience = (self._retry_for if within is None else min(within, self._retry_for)) / 1000
        started, wait, waited = time.monotonic(), _FIRST_WAIT_S, False
        while True:
            try:
                answer = call()
            except (redis.RedisError, SecretError) as error:
                verdict, text = judge(error), _text(error)
                if not verdict.passes:
                    raise RefusedError(f"Redis refused a command ({text}); {verdict.fix}") from error
                left = patience - (time.monotonic() - started)
                if left <= 0:
                    waited_for = f"Redis did not do it within {patience:g} s ({text})"
                    raise UnavailableError(f"{waited_for}; {verdict.fix}") from error
                if self._log is not None and not waited:
                    self._log.warning("redis_waited_for", error=text, fix=verdict.fix, for_ms=round(1000 * patience))
                waited = True
                self._reconnect()
                time.sleep(min(wait, left))
                wait = min(2 * wait, _LONGEST_WAIT_S)
            else:
                if waited and self._log is not None:
                    self._log.warning("redis_answers_again", after_ms=round(1000 * (time.monotonic() - started)))
                return answer


def _text(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
