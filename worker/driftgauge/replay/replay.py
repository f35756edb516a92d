"""Replay: bounded sources through the same two stages as live, without topics, and in one process if need be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources, Watermark
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.records import Source
from driftgauge.replay.judging import Judge, OneStage, Step, T
from driftgauge.replay.span import ALL, Span
from driftgauge.replay.turn import Rejected, ReplaySource, Turn, take_turns

OnReject = Callable[[Source, Rejected], None]


@dataclass(slots=True)
class ReplayTotals:
    """What a replay has read so far.

    `events` are those in the `panes` that were judged. `first`, `last`: start and end (ms) of all of these.
    `event_time`: ms that all sources have passed. None before the first pane. `late_of`: late events by source. `left`:
    panes that are open now; `never_closed`: those of logs that have ended.
    """

    records: int = 0
    events: int = 0
    late: int = 0
    outside_segments: int = 0
    panes: int = 0
    first: int | None = None
    last: int | None = None
    event_time: int | None = None
    left: int = 0
    never_closed: int = 0
    late_of: dict[Source, int] = field(default_factory=dict)
    unknown_models: dict[str, int] = field(default_factory=dict)
    reject_codes: dict[str, int] = field(default_factory=dict)

    def count_turn(self, turn: Turn) -> None:
        """What a turn gave beside its panes."""
        self.records += turn.records
        self.late += turn.late
        self.outside_segments += turn.outside_segments
        for counted, of in ((self.unknown_models, turn.unknown_models), (self.reject_codes, turn.reject_codes)):
            for name, count in of.items():
                counted[name] = counted.get(name, 0) + count

    def count_messages(self, messages: Iterable[Message], reached: PaneMerge) -> None:
        """The time that these panes span, how many events were late by these watermarks, and the time they have passed.

        `reached`: of the log that they are of; it takes all of them but the panes.
        """
        for message in messages:
            if not isinstance(message, PartialPane):
                reached.take(message)
            if isinstance(message, Watermark):
                self.late_of[message.source] = message.late
            elif isinstance(message, PartialPane) and message.profile != NO_PROFILE:
                self.first = message.start if self.first is None else min(self.first, message.start)
                self.last = message.end if self.last is None else max(self.last, message.end)
        low = reached.low_watermark
        # The end of a source is no time that is shown, unless nothing else is known.
        if low is not None and (low != END_OF_TIME or self.event_time is None):
            self.event_time = low

    def steps(self, steps: Iterable[Step[T]]) -> Iterator[list[T]]:
        """What was raised, with what closed counted; once at least, so that progress is shown."""
        raised: list[T] = []
        for step in steps:
            self.panes += step.panes
            self.events += step.events
            self.left = step.left
            raised += step.raised
        yield raised


def replay(
    sources: Sequence[ReplaySource],
    stage: DetectStage,
    totals: ReplayTotals,
    *,
    span: Span = ALL,
    on_messages: Callable[[Sequence[Message]], None] = lambda _messages: None,
) -> Iterator[list[Raised]]:
    """Count and judge everything in this process; see `judge_turns`."""
    names = [entry.ingest.source for entry in sources]
    gating = [entry.ingest.source for entry in sources if entry.gating]
    turns = take_turns(dict(enumerate(sources)), span)
    return judge_turns(turns, names, gating, OneStage(lambda: stage), totals, on_messages=on_messages)


def judge_turns(
    turns: Iterable[Turn],
    sources: Sequence[Source],
    gating: Sequence[Source],
    judge: Judge[T],
    totals: ReplayTotals,
    on_reject: OnReject = lambda _source, _rejected: None,
    on_messages: Callable[[Sequence[Message]], None] = lambda _messages: None,
) -> Iterator[list[T]]:
    """Have the turns of `sources` judged; yields after each what was raised (often nothing), to show progress.

    `gating`: those whose panes and watermarks count. `on_messages` gets what is judged, in order: what the panes topic
    would hold.
    """
    announced: list[Message] = [Sources(tuple(gating))]
    on_messages(announced)
    judge.begin()
    reached = PaneMerge(sources=tuple(gating))
    yield from totals.steps(judge.take(announced))
    for turn in turns:
        totals.count_turn(turn)
        for rejected in turn.rejected:
            on_reject(sources[turn.number], rejected)
        on_messages(turn.messages)
        totals.count_messages(turn.messages, reached)
        yield from totals.steps(judge.take(turn.messages))
    yield from totals.steps(judge.finish())
