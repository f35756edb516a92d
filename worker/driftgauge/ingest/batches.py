"""Batches of records cut up and put together: what is held back is brought again in front of what follows."""

from __future__ import annotations

from collections.abc import Sequence

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
