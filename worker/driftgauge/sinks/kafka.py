"""Records to Kafka: idempotent producer, acks from all in-sync replicas, wall-clock timestamps.

Our records never carry event time as their Kafka timestamp: brokers delete "old" records within seconds under default
retention and reject those more than an hour ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from driftgauge.errors import UnavailableError
from driftgauge.kafka_refusals import refusal_of
from driftgauge.sinks.base import Publication

_FLUSH_TIMEOUT_S = 130


class KafkaSink:
    """A Sink on a Kafka cluster. `settings`: arguments of kafka-python's producer (idempotent, acks from all)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Connects; UnavailableError if no broker answers."""
        try:
            self._producer = KafkaProducer(**settings)
        except KafkaError as error:
            raise UnavailableError(refusal_of(error) or f"no Kafka broker answers: {error}") from error
        self._pending: list[Any] = []

    def publish(self, publications: Sequence[Publication]) -> None:
        """See Sink."""
        for record in publications:
            try:
                self._pending.append(
                    self._producer.send(
                        record.topic,
                        value=record.value,
                        key=record.key,
                        partition=record.partition,
                        headers=list(record.headers),
                    )
                )
            except KafkaError as error:
                refusal = refusal_of(error)
                raise UnavailableError(refusal or f"Kafka did not take a record for {record.topic}: {error}") from error

    def flush(self) -> None:
        """See Sink. Each record's own acknowledgement is checked, not just that the buffer is empty."""
        pending, self._pending = self._pending, []
        try:
            if pending:
                self._producer.flush(timeout=_FLUSH_TIMEOUT_S)
            for future in pending:
                future.get(timeout=1)
        except KafkaError as error:
            raise UnavailableError(refusal_of(error) or f"Kafka did not confirm what was written: {error}") from error

    def close(self) -> None:
        """Give up the connection; what was not flushed may be lost."""
        self._producer.close(timeout=5)
