"""What a backtest reads: files of rows or events, a configuration's topics, or stored panes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from driftgauge.cli.backtest.plan import Plan
from driftgauge.panes.messages import Message
from driftgauge.records import Source
from driftgauge.replay.judging import Judge, T
from driftgauge.replay.replay import OnReject, ReplayTotals, judge_turns
from driftgauge.replay.span import Span
from driftgauge.replay.turn import ReplaySource, Turn, take_turns


class OnMessages(Protocol):
    """Sees what is judged, in log order. Stored panes are several logs, each with an order of its own: `log` counts."""

    def __call__(self, messages: Sequence[Message], log: int = 0) -> None:
        """Take the next."""


class Place(NamedTuple):
    """Where a record is: for people, and as fields of JSON."""

    text: str
    fields: Mapping[str, Any]


class BacktestInput(Protocol):
    """Opened and ready to be read once, from beginning to end.

    `plan`: what is analysed. `span`: of which time is told. `records`: what its records are called. `warnings`: what is
    to know of it, once it is read.
    """

    @property
    def plan(self) -> Plan:
        """See above."""
        ...

    @property
    def span(self) -> Span:
        """See above."""
        ...

    @property
    def records(self) -> str:
        """See above."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """See above."""
        ...

    @property
    def done(self) -> float:
        """The share that has been read, in [0, 1]."""
        ...

    def place(self, source: Source, offset: int) -> Place:
        """Where a record of it is."""
        ...

    def steps(
        self, totals: ReplayTotals, on_reject: OnReject, on_messages: OnMessages, judge: Judge[T]
    ) -> Iterator[list[T]]:
        """Have it judged: after each batch what was raised. Keeps count in `totals`.

        `on_messages` sees what is judged.
        """
        ...


class Share(NamedTuple):
    """Which of the sources: every `of`-th from number `which` on."""

    which: int = 0
    of: int = 1

    def has(self, number: int) -> bool:
        """Whether the source of that number is one of them."""
        return number % self.of == self.which


ALL = Share()


class EventsInput(ABC):
    """An input that has to be counted; see BacktestInput.

    `names`: its sources; `gating`: those whose panes and watermarks count; `counted`: those of our share, by number.
    """

    plan: Plan
    span: Span
    records: str
    warnings: Sequence[str]
    names: Sequence[Source]
    gating: Sequence[Source]
    counted: Mapping[int, ReplaySource]

    @property
    @abstractmethod
    def done(self) -> float:
        """See BacktestInput."""

    @abstractmethod
    def place(self, source: Source, offset: int) -> Place:
        """See BacktestInput."""

    def turns(self) -> Iterator[Turn]:
        """Count our share."""
        return take_turns(self.counted, self.span)

    def steps(
        self, totals: ReplayTotals, on_reject: OnReject, on_messages: OnMessages, judge: Judge[T]
    ) -> Iterator[list[T]]:
        """See BacktestInput."""
        return judge_turns(self.turns(), self.names, self.gating, judge, totals, on_reject, on_messages)
