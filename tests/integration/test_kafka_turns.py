"""Partitions of a real topic read in turns: all records of each, in order, whichever is asked for next."""

from __future__ import annotations

import random

import pytest
from kafka import KafkaProducer

from driftgauge.sources.kafka import KafkaSource
from driftgauge.sources.kafka_range import KafkaRange

COUNTS = {0: 9000, 1: 30, 2: 4000, 3: 0, 4: 7}


@pytest.fixture(scope="module")
def topic(kafka) -> str:
    name = kafka.create_topic("in-turns", len(COUNTS))
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=20, batch_size=1 << 16)
    for partition, count in COUNTS.items():
        for i in range(count):
            producer.send(name, b"%d %s" % (i, b"x" * 300), partition=partition)
    producer.flush()
    producer.close()
    return name


@pytest.mark.parametrize(("size", "fetched"), [(83, 1 << 14), (83, 4 << 20), (5000, 1 << 16)])
def test_partitions_that_are_paused_with_records_at_hand_are_read_on(kafka, topic, size, fetched):
    settings = {"bootstrap_servers": kafka.bootstrap, "group_id": None, "enable_auto_commit": False}
    consumer = KafkaSource(settings | {"max_poll_records": size, "max_partition_fetch_bytes": fetched})
    try:
        log = KafkaRange(consumer, [topic], size=size)
        turns = log.turns(log.spans)
        readers = {source: turns.batches(source) for source in log.spans}
        read = {source: list[int]() for source in log.spans}
        chance = random.Random(size + fetched)
        while readers:
            source = chance.choice(sorted(readers))
            batch = next(readers[source], None)
            if batch is None:
                del readers[source]
            else:
                read[source] += [int(value.split()[0]) for value in batch.values]
    finally:
        consumer.close()
    assert {source.partition: offsets for source, offsets in read.items()} == {
        partition: list(range(count)) for partition, count in COUNTS.items() if count
    }
