"""What a worker does with an assigned partition: ingest an input partition, or detect on a panes partition.

A task turns batches into publications and knows its position and state; loading, saving and publishing are the
worker's. Both kinds look the same to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.alerts.trimming import json_within
from driftgauge.dead_letter import headers_of
from driftgauge.decode.columns import Reject
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.ingest.source import Ingested, SourceIngest
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.codec import decode_message, encode_message, panes_partition
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, ProfileChange
from driftgauge.profiles.layout import Layout
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.dead_letter_limits import NO_LIMITS, Limits, RejectCounts
from driftgauge.sinks.base import Publication

_REASON_CHARACTERS = 200


@dataclass(slots=True)
class Counters:
    """What a task did since the last log line."""

    records: int = 0
    events: int = 0
    rejected: int = 0
    late: int = 0
    unknown_model: int = 0
    unknown_beyond_limit: int = 0
    event_alarms: int = 0
    outside_segments: int = 0
    panes: int = 0
    alerts: int = 0
    duplicates: int = 0
    foreign: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def take(self) -> dict[str, Any]:
        """The counters that aren't zero, and start again."""
        counted = {name: value for name, value in asdict(self).items() if value}
        for entry in fields(self):
            setattr(self, entry.name, {} if entry.name == "reasons" else 0)
        return counted

    def reject(self, reason: str) -> None:
        """Count a rejected record."""
        self.rejected += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


class Task(Protocol):
    """An assigned partition at work. `position`: the offset a restart reads on from."""

    counters: Counters

    @property
    def position(self) -> int:
        """The first offset that is not settled yet."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing can come any more: its input has ended, or all inputs have."""
        ...

    def process(self, batch: RecordBatch) -> list[Publication]:
        """Take the next records; what to publish, in order."""
        ...

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete."""
        ...

    def restore(self, fields: Mapping[str, bytes]) -> list[Publication]:
        """Go on from stored fields; what has to be published again."""
        ...

    def start_at(self, position: int, *, cut: bool) -> None:
        """Read on from there, whatever the state says. `cut`: records in between will never be read."""
        ...


class IngestTask:
    """An input partition. `gating`: whether its panes and watermarks count (label topics' don't)."""

    def __init__(self, ingest: SourceIngest, topics: PanesTopics, *, gating: bool) -> None:
        """Around a fresh ingest."""
        self.ingest = ingest
        self.gating = gating
        self.counters = Counters()
        self._topics = topics
        self._rejects = RejectCounts(ingest.source, topics.dead_letter_limits)

    @property
    def position(self) -> int:
        """See Task."""
        return self.ingest.position

    @property
    def finished(self) -> bool:
        """See Task."""
        return self.ingest.watermark == END_OF_TIME

    def process(self, batch: RecordBatch) -> list[Publication]:
        """See Task. DeadLetterLimitError before anything of the batch is published."""
        done = self.ingest.process(batch)
        rejects = [(of.offsets[reject.row], reject.code) for of, reject in done.rejects]
        # What is held back is not settled yet.
        settled = batch.offsets if self.ingest.position > batch.offsets[-1] else self._settled(batch)
        self._rejects.take(settled, rejects)
        self.counters.records += len(batch)
        return self._publications(done)

    def raise_watermark(self, time: int) -> list[Publication]:
        """Carry out an idle decision that has been saved."""
        return self._publications(self.ingest.raise_watermark(time))

    def finish(self) -> list[Publication]:
        """The input has ended. Follows from the log and its end, so it is repeated where it wasn't saved."""
        return self._publications(self.ingest.finish())

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """See Task. A decision that was saved before is part of the state by now."""
        rejects = self._rejects.dump()
        if rejects is None:
            return {"ingest": snapshot(self.ingest)}, ["decision", "dead_letters"]
        return {"ingest": snapshot(self.ingest), "dead_letters": rejects}, ["decision"]

    def decision(self, time: int) -> dict[str, bytes]:
        """State fields that record a decision *before* it is carried out: the state without it, and the decision."""
        return {"ingest": snapshot(self.ingest), "decision": str(time).encode()}

    def restore(self, fields: Mapping[str, bytes]) -> list[Publication]:
        """See Task: a saved decision is carried out (again), the watermark told again."""
        if "ingest" not in fields:
            raise StateError(f"the stored state of {self.ingest.source} has no ingest part")
        restore(self.ingest, fields["ingest"])
        if "dead_letters" in fields:
            self._rejects.load(fields["dead_letters"])
        out = self.raise_watermark(_time(fields["decision"])) if "decision" in fields else []
        if self.ingest.watermark != MIN_TIME and not out:
            out = self._messages([self.ingest.announcement()])
        return out

    def _settled(self, batch: RecordBatch) -> list[int]:
        return [offset for offset in batch.offsets if offset < self.ingest.position]

    def start_at(self, position: int, *, cut: bool) -> None:
        """See Task: what is open then is incomplete."""
        self.ingest.move_to(position, cut=cut)

    def _publications(self, done: Ingested) -> list[Publication]:
        self.counters.events += done.events
        self.counters.late += done.late
        self.counters.unknown_model += sum(done.unknown_models.values())
        self.counters.unknown_beyond_limit += done.beyond_limit
        self.counters.event_alarms += done.alarms
        self.counters.outside_segments += done.outside_segments
        for _, reject in done.rejects:
            self.counters.reject(reject.code)
        letters = [self._topics.dead_letter(batch, reject) for batch, reject in done.rejects]
        return letters + self._messages(done.messages)

    def _messages(self, messages: Sequence[Message]) -> list[Publication]:
        if not self.gating:
            return []
        self.counters.panes += sum(isinstance(message, PartialPane) for message in messages)
        return [record for message in messages for record in self._topics.records(message)]


