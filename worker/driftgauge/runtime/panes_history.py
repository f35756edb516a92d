"""How far each source has been told of on the panes topic: where a lost ingest state is counted anew from.

A source's last watermark record says that all its panes up to some time are there before it, and from which offset on
the others can be counted. It goes to every panes partition; what counts is the one that all of them have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from driftgauge.panes.codec import decode_message, is_watermark
from driftgauge.panes.messages import END_OF_TIME, Watermark
from driftgauge.records import RecordBatch, Source

_FIRST_LOOK = 2_000
_POLL_MS = 500


class LogReader(Protocol):
    """Reads any partition from any offset; `sources.kafka.KafkaSource` without a group is one."""

    def assign(self, source: Source) -> None:
        """Read this one from now on."""
        ...

    def seek(self, source: Source, position: int) -> None:
        """From there."""
        ...

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Next records."""
        ...

    def position(self, source: Source) -> int:
        """The offset that is read next."""
        ...

    def first_offset(self, source: Source) -> int:
        """The oldest one there."""
        ...

    def end_offsets(self, sources: Collection[Source]) -> dict[Source, int]:
        """The one that the next record of each gets."""
        ...

    def close(self) -> None:
        """Read no more."""
        ...


@dataclass(slots=True)
class _Tail:
    """What has been read of a partition: from `start` up to its `end`, with the last watermark of each source in it."""

    start: int
    end: int
    last: dict[Source, Watermark] = field(default_factory=dict)


class PanesHistory:
    """The panes topic, read backwards as far as need be."""

    def __init__(self, reader: Callable[[], LogReader], partitions: Sequence[Source]) -> None:
        """`reader` is asked for on first use; `partitions`: all of the panes topic."""
        self._make, self._partitions = reader, partitions
        self._reader: LogReader | None = None
        self._tails: dict[Source, _Tail] = {}

    def last_watermark(self, source: Source) -> Watermark | None:
        """The newest one that all partitions have; None if some have none. UnavailableError if Kafka doesn't answer."""
        lasts = [self._last(partition, source) for partition in self._partitions]
        found = [last for last in lasts if last is not None and last.time != END_OF_TIME]
        if len(found) < len(lasts):
            return None
        return min(found, key=lambda last: (last.time, last.resume_offset))

    def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._reader is not None:
            self._reader.close()

    def _last(self, partition: Source, source: Source) -> Watermark | None:
        reader = self._reader = self._reader or self._make()
        first, end = reader.first_offset(partition), reader.end_offsets([partition])[partition]
        tail = self._tails.get(partition)
        if tail is None or tail.end != end:
            tail = self._tails[partition] = _Tail(end, end)
        look = _FIRST_LOOK
        while source not in tail.last and tail.start > first:
            start = max(first, tail.start - look)
            older = _watermarks(reader, partition, start, tail.start)
            tail.start, tail.last = start, older | tail.last
            look *= 4
        return tail.last.get(source)


def _watermarks(reader: LogReader, partition: Source, start: int, end: int) -> dict[Source, Watermark]:
    """The last watermark of each source among the records from `start` up to `end`."""
    reader.assign(partition)
    reader.seek(partition, start)
    last: dict[Source, Watermark] = {}
    while reader.position(partition) < end:
        for batch in reader.poll(_POLL_MS):
            for offset, value in zip(batch.offsets, batch.values, strict=True):
                if offset < end and is_watermark(value):
                    message = decode_message(value or b"", {})
                    if isinstance(message, Watermark):
                        last[message.source] = message
    return last
