"""Where inputs end. A worker's never do; those of a replay do where they ended at its first start."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from driftgauge.ingest.batches import part
from driftgauge.records import RecordBatch, Source


class Ends:
    """The first offset of each partition that isn't read any more.

    A partition of the same topics that isn't named was added since, and has nothing to read; other topics have no end.
    """

    def __init__(self, ends: Mapping[Source, int]) -> None:
        """Empty: nothing ends."""
        self._ends = ends
        self._topics = {source.topic for source in ends}

    def __bool__(self) -> bool:
        """Whether anything ends."""
        return bool(self._ends)

    def of(self, source: Source) -> int | None:
        """None: it has no end."""
        return self._ends.get(source, 0) if source.topic in self._topics else None

    def within(self, batch: RecordBatch) -> RecordBatch:
        """The records of a batch before the end."""
        end = self.of(batch.source)
        if end is None or not len(batch) or batch.offsets[-1] < end:
            return batch
        return part(batch, 0, bisect_left(batch.offsets, end))


ENDLESS = Ends({})
