"""Judging in processes of their own, each the subjects of some models, as partitions of the panes topic have them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic

import msgspec

from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.messages import Message, PartialPane, ProfileChange
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source
from driftgauge.replay.counting_elsewhere import Failed, encoder
from driftgauge.replay.judging import OneStage, Step, T
from driftgauge.replay.processes import Parent, Processes

# So many steps may be under way: enough for nobody to wait.
_UNDER_WAY = 64


class Begin(msgspec.Struct, array_like=True, tag="begin", frozen=True):
    """See Judge.begin."""

    gating: list[Source]


class Take(msgspec.Struct, array_like=True, tag="take", frozen=True):
    """See Judge.take; in the form of the panes topic."""

    messages: list[bytes]


class OneRaised(msgspec.Struct, array_like=True, frozen=True):
    """An alert event as JSON: `at` the end of the pane (ms) that it is of, and of which `subject`."""

    at: int
    subject: tuple[str, str, str]
    event: bytes


class Judged(msgspec.Struct, array_like=True, tag="judged", frozen=True):
    """See Step."""

    raised: list[OneRaised]
    panes: int
    events: int
    left: int


_asked: msgspec.msgpack.Decoder[Begin | Take] = msgspec.msgpack.Decoder(Begin | Take)
_answered: msgspec.msgpack.Decoder[Judged | Failed] = msgspec.msgpack.Decoder(Judged | Failed)


def judge_for(parent: Parent, judge: OneStage, render: Callable[..., bytes], layouts: Mapping[str, Layout]) -> None:
    """Judge what the parent sends, until it sends no more."""
    while (frame := parent.receive()) is not None:
        asked = _asked.decode(frame)
        if isinstance(asked, Begin):
            judge.begin(asked.gating)
            continue
        for step in judge.take([decode_message(message, layouts) for message in asked.messages]):
            raised = [OneRaised(one.transition.at, one.subject, render(one)) for one in step.raised]
            parent.send(encoder.encode(Judged(raised, step.panes, step.events, step.left)))


class JudgedElsewhere(Generic[T]):
    """A Judge of so many others. `models`: ids of those with a profile; `read`: what is made of an alert event."""

    def __init__(
        self,
        processes: Processes,
        models: Sequence[str],
        layouts: Mapping[str, Layout],
        read: Callable[[int, bytes], T],
    ) -> None:
        """They have been told what to judge by."""
        self._processes, self._layouts, self._read = processes, layouts, read
        self._judge_of = {model: number % len(processes) for number, model in enumerate(sorted(models))}
        self._under_way: deque[list[int]] = deque()
        self._left: dict[int, int] = {}

    def begin(self, gating: Sequence[Source] = ()) -> None:
        """See Judge."""
        self._left.clear()
        for number in range(len(self._processes)):
            self._processes.send(number, encoder.encode(Begin(list(gating))))

    def take(self, messages: Sequence[Message]) -> Iterator[Step[T]]:
        """See Judge."""
        shares: list[list[bytes]] = [[] for _ in range(len(self._processes))]
        for message in messages:
            data = encode_message(message, self._layouts)
            for number in self._judges_of(message):
                shares[number].append(data)
        asked = [number for number, share in enumerate(shares) if share]
        for number in asked:
            self._processes.send(number, encoder.encode(Take(shares[number])))
        self._under_way.append(asked)
        while len(self._under_way) > _UNDER_WAY:
            yield self._oldest()

    def finish(self) -> Iterator[Step[T]]:
        """See Judge."""
        while self._under_way:
            yield self._oldest()

    def _judges_of(self, message: Message) -> Sequence[int]:
        if isinstance(message, PartialPane):
            # Those without a profile share one limit (`UnprofiledPlan`), so they stay together.
            return [self._judge_of.get(message.subject.model_id, 0)]
        if isinstance(message, ProfileChange):
            return [self._judge_of.get(message.model_id, 0)]
        return range(len(self._processes))

    def _oldest(self) -> Step[T]:
        raised: list[OneRaised] = []
        panes = events = 0
        for number in self._under_way.popleft():
            answer = _answered.decode(self._processes.receive(number))
            if isinstance(answer, Failed):
                raise answer.error()
            raised += answer.raised
            self._left[number] = answer.left
            panes, events = panes + answer.panes, events + answer.events
        # As one stage would: see DetectStage.
        raised.sort(key=lambda one: (one.at, one.subject))
        return Step([self._read(one.at, one.event) for one in raised], panes, events, sum(self._left.values()))
