"""What is on topics at one moment, to be read from beginning to end as often as needed.

Without a consumer group: no position of the worker's is read or moved. The ends are those of the moment it was made,
so every reading of the same spans gives the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from driftgauge.records import RecordBatch, Source
from driftgauge.sources.kafka_turns import KafkaTurns, PartitionReader

_BATCH = 20_000


class KafkaRange:
    """The records of `topics` (which exist) up to their ends as they are now.

    `bounds`: first offset and end of each partition, in order of topic and partition; `spans`: of those that hold any
    records. UnavailableError if the broker does not answer, or has deleted what was to be read.
    """

    def __init__(self, consumer: PartitionReader, topics: Sequence[str], *, size: int = _BATCH) -> None:
        """Asks for the ends; nothing is read yet. `consumer` is in no group. Batches have `size` records."""
        self._consumer, self._size = consumer, size
        sources = [Source(topic, i) for topic in topics for i in range(consumer.partitions(topic) or 0)]
        ends = consumer.end_offsets(sources)
        self.bounds = {source: (consumer.first_offset(source), ends[source]) for source in sources}
        self.spans = {source: (first, end) for source, (first, end) in self.bounds.items() if first < end}

    def batches(
        self, spans: Mapping[Source, tuple[int, int]], progress: Callable[[float], None] = lambda _done: None
    ) -> Iterator[RecordBatch]:
        """The records of `spans`, each partition in offset order; `progress` gets the share that has been read."""
        total, before = sum(end - first for first, end in spans.values()), 0
        for source, (first, end) in spans.items():
            for batch in KafkaTurns(self._consumer, {source: (first, end)}, self._size).batches(source):
                yield batch
                progress((before + batch.offsets[-1] + 1 - first) / total)
            before += end - first

    def turns(self, spans: Mapping[Source, tuple[int, int]]) -> KafkaTurns:
        """The records of `spans`, to be read side by side."""
        return KafkaTurns(self._consumer, spans, self._size)
