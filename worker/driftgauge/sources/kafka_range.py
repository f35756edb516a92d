"""What is on topics at one moment, to be read from beginning to end as often as needed.

Without a consumer group: no position of the worker's is read or moved. The ends are those of the moment it was made,
so every reading of the same spans gives the same records.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from driftgauge.errors import UnavailableError
from driftgauge.ingest.batches import select
from driftgauge.records import RecordBatch, Source
from driftgauge.sources.kafka import KafkaSource

_POLL_MS = 1000
# A broker that is there answers within a poll or two.
_EMPTY_POLLS = 30


class KafkaRange:
    """The records of `topics` (which exist) up to their ends as they are now.

    `spans`: first offset and end of each partition that holds any, in order of topic and partition. UnavailableError
    if the broker does not answer, or has deleted what was to be read.
    """

    def __init__(self, consumer: KafkaSource, topics: Sequence[str]) -> None:
        """Asks for the ends; nothing is read yet. `consumer` is in no group."""
        self._consumer = consumer
        sources = [Source(topic, i) for topic in topics for i in range(consumer.partitions(topic) or 0)]
        ends = consumer.end_offsets(sources)
        firsts = {source: consumer.first_offset(source) for source in sources}
        self.spans = {source: (firsts[source], ends[source]) for source in sources if firsts[source] < ends[source]}

    def batches(
        self, spans: Mapping[Source, tuple[int, int]], progress: Callable[[float], None] = lambda _done: None
    ) -> Iterator[RecordBatch]:
        """The records of `spans`, each partition in offset order; `progress` gets the share that has been read."""
        total, before = sum(end - first for first, end in spans.values()), 0
        for source, (first, end) in spans.items():
            for batch in self._partition(source, first, end):
                yield batch
                progress((before + batch.offsets[-1] + 1 - first) / total)
            before += end - first

    def _partition(self, source: Source, first: int, end: int) -> Iterator[RecordBatch]:
        self._consumer.assign(source)
        self._consumer.seek(source, first)
        empty = 0
        # By the position, not the last record's offset: what ends transactions has an offset and is no record.
        while self._consumer.position(source) < end:
            batches = self._consumer.poll(_POLL_MS)
            empty = 0 if batches else empty + 1
            if empty == _EMPTY_POLLS:
                raise UnavailableError(f"Kafka gives no more records of {source}, which has some up to offset {end}")
            for batch in batches:
                within = bisect_left(batch.offsets, end)
                if within:
                    yield batch if within == len(batch) else select(batch, range(within))
