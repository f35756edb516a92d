"""What a replay told held against what workers told: the same events, those of one side only, and what may be why.

Live and replay are equal where no event was late and no partition was declared idle by the wall clock. Both stand in
the watermark records of the panes topic, so a difference can be told with its likely reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.messages import END_OF_TIME, Watermark
from driftgauge.records import Source
from driftgauge.timestamps import parse_timestamp

_ANY_RUN = Run(mode="live", run_id="")


class Reason(StrEnum):
    """Why one side tells of it and the other doesn't, as likely as it can be known."""

    OTHER_CONFIGURATION = "other_configuration"
    RETENTION = "retention"
    WALL_CLOCK = "wall_clock"
    NOT_YET = "not_yet"
    LATE_EVENTS = "late_events"
    IDLE_DECISION = "idle_decision"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class SourceHistory:
    """What a source's watermarks said live: the last one (ms), late events, and how often it was declared idle.

    `idle_to`: the last watermark that was raised so; `late_from`: the one at which late events were first told.
    """

    watermark: int = MIN_TIME
    late: int = 0
    late_from: int | None = None
    idle: int = 0
    idle_to: int | None = None

    def take(self, told: Watermark) -> None:
        """The next record. One that was told before, as after a crash, changes nothing."""
        if told.late > self.late:
            self.late = told.late
            self.late_from = told.time if self.late_from is None else self.late_from
        if told.time > self.watermark:
            self.watermark = told.time
            if told.idle:
                self.idle += 1
                self.idle_to = told.time


class SourceDifference(NamedTuple):
    """A source of which live took more events for late than the replay (`late_here`), or declared it idle."""

    source: Source
    live: SourceHistory
    late_here: int


class Difference(NamedTuple):
    """An event that one side told only."""

    event: AlertEvent
    reason: Reason


@dataclass(slots=True)
class Published:
    """What workers have published: alert events by id, and the history of each source.

    `cut`: older records of the alerts topic are gone; `unread`: how many of its records are no alert events.
    """

    events: dict[str, AlertEvent] = field(default_factory=dict)
    sources: dict[Source, SourceHistory] = field(default_factory=dict)
    cut: bool = False
    unread: int = 0

    def take_watermark(self, told: Watermark, until: int) -> None:
        """The next watermark record in log order; of a source that had passed `until` (ms) nothing more is taken."""
        history = self.sources.setdefault(told.source, SourceHistory())
        if history.watermark < until:
            history.take(told)

    @property
    def low(self) -> int:
        """Ms up to which panes have been judged, END_OF_TIME if nothing is known of it."""
        return min((history.watermark for history in self.sources.values()), default=END_OF_TIME)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`same`: told by both with the same content; `other_figures`: the same id with another content, as here."""

    same: int
    other_figures: list[AlertEvent]
    only_live: list[Difference]
    only_here: list[Difference]
    sources: list[SourceDifference]
    unread: int


def compare(
    published: Published, here: Iterable[AlertEvent], *, run_id: str, late_here: Mapping[Source, int], last: int
) -> Comparison:
    """Hold the events of both against each other. `last`: end (ms) of the last pane counted here."""
    own = {event.event_id: event for event in here}
    histories = sorted(published.sources.items())
    late = any(history.late > late_here.get(source, 0) for source, history in histories)
    first = min((_at(event) for event in published.events.values()), default=END_OF_TIME)

    def likely(event: AlertEvent) -> Reason:
        if late:
            return Reason.LATE_EVENTS
        # Late events are told with the source's next watermark, which may not have come yet.
        idle = any(history.idle_to is not None and history.idle_to >= _at(event) for _, history in histories)
        return Reason.IDLE_DECISION if idle else Reason.UNKNOWN

    def why_live(event: AlertEvent) -> Reason:
        if event.run.run_id != run_id:
            return Reason.OTHER_CONFIGURATION
        if _at(event) > last:
            return Reason.WALL_CLOCK
        return likely(event)

    def why_here(event: AlertEvent) -> Reason:
        if published.cut and _at(event) < first:
            return Reason.RETENTION
        if _at(event) > published.low:
            return Reason.NOT_YET
        return likely(event)

    both = [(event, published.events[key]) for key, event in own.items() if key in published.events]
    other = [event for event, told in both if _content(event) != _content(told)]
    only_live = [Difference(event, why_live(event)) for key, event in published.events.items() if key not in own]
    only_here = [Difference(event, why_here(event)) for key, event in own.items() if key not in published.events]
    differs = bool(other or only_live or only_here)
    sources = [
        SourceDifference(source, history, late_here.get(source, 0))
        for source, history in histories
        if history.late > late_here.get(source, 0) or (differs and history.idle)
    ]
    return Comparison(len(both) - len(other), other, only_live, only_here, sources, published.unread)


def _at(event: AlertEvent) -> int:
    return parse_timestamp(event.updatedAt)


def _content(event: AlertEvent) -> bytes:
    """As published, without what tells live from backtest."""
    return event.model_copy(update={"run": _ANY_RUN}).to_json()
