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
        self.at: dict[Source, int] = {}
        self.flowing: set[Source] = set()
        self.polls = self.waited_ms = 0

    def partitions(self, topic: str) -> int | None:
        return len(self.held) if topic == TOPIC else None

    def end_offsets(self, sources):
        return {source: self.held[source.partition][1] for source in sources}

    def first_offset(self, source: Source) -> int:
        return self.held[source.partition][0]

    def assign(self, *sources: Source) -> None:
        self.at = dict.fromkeys(sources, -1)
        self.flowing = set(sources)

    def seek(self, source: Source, position: int) -> None:
        assert source in self.at
        self.at[source] = position

    def pause(self, source: Source) -> None:
        self.flowing.remove(source)

    def resume(self, source: Source) -> None:
        assert source not in self.flowing
        self.flowing.add(source)

    def position(self, source: Source) -> int:
        return self.at[source]

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Of one partition, the one of those that flow which is furthest behind or ahead, by turns."""
        self.polls += 1
        self.waited_ms += timeout_ms
        there = {s: min(self.at[s] + self.size, self.held[s.partition][1]) for s in sorted(self.flowing)}
        there = {s: end for s, end in there.items() if end > self.at[s]}
        if self.silent_from is not None:
            there = {s: end for s, end in there.items() if self.at[s] < self.silent_from}
        if not there:
            return []
        source = (min if self.polls % 2 else max)(there, key=lambda s: self.at[s])
        offsets = range(self.at[source], there[source])
        self.at[source] = there[source]
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
    log = KafkaRange(Broker([(0, 20), (0, 20)]), [TOPIC], size=4)
    told: list[float] = []
    spans = {Source(TOPIC, 0): (5, 10), Source(TOPIC, 1): (0, 5)}
    assert [b.offsets[0] for b in log.batches(spans, told.append)] == [5, 9, 0, 4]
    assert told == [0.4, 0.5, 0.9, 1.0]


def test_a_broker_that_gives_nothing_more_is_not_waited_for_for_ever():
    broker = Broker([(0, 20)], silent_from=8)
    with pytest.raises(UnavailableError, match=r"no more records of ml\.predictions:0, which has some up to offset 20"):
        offsets(KafkaRange(broker, [TOPIC]))
    assert broker.polls < 2000


def test_in_turns_every_batch_has_the_same_size_however_the_records_come():
    for size in (3, 4, 7, 100):
        turns = KafkaRange(Broker([(3, 25), (0, 9)], size=size), [TOPIC], size=5).turns(
            {Source(TOPIC, 0): (3, 25), Source(TOPIC, 1): (0, 9)}
        )
        one, two = turns.batches(Source(TOPIC, 0)), turns.batches(Source(TOPIC, 1))
        taken = [next(one), next(two), next(two), next(one), *one, *two]
        assert [(b.source.partition, b.offsets[0], len(b)) for b in taken] == [
            (0, 3, 5),
            (1, 0, 5),
            (1, 5, 4),
            (0, 8, 5),
            (0, 13, 5),
            (0, 18, 5),
            (0, 23, 2),
        ]
        assert [value for b in taken for value in b.values] == [
            str(offset).encode() for b in taken for offset in b.offsets
        ]
        assert turns.done == 1.0


def test_what_waits_for_its_turn_is_bounded():
    broker = Broker([(0, 1000)] * 5, size=4)
    log = KafkaRange(broker, [TOPIC], size=10)
    turns = log.turns(log.spans)
    for _ in turns.batches(Source(TOPIC, 3)):
        others = [position for source, position in broker.at.items() if source.partition != 3]
        assert max(others) < 10 + broker.size


def test_all_that_waits_is_bounded_whoever_has_had_its_turn():
    size = 10
    broker = Broker([(0, 1000)] * 5, size=size)
    log = KafkaRange(broker, [TOPIC], size=size)
    turns = log.turns(log.spans)
    readers = {source: turns.batches(source) for source in log.spans}
    taken = 0
    for turn in range(200):
        taken += len(next(readers[Source(TOPIC, turn * turn % 5)]))
        assert sum(broker.at.values()) - taken <= 2 * len(readers) * size


def test_more_is_read_ahead_of_the_one_whose_turn_it_is_without_waiting_for_it():
    broker = Broker([(0, 100)], size=10)
    log = KafkaRange(broker, [TOPIC], size=10)
    batches = log.turns(log.spans).batches(Source(TOPIC, 0))
    next(batches)
    waited = broker.waited_ms
    for turn in range(2, 10):
        next(batches)
        assert broker.at[Source(TOPIC, 0)] == 10 * (turn + 1)
    assert broker.waited_ms == waited


def test_the_share_read_in_turns_counts_what_was_handed_out():
    log = KafkaRange(Broker([(0, 10), (0, 10)]), [TOPIC], size=5)
    turns = log.turns(log.spans)
    next(turns.batches(Source(TOPIC, 1)))
    assert turns.done == 0.25
