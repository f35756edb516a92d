"""Who judges what a replay has counted: a detect stage in this process, or several in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.panes.messages import Message
from driftgauge.records import Source

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Step(Generic[T_co]):
    """What came of some messages: what they raised, and the panes that closed, with the events in them.

    `left`: panes that are open after it.
    """

    raised: Sequence[T_co]
    panes: int
    events: int
    left: int


class Judge(Protocol[T_co]):
    """Takes messages in log order. Its steps come in order too, each of one `take`, but perhaps later."""

    def begin(self, gating: Sequence[Source] = ()) -> None:
        """A log begins, with nothing known of the one before; `gating`: until the log tells of others."""
        ...

    def take(self, messages: Sequence[Message]) -> Iterator[Step[T_co]]:
        """Take the next; the steps that are done by now."""
        ...

    def finish(self) -> Iterator[Step[T_co]]:
        """The steps that are not done yet."""
        ...


class OneStage:
    """A Judge that judges at once. `fresh` makes the detect stage of a log."""

    def __init__(self, fresh: Callable[[], DetectStage]) -> None:
        """`begin` comes first."""
        self._fresh = fresh
        self._stage = fresh()

    def begin(self, gating: Sequence[Source] = ()) -> None:
        """See Judge."""
        self._stage = self._fresh()
        self._stage.merge.sources = tuple(gating) or None

    def take(self, messages: Sequence[Message]) -> Iterator[Step[Raised]]:
        """See Judge."""
        stage = self._stage
        panes, events = stage.panes_closed, stage.events_closed
        raised = stage.process(messages)
        yield Step(raised, stage.panes_closed - panes, stage.events_closed - events, stage.panes_open)

    def finish(self) -> Iterator[Step[Raised]]:
        """See Judge."""
        return iter(())
