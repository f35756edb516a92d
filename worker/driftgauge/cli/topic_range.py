"""A range of Kafka topics opened for a command that reads what is there and leaves no trace: no group, no commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

from driftgauge.config import Config
from driftgauge.errors import ConfigError
from driftgauge.records import Source
from driftgauge.runtime.kafka_clients import range_settings, turn_records
from driftgauge.runtime.topics import admin_client, partition_counts
from driftgauge.sources.kafka import KafkaSource
from driftgauge.sources.kafka_range import KafkaRange
from driftgauge.sources.kafka_turns import KafkaTurns

TurnsOf = Callable[[Mapping[Source, tuple[int, int]]], KafkaTurns]


class TopicRange(NamedTuple):
    """`log`: what is there; `consumer`: what reads it."""

    log: KafkaRange
    consumer: KafkaSource


@contextmanager
def topic_range(config: Config, topics: Sequence[str]) -> Iterator[TopicRange]:
    """What `topics` hold now. ConfigError if there is no such topic, UnavailableError if no broker answers."""
    with admin_client(config) as admin:
        there = partition_counts(admin, topics)
    missing = [name for name in topics if name not in there]
    if missing:
        raise ConfigError(f"Kafka has no topic {', '.join(missing)}; under topics, name those that hold the events")
    partitions = sum(there.values())
    consumer = KafkaSource(range_settings(config, partitions))
    try:
        yield TopicRange(KafkaRange(consumer, topics, size=turn_records(config, partitions)), consumer)
    finally:
        consumer.close()


@contextmanager
def turns_among(config: Config, partitions: int) -> Iterator[TurnsOf]:
    """What reads spans of partitions in turns, beside others: there are so many `partitions` in all."""
    with closing(KafkaSource(range_settings(config, partitions))) as consumer:
        yield lambda spans: KafkaTurns(consumer, spans, turn_records(config, partitions))
