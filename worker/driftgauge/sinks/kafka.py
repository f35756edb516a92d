"""Records to Kafka: idempotent producer, acks from all in-sync replicas, wall-clock timestamps.

Our records never carry event time as their Kafka timestamp: brokers delete "old" records within seconds under default
retention and reject those more than an hour ahead.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from driftgauge.counted import counted
from driftgauge.errors import BlockedError, UnavailableError, UndeliveredError
from driftgauge.kafka_refusals import refusal_of
from driftgauge.sinks.base import Publication
from driftgauge.sinks.kafka_retries import Retries

# Whoever only writes waits longer than a broker takes to restart.
_PATIENCE_MS = 130_000


class KafkaSink:
    """A Sink on a Kafka cluster. `settings`: arguments of kafka-python's producer (idempotent, acks from all).

    `patience`: ms that a flush waits; `unconfirmed`: records under way from which on `make_room` waits.

    `stamped`: the time (ms since the epoch) that Kafka has given the last record that the last flush confirmed, or that
    it took from us; None if there was none.
    """

    def __init__(
        self, settings: Mapping[str, Any], *, patience: int = _PATIENCE_MS, unconfirmed: int = 1_000_000
    ) -> None:
        """Connects; UnavailableError if no broker answers."""
        self._settings, self._patience, self._unconfirmed = settings, patience, unconfirmed
        self._producer = self._open()
        self._retries = Retries()
        self._retries.listen()
        self._pending: deque[tuple[str, Any]] = deque()
        self._lost: UndeliveredError | None = None
        self.stamped: int | None = None

    def publish(self, publications: Sequence[Publication]) -> None:
        """See Sink."""
        for record in publications:
            if self._lost is not None:
                raise self._lost
            try:
                future = self._producer.send(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                )
            # ValueError: the topic, or this partition of it, has just gone.
            except (KafkaError, ValueError) as error:
                self._lose(record.topic, error)
                continue
            self._pending.append((record.topic, future))
            future.add_errback(partial(self._lose, record.topic))
        if self._lost is not None:
            raise self._lost

    def make_room(self) -> None:
        """See Sink."""
        self._forget_confirmed()
        if len(self._pending) >= self._unconfirmed:
            self.flush()

    def flush(self, wait_ms: int | None = None) -> None:
        """See Sink. Each record's own acknowledgement is checked, not just that the buffer is empty."""
        wait_s = (self._patience if wait_ms is None else wait_ms) / 1000
        deadline = time.monotonic() + wait_s
        self.stamped = None
        try:
            # Not the producer's own flush: its timeout is one for each batch, and it fails on one that is being split.
            for _, future in self._pending:
                self.stamped = future.get(timeout=max(0.0, deadline - time.monotonic())).timestamp
        except KafkaTimeoutError as error:
            if self._lost is None:
                self._forget_confirmed()
                raise BlockedError(
                    f"Kafka has not confirmed {self._unconfirmed_records()} within {wait_s:g} s"
                ) from error
        except KafkaError as error:
            self._lost = self._lost or UndeliveredError(f"Kafka did not take what was written: {_text(error)}")
        if self._lost is not None:
            raise self._lost
        self._pending.clear()
        self._retries.forget()

    def reopen(self) -> None:
        """See Sink. What the old producer had is given up; of each partition it got through in order or not at all."""
        self._stop()
        # What is left to do is to leave no thread behind; a broker that is away may make even that fail.
        with suppress(KafkaError):
            self._producer.close(timeout=1)
        self._producer = self._open()
        self._pending.clear()
        self._lost = None

    def close(self) -> None:
        """Give up the connection; what was not flushed may be lost."""
        self._retries.stop()
        self._producer.close(timeout=5)

    def _open(self) -> KafkaProducer:
        try:
            return KafkaProducer(**self._settings)
        except KafkaError as error:
            raise UnavailableError(refusal_of(error) or f"no Kafka broker answers: {error}") from error

    def _lose(self, topic: str, error: Exception) -> None:
        """Nothing may follow a lost record. Called on the producer's thread too, before it sends the next batch."""
        if self._lost is None:
            self._lost = UndeliveredError(f"Kafka did not take a record for {topic}: {_text(error)}")
            self._stop()

    def _stop(self) -> None:
        # KafkaProducer.close waits for what is under way, or fails on it, before it stops anything.
        self._producer._sender.force_close()  # noqa: SLF001

    def _forget_confirmed(self) -> None:
        while self._pending and self._pending[0][1].succeeded():
            self._pending.popleft()

    def _unconfirmed_records(self) -> str:
        """How many of which topics, and why, as far as Kafka has said."""
        left = Counter(topic for topic, future in self._pending if not future.succeeded())
        told = {topic: self._retries.reason(topic) for topic in sorted(left)}
        return " and ".join(
            f"{counted(left[topic], 'records')} for {topic} ({reason or 'it says nothing about them'})"
            for topic, reason in told.items()
        )


def _text(error: Exception) -> str:
    if isinstance(error, MessageSizeTooLargeError):
        return (
            "it is larger than the topic's max.message.bytes; raise that (driftgauge topics create says to what), or "
            "lower limits.max_alert_bytes"
        )
    refusal = refusal_of(error) if isinstance(error, KafkaError) else None
    return refusal or (str(error).splitlines()[0] if str(error) else type(error).__name__)
