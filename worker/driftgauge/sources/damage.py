"""Records that can't be read because their batch is damaged on disk or on the way: from which offset to which.

Kafka says of a damaged batch where it begins, not where it ends, and its header may be what is damaged. So a consumer
of our own tries offsets: a fetch at any offset of a batch returns the whole batch.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, KafkaError

from driftgauge.errors import UnavailableError
from driftgauge.records import Source

# What kafka-python raises on bytes that are no records: its own checks, and what falls over a wrong length.
DAMAGE = (CorruptRecordError, struct.error, IndexError, ValueError)
_POLL_MS = 5_000


def damaged_until(settings: Mapping[str, Any], source: Source, position: int) -> int | None:
    """The first offset after `position` that can be read again; None if nothing is wrong at `position`.

    `settings`: of a consumer without a group. UnavailableError if the broker doesn't answer.
    """
    partition = TopicPartition(*source)
    try:
        consumer = KafkaConsumer(**{**settings, "max_poll_records": 1})
    except KafkaError as error:
        raise UnavailableError(f"no Kafka broker answers: {error}") from error
    try:
        consumer.assign([partition])
        end = int(consumer.end_offsets([partition])[partition])
        return _first_readable(lambda offset: _readable(consumer, partition, offset), position, end)
    except KafkaError as error:
        raise UnavailableError(f"Kafka: {error}") from error
    finally:
        consumer.close(autocommit=False, timeout_ms=1_000)


def _first_readable(readable: Callable[[int], bool], position: int, end: int) -> int | None:
    """By doubling steps and then halves: a batch may hold one record or a hundred thousand."""
    if position >= end or readable(position):
        return None
    damaged, step = position, 1
    while damaged + step < end and not readable(damaged + step):
        damaged, step = damaged + step, 2 * step
    good = min(damaged + step, end)
    while good - damaged > 1:
        middle = (damaged + good) // 2
        if readable(middle):
            good = middle
        else:
            damaged = middle
    return good


def _readable(consumer: KafkaConsumer, partition: TopicPartition, offset: int) -> bool:
    # A seek is also what frees the consumer of the batch before, on which its next poll would never return.
    consumer.seek(partition, offset)
    try:
        consumer.poll(timeout_ms=_POLL_MS)
    except DAMAGE:
        return False
    return True
