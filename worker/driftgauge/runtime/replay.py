"""Replay: bounded sources through the same two stages as live, in one process and without topics.

The source that is furthest behind in event time reads next, so that memory stays flat however many files there are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.decode.columns import Reject
from driftgauge.ingest.source import Ingested, SourceIngest
from driftgauge.panes.messages import PartialPane, Sources
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.records import RecordBatch


@dataclass(slots=True)
class ReplayTotals:
    """What a replay has read so far.

    `first`, `last`: start and end (ms) of all that was counted. `event_time`: ms that all sources have passed. None
    before the first pane.
    """

    records: int = 0
    events: int = 0
    late: int = 0
    outside_segments: int = 0
    panes: int = 0
    first: int | None = None
    last: int | None = None
    event_time: int | None = None
    unknown_models: dict[str, int] = field(default_factory=dict)
    reject_codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """A source's ingest and its records."""

    ingest: SourceIngest
    batches: Iterable[RecordBatch]


def replay(
    sources: Sequence[ReplaySource],
    stage: DetectStage,
    totals: ReplayTotals,
    on_reject: Callable[[RecordBatch, Reject], None] = lambda _batch, _reject: None,
) -> Iterator[list[Raised]]:
    """Run everything; yields after each batch what it raised (often nothing), so that the caller shows progress."""
    stage.process([Sources(tuple(entry.ingest.source for entry in sources))])
    readers = [iter(entry.batches) for entry in sources]
    queue = [(entry.ingest.watermark, i) for i, entry in enumerate(sources)]
    heapq.heapify(queue)
    while queue:
        _, i = heapq.heappop(queue)
        ingest = sources[i].ingest
        batch = next(readers[i], None)
        done = ingest.finish() if batch is None else ingest.process(batch)
        if batch is not None:
            totals.records += len(batch)
            heapq.heappush(queue, (ingest.watermark, i))
        _count(totals, done)
        for where, reject in done.rejects:
            on_reject(where, reject)
        closed = stage.panes_closed
        raised = stage.process(done.messages)
        totals.panes += stage.panes_closed - closed
        if (low := stage.merge.low_watermark) is not None and (batch is not None or totals.event_time is None):
            totals.event_time = low
        yield raised


def _count(totals: ReplayTotals, done: Ingested) -> None:
    totals.events += done.events
    totals.late += done.late
    totals.outside_segments += done.outside_segments
    for message in done.messages:
        if isinstance(message, PartialPane) and message.profile != NO_PROFILE:
            totals.first = message.start if totals.first is None else min(totals.first, message.start)
            totals.last = message.end if totals.last is None else max(totals.last, message.end)
    for model, count in done.unknown_models.items():
        totals.unknown_models[model] = totals.unknown_models.get(model, 0) + count
    for _, reject in done.rejects:
        totals.reject_codes[reject.code] = totals.reject_codes.get(reject.code, 0) + 1
