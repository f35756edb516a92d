"""Batches of records cut up and put together: what is held back is brought again in front of what follows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from driftgauge.records import RecordBatch


def concatenate(first: RecordBatch, second: RecordBatch) -> RecordBatch:
    """Two batches of the same source as one."""
    return RecordBatch(
        first.source,
        [*first.offsets, *second.offsets],
        [*first.timestamps, *second.timestamps],
        [*first.values, *second.values],
        [*first.keys, *second.keys],
        [*first.headers, *second.headers],
    )


def join(batches: Sequence[RecordBatch]) -> RecordBatch:
    """Consecutive batches of one source, at least one, as one."""
    return batches[0] if len(batches) == 1 else reduce(concatenate, batches)


def part(batch: RecordBatch, first: int, end: int) -> RecordBatch:
    """The rows from `first` up to `end`."""
    rows = slice(first, end)
    return RecordBatch(
        batch.source,
        batch.offsets[rows],
        batch.timestamps[rows],
        batch.values[rows],
        batch.keys[rows],
        batch.headers[rows],
    )


def select(batch: RecordBatch, rows: Sequence[int]) -> RecordBatch:
    """Some rows of a batch."""
    return RecordBatch(
        batch.source,
        [batch.offsets[i] for i in rows],
        [batch.timestamps[i] for i in rows],
        [batch.values[i] for i in rows],
        [batch.keys[i] for i in rows] if batch.keys else (),
        [batch.headers[i] for i in rows] if batch.headers else (),
    )
