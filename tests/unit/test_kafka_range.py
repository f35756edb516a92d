"""What is on topics at one moment: read to the ends as they were, again and again, and never waited for in vain."""

from __future__ import annotations

import pytest

from driftgauge.errors import UnavailableError
from driftgauge.records import RecordBatch, Source
from driftgauge.sources.kafka_range import KafkaRange

TOPIC = "ml.predictions"


class Broker:
    """A consumer of `held` partitions, by their first and end offset; a poll gives up to `size` records."""

    def __init__(self, held: list[tuple[int, int]], *, size: int = 4, silent_from: int | None = None) -> None:
        self.held, self.size, self.silent_from = held, size, silent_from
        self.at, self.polls = (Source(TOPIC, 0), 0), 0

    def partitions(self, topic: str) -> int | None:
        return len(self.held) if topic == TOPIC else None

    def end_offsets(self, sources):
        return {source: self.held[source.partition][1] for source in sources}

    def first_offset(self, source: Source) -> int:
        return self.held[source.partition][0]

    def assign(self, source: Source) -> None:
        self.at = (source, -1)

    def seek(self, source: Source, position: int) -> None:
        assert self.at[0] == source
        self.at = (source, position)

    def position(self, source: Source) -> int:
        assert self.at[0] == source
        return self.at[1]

    def poll(self, _timeout_ms: int) -> list[RecordBatch]:
        self.polls += 1
        source, position = self.at
        end = min(position + self.size, self.held[source.partition][1])
        if end <= position or (self.silent_from is not None and position >= self.silent_from):
            return []
        self.at = (source, end)
        offsets = range(position, end)
        return [RecordBatch(source, offsets, [0] * len(offsets), [str(offset).encode() for offset in offsets])]


def offsets(log: KafkaRange, spans=None) -> list[tuple[int, int]]:
    return [(b.source.partition, offset) for b in log.batches(spans or log.spans) for offset in b.offsets]


def test_it_reads_each_partition_from_its_first_record_to_its_end_and_leaves_out_empty_ones():
    log = KafkaRange(Broker([(3, 9), (5, 5), (0, 2)]), [TOPIC])
    assert log.spans == {Source(TOPIC, 0): (3, 9), Source(TOPIC, 2): (0, 2)}
    assert offsets(log) == [(0, offset) for offset in range(3, 9)] + [(2, 0), (2, 1)]
    assert offsets(log) == offsets(log)


def test_what_is_written_while_it_is_read_is_not_part_of_it():
    broker = Broker([(0, 6)])
    log = KafkaRange(broker, [TOPIC])
    broker.held = [(0, 50)]
    assert offsets(log) == [(0, offset) for offset in range(6)]
    values = [value for batch in log.batches(log.spans) for value in batch.values]
    assert values == [str(offset).encode() for offset in range(6)]


def test_a_part_can_be_read_and_the_share_read_is_told():
    log = KafkaRange(Broker([(0, 20), (0, 20)]), [TOPIC])
    told: list[float] = []
    spans = {Source(TOPIC, 0): (5, 10), Source(TOPIC, 1): (0, 5)}
    assert [b.offsets[0] for b in log.batches(spans, told.append)] == [5, 9, 0, 4]
    assert told == [0.4, 0.5, 0.9, 1.0]


def test_a_broker_that_gives_nothing_more_is_not_waited_for_for_ever():
    broker = Broker([(0, 20)], silent_from=8)
    with pytest.raises(UnavailableError, match=r"no more records of ml\.predictions:0, which has some up to offset 20"):
        offsets(KafkaRange(broker, [TOPIC]))
    assert broker.polls < 50
