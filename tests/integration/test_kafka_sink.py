"""The sink on a real Kafka: nothing gets through after a lost record, and what only takes long is not lost."""

from __future__ import annotations

import os
import signal
import time
import uuid
from contextlib import suppress

import pytest
from kafka import KafkaConsumer, TopicPartition

from driftgauge.config import Config
from driftgauge.errors import BlockedError, UndeliveredError
from driftgauge.runtime.kafka_clients import producer_settings
from driftgauge.sinks.base import Publication
from driftgauge.sinks.kafka import KafkaSink
from live import PATIENCE_S

LONG = round(PATIENCE_S * 1000)


def settings(kafka) -> dict:
    config = Config.model_validate(
        {
            "kafka": {"bootstrap_servers": [kafka.bootstrap]},
            "topics": {"predictions": "in"},
            "models": [{"model_id": "m", "model_version": "1"}],
        }
    )
    return producer_settings(config)


@pytest.fixture
def sink(kafka):
    made = KafkaSink(settings(kafka), patience=1_000, unconfirmed=10)
    yield made
    made.reopen()
    made.close()


def values(kafka, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=None, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    consumer.seek_to_beginning(partition)
    found = []
    while consumer.position(partition) < end:
        for batch in consumer.poll(timeout_ms=500).values():
            found += [record.value for record in batch]
    consumer.close()
    return found


@pytest.mark.parametrize("fresh", [True, False])
def test_nothing_gets_through_after_a_record_that_the_topic_does_not_take(kafka, sink, fresh):
    topic = kafka.create_topic(uuid.uuid4().hex, max_message_bytes=10_000)
    if not fresh:
        sink.publish([Publication(topic, None, b"first", 0)])
        sink.flush(LONG)
    # One batch with what follows it, and others behind that.
    following = [Publication(topic, None, b"after %d " % number + b"y" * 5_000, 0) for number in range(200)]
    with suppress(UndeliveredError):
        sink.publish([Publication(topic, None, b"x" * 20_000, 0), *following])
    with pytest.raises(UndeliveredError, match=topic):
        sink.flush(LONG)
    with pytest.raises(UndeliveredError):
        sink.publish([Publication(topic, None, b"later", 0)])
    time.sleep(1)
    assert values(kafka, topic) == ([] if fresh else [b"first"])
    sink.reopen()
    sink.publish([Publication(topic, None, b"again", 0)])
    sink.flush(LONG)
    assert values(kafka, topic)[-1] == b"again"


def test_what_waits_is_told_with_the_reason_that_the_producer_saw(kafka, sink):
    topic = kafka.create_topic(uuid.uuid4().hex)
    sink.publish([Publication(topic, None, b"first", 0)])
    sink.flush(LONG)
    os.kill(kafka.server.pid, signal.SIGSTOP)
    sink.publish([Publication(topic, None, b"under way", 0)])
    with pytest.raises(BlockedError, match="it says nothing about them"):
        sink.flush()
    kafka.kill()
    try:
        with pytest.raises(BlockedError, match=f"1 record for {topic} .KafkaConnectionError: its broker can't be"):
            sink.flush()
    finally:
        kafka.start()
    sink.flush(LONG)


def test_what_waits_for_the_broker_is_blocked_and_comes_through_in_order(kafka, sink):
    topic = kafka.create_topic(uuid.uuid4().hex)
    sink.publish([Publication(topic, None, b"first", 0)])
    sink.flush(LONG)
    wanted = [b"%d" % number for number in range(20)]
    os.kill(kafka.server.pid, signal.SIGSTOP)
    try:
        sink.publish([Publication(topic, None, value, 0) for value in wanted])
        with pytest.raises(BlockedError, match=f"20 records for {topic} .it says nothing about them. within 1 s"):
            sink.flush()
        with pytest.raises(BlockedError):
            sink.make_room()
    finally:
        os.kill(kafka.server.pid, signal.SIGCONT)
    sink.flush(LONG)
    sink.make_room()
    assert values(kafka, topic) == [b"first", *wanted]


def test_a_topic_that_is_gone_is_told_of_soon(kafka, sink):
    begun = time.monotonic()
    with pytest.raises(UndeliveredError, match="gone"):
        sink.publish([Publication("gone-" + uuid.uuid4().hex, None, b"x", 0)])
    # max_block_ms is 5 s, and a record may wait for as long as the worker, which is minutes.
    assert time.monotonic() - begun < 60
