"""Several partitions read by one consumer, each when its turn comes.

What Kafka hands over, and in which pieces, differs from one reading to the next. Here every batch but a partition's
last has the same number of records, so that whoever takes the batches in turn does the same each time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from driftgauge.errors import UnavailableError
from driftgauge.ingest.batches import join, part
from driftgauge.records import RecordBatch, Source

# Short: kafka-python 3.0 sleeps, for a tenth of a second or as long as a poll may take, where a response arrives just
# after it has looked for one.
_POLL_MS = 20
# A broker that is there answers within a second or two.
_EMPTY_POLLS = 30_000 // _POLL_MS


class PartitionReader(Protocol):
    """A consumer in no group. `sources.kafka.KafkaSource` is one."""

    def partitions(self, topic: str) -> int | None:
        """Number of partitions of a topic."""
        ...

    def first_offset(self, source: Source) -> int:
        """The oldest one there."""
        ...

    def end_offsets(self, sources: Collection[Source]) -> dict[Source, int]:
        """The one that the next record of each gets."""
        ...

    def assign(self, *sources: Source) -> None:
        """Read these from now on."""
        ...

    def seek(self, source: Source, position: int) -> None:
        """From there, and let its records flow."""
        ...

    def pause(self, source: Source) -> None:
        """Let no more of it flow."""
        ...

    def resume(self, source: Source) -> None:
        """Let it flow again."""
        ...

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Next records of those that flow."""
        ...

    def position(self, source: Source) -> int:
        """The offset that is read next."""
        ...


class KafkaTurns:
    """The records of `spans`: first offset and end of each partition.

    Of a partition fewer than `size` records wait, and what one more poll brings; then it is paused. Only the one whose
    turn it is reads a batch ahead, so that more is fetched while what it hands out is worked on. Where polls bring up
    to `size` records, 2 `size` wait of each partition at most, and 3 `size` of the one whose turn it is. `done`: the
    share that was handed out.
    """

    def __init__(self, consumer: PartitionReader, spans: Mapping[Source, tuple[int, int]], size: int) -> None:
        """`consumer` reads nothing else meanwhile."""
        self._consumer, self._spans, self._size = consumer, spans, size
        self._waiting: dict[Source, list[RecordBatch]] = {source: [] for source in spans}
        self._next = {source: first for source, (first, _) in spans.items()}
        self._flowing = set(spans)
        self._ended: set[Source] = set()
        self._empty_polls = 0
        consumer.assign(*spans)
        for source, (first, _) in spans.items():
            consumer.seek(source, first)

    @property
    def done(self) -> float:
        """In [0, 1]."""
        total = sum(end - first for first, end in self._spans.values())
        read = sum(self._next[source] - first for source, (first, _) in self._spans.items())
        return read / total if total else 1.0

    def batches(self, source: Source) -> Iterator[RecordBatch]:
        """Those of one partition, in offset order. UnavailableError if Kafka gives no more of them."""
        while True:
            while self._count(source) < self._size and source not in self._ended:
                self._poll(source, _POLL_MS)
            if self._count(source) < 2 * self._size and source not in self._ended:
                # No waiting, what is wanted is here.
                self._poll(source, 0)
            batch = self._take(source)
            if batch is None:
                self._next[source] = self._spans[source][1]
                return
            self._next[source] = batch.offsets[-1] + 1
            yield batch

    def _count(self, source: Source) -> int:
        return sum(len(batch) for batch in self._waiting[source])

    def _take(self, source: Source) -> RecordBatch | None:
        waiting = self._waiting[source]
        if not waiting:
            return None
        whole = join(waiting)
        rest = part(whole, self._size, len(whole))
        self._waiting[source] = [rest] if len(rest) else []
        return whole if not len(rest) else part(whole, 0, self._size)

    def _poll(self, wanted: Source, timeout_ms: int) -> None:
        self._let_flow(wanted)
        before = self._consumer.position(wanted)
        if before >= self._spans[wanted][1]:
            self._ended.add(wanted)
            return
        batches = self._consumer.poll(timeout_ms)
        if batches or self._consumer.position(wanted) > before:
            self._empty_polls = 0
        elif timeout_ms:
            self._empty_polls += 1
        if self._empty_polls == _EMPTY_POLLS:
            end = self._spans[wanted][1]
            raise UnavailableError(f"Kafka gives no more records of {wanted}, which has some up to offset {end}")
        for batch in batches:
            within = bisect_left(batch.offsets, self._spans[batch.source][1])
            if within:
                self._waiting[batch.source].append(batch if within == len(batch) else part(batch, 0, within))

    def _let_flow(self, wanted: Source) -> None:
        """Pause what has enough waiting or is at its end, by its position: markers of transactions have offsets too."""
        for source, (_, end) in self._spans.items():
            flows = source in self._flowing
            if flows and self._consumer.position(source) >= end:
                self._ended.add(source)
            enough = 2 * self._size if source == wanted else self._size
            wants = source not in self._ended and self._count(source) < enough
            if flows and not wants:
                self._consumer.pause(source)
                self._flowing.discard(source)
            elif wants and not flows:
                self._consumer.resume(source)
                self._flowing.add(source)
