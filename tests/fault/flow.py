"""A load that goes on in the background, at so many events a second, whatever happens to the broker meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

_TICK_S = 0.02
_AGAIN_S = 0.5


class Flow:
    """Sends from `events` to the partitions in turn between `with` and its end; `sent` so far.

    Every partition's events stay in order. What a broker's outage swallows is not in the log, so nobody expects it.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: int, events: Iterator[bytes], rate: int) -> None:
        self._bootstrap, self._topic, self._partitions = bootstrap, topic, partitions
        self._events, self._rate = events, rate
        self._ended, self._refused = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._producer = self._connected()
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()
        self._thread.join()
        self._producer.close(timeout=30)

    def _connected(self) -> KafkaProducer:
        return KafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=5, metrics_enabled=False)

    def _run(self) -> None:
        begun, first = time.monotonic(), self.sent
        while not self._ended.wait(_TICK_S):
            try:
                if self._refused.is_set():
                    self._begin_again()
                due = int((time.monotonic() - begun) * self._rate) - (self.sent - first)
                # After an outage the load goes on at its pace, and doesn't make up for it in one burst.
                for _ in range(min(due, self._rate)):
                    self._send(next(self._events))
            except KafkaError:
                self._refused.set()
                due = self._rate + 1
            if due > self._rate:
                begun, first = time.monotonic(), self.sent

    def _send(self, event: bytes) -> None:
        sending = self._producer.send(self._topic, event, partition=self.sent % self._partitions)
        sending.add_errback(lambda _error: self._refused.set())
        self.sent += 1

    def _begin_again(self) -> None:
        """An idempotent producer that was refused once takes nothing any more."""
        self._producer.close(timeout=0)
        time.sleep(_AGAIN_S)
        self._producer = self._connected()
        self._refused.clear()
