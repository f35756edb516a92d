"""A partition that is paused in the middle of what was fetched of it, on a real Kafka: resumed, it is read on."""

from __future__ import annotations

import time
import uuid

import pytest
from kafka import KafkaProducer, TopicPartition

from driftgauge.config import Config
from driftgauge.records import Source
from driftgauge.runtime.kafka_clients import reader_settings
from driftgauge.sources.kafka import KafkaSource
from live import PATIENCE_S


@pytest.fixture
def source(kafka):
    config = Config.model_validate(
        {
            "kafka": {"bootstrap_servers": [kafka.bootstrap]},
            "topics": {"predictions": "in"},
            "models": [{"model_id": "m", "model_version": "1"}],
        }
    )
    made = KafkaSource(reader_settings(config) | {"max_poll_records": 10})
    yield made
    made.close()


def read(source: KafkaSource, wanted: Source, count: int, within_s: float = PATIENCE_S) -> list[int]:
    """Offsets of that partition, as they come."""
    offsets: list[int] = []
    end = time.monotonic() + within_s
    while len(offsets) < count and time.monotonic() < end:
        for batch in source.poll(100):
            if batch.source == wanted:
                offsets += list(batch.offsets)
    return offsets


@pytest.mark.parametrize("sought", [True, False])
def test_what_was_paused_with_records_at_hand_is_read_on_though_others_were_read_meanwhile(kafka, source, sought):
    topic = kafka.create_topic(uuid.uuid4().hex, partitions=3)
    paused, other, also = (Source(topic, i) for i in range(3))
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)

    def produce(where: Source, count: int) -> None:
        for number in range(count):
            producer.send(topic, b"%d" % number, partition=where.partition)
        producer.flush()

    for where in (paused, also):
        produce(where, 40)
    source._consumer.assign([TopicPartition(*where) for where in (paused, other, also)])
    for where in (paused, other, also):
        source._consumer.seek(TopicPartition(*where), 0)
    source.pause(also)
    assert read(source, paused, 10) == list(range(10))
    source.pause(paused)
    source.resume(also)
    assert read(source, also, 10) == list(range(10))
    source.pause(also)
    produce(other, 5)
    assert read(source, other, 5) == list(range(5))
    for where in (paused, also):
        if sought:
            source.seek(where, 10)
        else:
            source.resume(where)
    offsets: dict[Source, list[int]] = {paused: [], also: []}
    end = time.monotonic() + PATIENCE_S
    while any(len(found) < 30 for found in offsets.values()) and time.monotonic() < end:
        for batch in source.poll(100):
            offsets[batch.source] += list(batch.offsets)
    producer.close()
    assert offsets == {paused: list(range(10, 40)), also: list(range(10, 40))}


def test_of_partitions_that_take_turns_what_is_at_hand_is_read_at_once(kafka, source):
    topic = kafka.create_topic(uuid.uuid4().hex, partitions=2)
    one, other = Source(topic, 0), Source(topic, 1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for where in (one, other):
        for number in range(100):
            producer.send(topic, b"%d" % number, partition=where.partition)
    producer.close()
    source.assign(one, other)
    for where in (one, other):
        source.seek(where, 0)
    source.pause(other)
    assert read(source, one, 10) == list(range(10))
    source.pause(one)
    source.resume(other)
    assert read(source, other, 10) == list(range(10))
    for turn in range(1, 10):
        for wanted, paused in ((one, other), (other, one)):
            source.pause(paused)
            source.resume(wanted)
            # No time to fetch anything, nor to sleep.
            batches = source.poll(0)
            assert [(batch.source, list(batch.offsets)) for batch in batches] == [
                (wanted, list(range(10 * turn, 10 * turn + 10)))
            ]
