"""Faults put into the records of a source on their way to decode, whatever they were made of: rows, events, a topic.

Promises: where the log is cut into batches changes nothing; a record that is hit by nothing keeps its bytes, and its
offset too. Only where events are delayed offsets are counted anew, since they are the order in which records come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from driftgauge.injection.event_row import EventRow, EventShape
from driftgauge.injection.injector import Injector
from driftgauge.injection.traffic import Delayed
from driftgauge.records import RecordBatch, Source


class _Record(NamedTuple):
    """One record of a batch; `key` and `headers` only where the batch has them."""

    offset: int
    timestamp: int
    value: bytes | None
    key: tuple[bytes | None, ...]
    headers: tuple[Sequence[tuple[str, bytes]], ...]


def injected(batches: Iterable[RecordBatch], injector: Injector, shape: EventShape) -> Iterator[RecordBatch]:
    """The batches of one source with the injector's faults in the events that have this shape."""
    held: Delayed[_Record] = Delayed()
    source, offsets = None, None
    for batch in batches:
        if source is None:
            source, offsets = batch.source, count(batch.offsets[0]) if injector.reorders and len(batch) else None
        kept = [one for record in _records(batch) for one in _passing(record, injector, shape, held)]
        if kept:
            yield _batch(source, kept, offsets)
    rest = list(held.due(None))
    if source is not None and rest:
        yield _batch(source, rest, offsets)


def _passing(record: _Record, injector: Injector, shape: EventShape, held: Delayed[_Record]) -> Iterator[_Record]:
    """What comes when it is the record's turn: those that were held back until now, and itself."""
    row = EventRow.of(record.value, shape) if record.value is not None else None
    time = row.time(record.timestamp) if row is not None else None
    if row is None or time is None:
        yield record
        return
    yield from held.due(time)
    later = injector.put_into(row, record.offset, time)
    if later is None:
        return
    if row.changed:
        record = record._replace(value=row.to_json())
    if later:
        held.hold(record, time + later)
    else:
        yield record


def _records(batch: RecordBatch) -> Iterator[_Record]:
    keys = ((key,) for key in batch.keys) if batch.keys else (() for _ in batch.values)
    headers = ((of,) for of in batch.headers) if batch.headers else (() for _ in batch.values)
    for parts in zip(batch.offsets, batch.timestamps, batch.values, keys, headers, strict=True):
        yield _Record(*parts)


def _batch(source: Source, records: Sequence[_Record], offsets: Iterator[int] | None) -> RecordBatch:
    return RecordBatch(
        source,
        [record.offset if offsets is None else next(offsets) for record in records],
        [record.timestamp for record in records],
        [record.value for record in records],
        [key for record in records for key in record.key],
        [headers for record in records for headers in record.headers],
    )
