"""What is on topics, read as any outsider would: no group, nothing committed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from live import PATIENCE_S

_POLL_MS = 300


class Log:
    """A reader with one connection. What `kept` has read once is not fetched again."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: KafkaConsumer | None = None
        self._kept: dict[TopicPartition, list[Any]] = {}

    def ends(self, topic: str, partitions: int) -> list[int]:
        """The offset that the next record of each partition will get."""
        parts = [TopicPartition(topic, i) for i in range(partitions)]
        found = self._connected().end_offsets(parts)
        return [found[part] for part in parts]

    def read(self, topic: str, partition: int, start: int = 0) -> Iterator[Any]:
        """Records from an offset, or the first that is left after it, up to the present end. One reading at a time."""
        part = TopicPartition(topic, partition)
        consumer, deadline = self._connected(), time.monotonic() + PATIENCE_S
        consumer.assign([part])
        end = consumer.end_offsets([part])[part]
        consumer.seek(part, max(start, consumer.beginning_offsets([part])[part]))
        while consumer.position(part) < end:
            for records in consumer.poll(timeout_ms=_POLL_MS, max_records=2000).values():
                yield from records
            if time.monotonic() > deadline:
                raise TimeoutError(f"{part} could not be read up to {end}, only to {consumer.position(part)}")

    def kept(self, topic: str, partitions: int) -> list[Any]:
        """All records of a topic by now, partition after partition."""
        for i in range(partitions):
            known = self._kept.setdefault(TopicPartition(topic, i), [])
            known += self.read(topic, i, known[-1].offset + 1 if known else 0)
        return [record for i in range(partitions) for record in self._kept[TopicPartition(topic, i)]]

    def close(self) -> None:
        """Give up the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)
            self._consumer = None

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            try:
                self._consumer = KafkaConsumer(
                    bootstrap_servers=self._bootstrap,
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="none",
                    metrics_enabled=False,
                )
            except KafkaError as error:
                raise ConnectionError("no broker answers") from error
        return self._consumer
