"""What a backtest reads: files of rows or events, a configuration's topics, or stored panes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from driftgauge.alerts.stage import OnClosed, Raised
from driftgauge.cli.backtest_plan import Plan
from driftgauge.decode.columns import Reject
from driftgauge.panes.messages import Message
from driftgauge.records import RecordBatch
from driftgauge.runtime.replay import ReplayTotals
from driftgauge.runtime.span import Span

OnReject = Callable[[RecordBatch, Reject], None]


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

    def place(self, batch: RecordBatch, row: int) -> Place:
        """Where a record of it is."""
        ...

    def steps(
        self, totals: ReplayTotals, on_reject: OnReject, on_messages: OnMessages, on_closed: OnClosed
    ) -> Iterator[list[Raised]]:
        """Run the engine over it: after each batch what it raised. Keeps count in `totals`.

        `on_messages` sees what is judged, `on_closed` the panes that close.
        """
        ...
