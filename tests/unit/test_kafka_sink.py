"""The sink's promise about order, with a producer whose records end as the test says."""

from __future__ import annotations

import logging

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.future import Future

from driftgauge.errors import BlockedError, UndeliveredError
from driftgauge.sinks import kafka
from driftgauge.sinks.base import Publication


class Sent(Future):
    """What is known of a record that was sent."""

    def get(self, timeout):
        if not self.is_done:
            raise KafkaTimeoutError("not yet")
        if self.exception is not None:
            raise self.exception
        return self

    timestamp = 1_000


class Producer:
    """Notes what it is given; its sender is what kafka-python's thread is."""

    made: list[Producer]

    def __init__(self, **_settings) -> None:
        self.sent: list[Sent] = []
        self.stopped = False
        self._sender = self
        self.made.append(self)

    def send(self, topic, **_record):
        if topic == "full":
            raise ValueError("Partitioner did not assign a partition")
        self.sent.append(Sent())
        return self.sent[-1]

    def force_close(self) -> None:
        self.stopped = True

    def close(self, timeout) -> None:
        pass


@pytest.fixture
def producers(monkeypatch) -> list[Producer]:
    monkeypatch.setattr(Producer, "made", [], raising=False)
    monkeypatch.setattr(kafka, "KafkaProducer", Producer)
    return Producer.made


RECORD = Publication("panes", None, b"x", 0)


def test_the_producer_is_stopped_as_soon_as_a_record_is_lost_before_it_sends_the_next_one(producers):
    sink = kafka.KafkaSink({})
    sink.publish([RECORD, RECORD])
    # Between these two the producer's thread would send what is behind the lost record.
    producers[0].sent[0].failure(TopicAuthorizationFailedError("panes"))
    assert producers[0].stopped
    producers[0].sent[1].success(None)
    with pytest.raises(UndeliveredError, match=r"for panes: .* lacks a permission on the topic"):
        sink.flush()
    with pytest.raises(UndeliveredError):
        sink.publish([RECORD])
    assert len(producers[0].sent) == 2
    sink.reopen()
    sink.publish([RECORD])
    producers[1].sent[0].success(None)
    sink.flush()


def test_a_topic_that_loses_its_partition_loses_the_record(producers):
    sink = kafka.KafkaSink({})
    with pytest.raises(UndeliveredError, match="full"):
        sink.publish([Publication("full", None, b"x", 3), RECORD])
    assert producers[0].sent == []


def test_what_waits_is_told_by_topic_with_the_reason_kafka_gave_and_what_is_confirmed_is_not(producers):
    sink = kafka.KafkaSink({}, patience=10)
    alert = Publication("alerts", None, b"x", 0)
    sink.publish([alert, RECORD, RECORD, alert])
    sender = logging.getLogger("kafka.producer.sender")
    retrying = "%s: Got error produce response on topic-partition %s, retrying (%s attempts left): %s%s"
    sender.warning(retrying, "sender", TopicPartition("alerts", 0), 9, "NotEnoughReplicasError", "")
    for record in producers[0].sent[1:3]:
        record.success(None)
    says = (
        r"2 records for alerts \(NotEnoughReplicasError: fewer replicas are in sync than min.insync.replicas asks for\)"
    )
    with pytest.raises(BlockedError, match=f"not confirmed {says} within"):
        sink.flush()
    for record in producers[0].sent[::3]:
        record.success(None)
    sink.flush()
    sink.publish([alert])
    with pytest.raises(BlockedError, match=r"1 record for alerts \(it says nothing about them\)"):
        sink.flush()
    sink.close()
    assert sink._retries not in sender.filters


def test_what_is_not_confirmed_in_time_is_kept_and_asked_for_again(producers):
    sink = kafka.KafkaSink({}, patience=10, unconfirmed=2)
    sink.publish([RECORD, RECORD])
    with pytest.raises(BlockedError, match="2 records"):
        sink.make_room()
    producers[0].sent[0].success(None)
    sink.make_room()
    with pytest.raises(BlockedError, match="1 record "):
        sink.flush()
    assert not producers[0].stopped
    producers[0].sent[1].success(None)
    sink.flush()
    assert sink.stamped == 1_000
    # What was stamped long ago says nothing of the broker's clock now.
    sink.flush()
    assert sink.stamped is None