@dataclass(frozen=True, slots=True)
class PanesTopics:
    """Where ingest writes: the panes topic, its partition count and layouts, and the dead letters."""

    panes: str
    partitions: int
    dead_letters: str
    layouts: Mapping[str, Layout]
    max_dead_letter_bytes: int
    dead_letter_limits: Limits = NO_LIMITS

    def records(self, message: Message) -> list[Publication]:
        """What is of a model goes to its partition, everything else to all of them."""
        value = encode_message(message, self.layouts)
        if isinstance(message, PartialPane | ProfileChange):
            model = message.subject.model_id if isinstance(message, PartialPane) else message.model_id
            return [Publication(self.panes, model.encode(), value, panes_partition(model, self.partitions))]
        return [Publication(self.panes, None, value, partition) for partition in range(self.partitions)]

    def dead_letter(self, batch: RecordBatch, reject: Reject) -> Publication:
        """The record as it came, with why and from where in the headers."""
        row = reject.row
        value = batch.values[row]
        limit = self.max_dead_letter_bytes
        cut = value is not None and len(value) > limit
        headers = headers_of(
            code=reject.code,
            message=reject.message,
            source=batch.source,
            offset=batch.offsets[row],
            timestamp=batch.timestamps[row],
            original_size=len(value) if value is not None and cut else None,
        )
        kept = value[:limit] if value is not None else None
        key = batch.keys[row] if len(batch.keys) else None
        return Publication(self.dead_letters, key, kept, None, headers)


class DetectTask:
    """A panes partition. `render` dresses a transition up as an alert event, which is trimmed to `max_alert_bytes`."""

    def __init__(
        self,
        source: Source,
        stage: DetectStage,
        layouts: Mapping[str, Layout],
        alerts_topic: str,
        render: Callable[[Raised], AlertEvent],
        max_alert_bytes: int,
    ) -> None:
        """Around a fresh stage."""
        self.stage = stage
        self.counters = Counters()
        self._source = source
        self._layouts = layouts
        self._alerts_topic = alerts_topic
        self._render = render
        self._max_alert_bytes = max_alert_bytes
        self._position = 0

    @property
    def position(self) -> int:
        """See Task."""
        return self._position

    @property
    def finished(self) -> bool:
        """See Task. Every source tells its end after its last pane, so nothing is left to read either."""
        return self.stage.merge.low_watermark == END_OF_TIME

    def process(self, batch: RecordBatch) -> list[Publication]:
        """See Task. A record of the panes topic that can't be read is counted: it isn't ours, or of another profile."""
        messages: list[Message] = []
        for value in batch.values:
            try:
                messages.append(decode_message(value or b"", self._layouts))
            except StateError as error:
                self.counters.reject(str(error)[:_REASON_CHARACTERS])
        self.counters.records += len(batch)
        duplicates, closed, foreign = self.stage.merge.duplicates, self.stage.panes_closed, self.stage.foreign
        raised = self.stage.process(messages)
        self._position = batch.offsets[-1] + 1
        self.counters.duplicates += self.stage.merge.duplicates - duplicates
        self.counters.foreign += self.stage.foreign - foreign
        self.counters.panes += self.stage.panes_closed - closed
        self.counters.alerts += len(raised)
        return [self._publication(self._render(item)) for item in raised]

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """See Task."""
        return self.stage.changes()

    def restore(self, fields: Mapping[str, bytes]) -> list[Publication]:
        """See Task."""
        return [self._publication(self._render(item)) for item in self.stage.restore(fields)]

    def start_at(self, position: int, *, cut: bool) -> None:
        """See Task: what is open then is incomplete."""
        self._position = position
        for pane in self.stage.merge.open.values():
            pane.incomplete |= cut

    def _publication(self, event: AlertEvent) -> Publication:
        headers = [("event_id", event.event_id.encode()), ("content-type", b"application/json")]
        value = json_within(event, self._max_alert_bytes)
        return Publication(self._alerts_topic, event.fingerprint.encode(), value, None, headers)


def _time(data: bytes) -> int:
    try:
        time = int(data)
    except ValueError as error:
        raise StateError("a stored idle decision names no time") from error
    if not MIN_TIME <= time <= END_OF_TIME:
        raise StateError("a stored idle decision names a time that is none")
    return time
