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
from driftgauge.panes.messages import Message, PartialPane, Sources, Watermark
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.span import ALL, Span


@dataclass(slots=True)
class ReplayTotals:
    """What a replay has read so far.

    `events` are those in the `panes` that were judged. `first`, `last`: start and end (ms) of all of these.
    `event_time`: ms that all sources have passed. None before the first pane. `late_of`: late events by source.
    """

    records: int = 0
    events: int = 0
    late: int = 0
    outside_segments: int = 0
    panes: int = 0
    first: int | None = None
    last: int | None = None
    event_time: int | None = None
    late_of: dict[Source, int] = field(default_factory=dict)
    unknown_models: dict[str, int] = field(default_factory=dict)
    reject_codes: dict[str, int] = field(default_factory=dict)

    def count_ingested(self, done: Ingested) -> None:
        """What a batch gave beside its panes."""
        self.late += done.late
        self.outside_segments += done.outside_segments
        for model, count in done.unknown_models.items():
            self.unknown_models[model] = self.unknown_models.get(model, 0) + count
        for _, reject in done.rejects:
            self.reject_codes[reject.code] = self.reject_codes.get(reject.code, 0) + 1

    def count_messages(self, messages: Iterable[Message]) -> None:
        """The time that these panes span, and how many events were late by these watermarks."""
        for message in messages:
            if isinstance(message, Watermark):
                self.late_of[message.source] = message.late
            elif isinstance(message, PartialPane) and message.profile != NO_PROFILE:
                self.first = message.start if self.first is None else min(self.first, message.start)
                self.last = message.end if self.last is None else max(self.last, message.end)

    def judge(self, stage: DetectStage, messages: Sequence[Message]) -> list[Raised]:
        """Have these judged, and count what closed."""
        panes, events = stage.panes_closed, stage.events_closed
        raised = stage.process(messages)
        self.panes += stage.panes_closed - panes
        self.events += stage.events_closed - events
        return raised


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """A source's ingest and its records. `gating`: whether its panes and watermarks count, as live."""

    ingest: SourceIngest
    batches: Iterable[RecordBatch]
    gating: bool = True


def replay(
    sources: Sequence[ReplaySource],
    stage: DetectStage,
    totals: ReplayTotals,
    on_reject: Callable[[RecordBatch, Reject], None] = lambda _batch, _reject: None,
    *,
    span: Span = ALL,
    on_messages: Callable[[Sequence[Message]], None] = lambda _messages: None,
) -> Iterator[list[Raised]]:
    """Run everything; yields after each batch what it raised (often nothing), so that the caller shows progress.

    A source is read until its watermark has passed the end of `span`, or to its end. `on_messages` gets what is judged,
    in order: what the panes topic would hold.
    """
    gating: list[Message] = [Sources(tuple(entry.ingest.source for entry in sources if entry.gating))]
    on_messages(gating)
    stage.process(gating)
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
            if ingest.watermark < span.end:
                heapq.heappush(queue, (ingest.watermark, i))
        totals.count_ingested(done)
        for where, reject in done.rejects:
            on_reject(where, reject)
        messages = span.judged(done.messages) if sources[i].gating else []
        on_messages(messages)
        totals.count_messages(messages)
        raised = totals.judge(stage, messages)
        if (low := stage.merge.low_watermark) is not None and (batch is not None or totals.event_time is None):
            totals.event_time = low
        yield raised
