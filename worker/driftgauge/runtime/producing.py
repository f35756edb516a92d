"""Rows of files to a topic as canonical events: as fast as it goes, so many a second, or as event time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from driftgauge.profiles.profile import category_text
from driftgauge.runtime.clock import Clock
from driftgauge.sinks.base import Publication, Sink
from driftgauge.sources.canonical import canonical_events
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import Chunk, Table

# Rows that are sent between two looks at the clock.
_BURST = 500
_BURST_PACED = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate`: rows a second; `speed`: event time per wall time (60 = an hour a minute). Neither: as fast as it goes."""

    rate: float | None = None
    speed: float | None = None

    def due(self, sent: int, event_time: int, first_event_time: int) -> float:
        """Ms after the start at which row number `sent`, with this event time (ms), is due."""
        if self.rate is not None:
            return sent * 1000 / self.rate
        if self.speed is not None:
            return (event_time - first_event_time) / self.speed
        return 0.0

    @property
    def burst(self) -> int:
        """Rows to send at once."""
        return _BURST if self.rate is None and self.speed is None else _BURST_PACED


def produce(
    tables: Sequence[Table],
    columns: Columns,
    *,
    topic: str,
    model_id: str,
    model_version: str,
    sink: Sink,
    pace: Pace,
    clock: Clock,
    wait: Callable[[float], None],
) -> Iterator[tuple[Table, int, float]]:
    """Send everything, table after table; yields (table, rows sent in all, share of the table read). `wait`: ms."""
    begun, total, first_time = clock.now(), 0, None
    for table in tables:
        for chunk in table.chunks():
            values, times = canonical_events(chunk, columns, model_id=model_id, model_version=model_version)
            keys = _keys(table, chunk, columns)
            first_time = int(times[0]) if first_time is None else first_time
            for start in range(0, len(values), pace.burst):
                stop = min(start + pace.burst, len(values))
                ahead = pace.due(total, int(np.max(times[start:stop])), first_time) - (clock.now() - begun)
                if ahead > 0:
                    wait(ahead)
                sink.publish([Publication(topic, keys[i], values[i]) for i in range(start, stop)])
                total += stop - start
                yield table, total, chunk.done
            # A sink remembers every record until it is confirmed: a chunk's worth of them is enough.
            sink.flush()


def _keys(table: Table, chunk: Chunk, columns: Columns) -> list[bytes]:
    """The prediction's id, by which labels are joined; else file and row, which spreads rows over partitions."""
    if columns.id is not None and chunk.raw is None:
        return [category_text(value).encode() if value is not None else b"" for value in chunk.columns[columns.id]]
    return [f"{table.name}:{chunk.first_row + i}".encode() for i in range(len(chunk))]
