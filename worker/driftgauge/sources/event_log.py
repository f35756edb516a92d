"""The events of one model version in a log that can be read again: what ingest would take, without a profile.

What is no event is left out, and so is what has a time far ahead of all around it; and a part of an event (features,
prediction) counts only on the topic that it would be counted from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from driftgauge.decode.envelope import EventType
from driftgauge.decode.event_times import event_times
from driftgauge.decode.unprofiled_event import UnprofiledEvent, read_event
from driftgauge.ingest.batches import concatenate, select
from driftgauge.ingest.watermark import EventTime
from driftgauge.profiles.pane_length import SUGGESTED_PANES
from driftgauge.records import RecordBatch, Source
from driftgauge.subject import Subject

Spans = Mapping[Source, tuple[int, int]]

_NAMES_KEPT = 100


class EventLog(Protocol):
    """Records that can be read again, the same each time; `spans` has the first and end offset of every source."""

    @property
    def spans(self) -> Spans:
        """All there is."""
        ...

    def batches(self, spans: Spans, progress: Callable[[float], None]) -> Iterator[RecordBatch]:
        """Source after source, in offset order; `progress` gets the share read."""
        ...


@dataclass(frozen=True, slots=True)
class EventTopic:
    """How a topic's records are read, and which parts of the model's events are counted from it."""

    kind: EventType
    default_model_id: str | None
    features: bool
    prediction: bool


@dataclass(frozen=True, slots=True)
class EventChoice:
    """Which events: those of `subject` at `start` <= event time < `end` (ms; None: no bound).

    `lone`: events that name no version are of it. `out_of_orderness` ms. Longer records than `max_bytes` are no events.
    """

    subject: Subject
    lone: bool
    out_of_orderness: int
    max_bytes: int
    start: int | None = None
    end: int | None = None

    def takes(self, time: int) -> bool:
        """Whether the time lies within."""
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)


class Row(NamedTuple):
    """What of an event counts. `features`, `output` (bare, or an object of label and score): None if not there."""

    offset: int
    time: int
    features: Mapping[str, Any] | None
    has_prediction: bool
    output: Any
    actual: Any


@dataclass(slots=True)
class LeftOut:
    """How many records gave no row: no event, too far ahead in time, or of another model (a hundred of their names)."""

    unread: int = 0
    in_future: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def other(self, event: UnprofiledEvent) -> None:
        """Count an event of another model version."""
        name = f"{event.model_id}/{event.versions[0]}" if event.versions else event.model_id
        if name in self.others or len(self.others) < _NAMES_KEPT:
            self.others[name] += 1


def rows_of(
    batches: Iterable[RecordBatch], topics: Mapping[str, EventTopic], choice: EventChoice, left_out: LeftOut
) -> Iterator[tuple[Source, list[Row]]]:
    """The chosen rows, a piece of a source at a time, in offset order."""
    held: RecordBatch | None = None
    reading: Source | None = None
    clock = _clock(choice)
    for piece in batches:
        if piece.source != reading:
            left_out.in_future += len(held) if held is not None else 0
            reading, held, clock = piece.source, None, _clock(choice)
        batch = concatenate(held, piece) if held is not None else piece
        events, times = _read(batch, topics[batch.source.topic], choice)
        rows = list(events)
        accepted = np.zeros(len(batch), np.bool_)
        accepted[rows] = True
        admission = clock.admit(times, accepted)
        held = select(batch, admission.held) if admission.held else None
        left_out.in_future += len(admission.refused)
        left_out.unread += len(batch) - len(rows)
        taken = {row: events[row] for row in admission.taken.tolist()}
        yield batch.source, list(_rows(batch, taken, times, topics[batch.source.topic], choice, left_out))
    left_out.in_future += len(held) if held is not None else 0


def rows_at(
    batches: Iterable[RecordBatch], topics: Mapping[str, EventTopic], choice: EventChoice, kept: Mapping[Source, Any]
) -> Iterator[tuple[Source, list[Row]]]:
    """The rows at offsets that `rows_of` has told before; `kept` has a set of them by source."""
    for piece in batches:
        offsets = kept[piece.source]
        batch = select(piece, [i for i, offset in enumerate(piece.offsets) if offset in offsets])
        events, times = _read(batch, topics[batch.source.topic], choice)
        yield batch.source, list(_rows(batch, events, times, topics[batch.source.topic], choice, LeftOut()))


def _clock(choice: EventChoice) -> EventTime:
    # How long panes will be is not known yet: with the longest, the fewest events are taken for too far ahead.
    return EventTime.of(choice.out_of_orderness, SUGGESTED_PANES[-1])


def _read(
    batch: RecordBatch, topic: EventTopic, choice: EventChoice
) -> tuple[dict[int, UnprofiledEvent], NDArray[np.int64]]:
    """The events by row, and int64 [n] times (ms) of all rows; 0 where there is no event."""
    read = [
        read_event(value, default_model_id=topic.default_model_id, default_kind=topic.kind, max_bytes=choice.max_bytes)
        for value in batch.values
    ]
    rows = [row for row, event in enumerate(read) if event is not None]
    events = [event for event in read if event is not None]
    found, wrong = event_times([event.timestamp for event in events], [batch.timestamps[row] for row in rows])
    times = np.zeros(len(batch), np.int64)
    times[rows] = found
    return {row: event for i, (row, event) in enumerate(zip(rows, events, strict=True)) if i not in wrong}, times


def _rows(
    batch: RecordBatch,
    events: Mapping[int, UnprofiledEvent],
    times: NDArray[np.int64],
    topic: EventTopic,
    choice: EventChoice,
    left_out: LeftOut,
) -> Iterator[Row]:
    for row, event in events.items():
        if not event.is_of(choice.subject, lone=choice.lone):
            left_out.other(event)
            continue
        features = event.features if topic.features else None
        has_prediction = topic.prediction and event.prediction is not UNSET
        counts = event.kind != "label" and (features is not None or has_prediction)
        if counts and choice.takes(int(times[row])):
            output = event.prediction if has_prediction else None
            actual = event.actual if event.actual is not UNSET else None
            yield Row(batch.offsets[row], int(times[row]), features, has_prediction, output, actual)
