"""Subjects without a profile: an alert says that their events come and that nothing of them is watched.

One story per subject: opened with its first closed pane, repeated while events flow, resolved when none came for so
many panes, or when the subject has a profile. A function of the closed panes and of how far event time has come: the
order in which partitions deliver, and how panes come in blocks, change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from driftgauge.alerts.lifecycle import LifecycleSettings, repeat_interval
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import END_OF_TIME
from driftgauge.panes.unprofiled import UnprofiledPlan
from driftgauge.subject import Subject

VERSION = 1

BaselineEvent = Literal["opened", "repeat", "resolved"]


@dataclass(frozen=True, slots=True)
class BaselinePlan:
    """How such subjects are told of. `analysis`: hash of what decides it, by pane length (ms)."""

    panes: UnprofiledPlan
    lifecycle: LifecycleSettings
    analysis: Callable[[int], str]


@dataclass(frozen=True, slots=True, eq=False)
class BaselineStep:
    """One step of a story; all times in ms.

    `opened_pane_end`, `at`, `ordinal`, `analysis`: as of a `Transition`. `onset`, `last_end`: start of the first pane
    with events and end of the last one. `events`: in all of them; `pane_events`, `offsets`: of the deciding pane
    (resolved: none). `configured`: resolved because the subject has a profile now.
    """

    event: BaselineEvent
    opened_pane_end: int
    at: int
    ordinal: int
    analysis: str
    onset: int
    last_end: int
    pane_length: int
    events: int
    pane_events: int
    offsets: Mapping[str, tuple[int, int]]
    configured: bool = False


class _Story(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    opened_pane_end: int
    analysis: str
    onset: int
    last_end: int
    events: int
    ordinal: int = 0
    published_at: int = 0


class _Stories(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    running: list[tuple[tuple[str, str, str], _Story]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stories)

Told = tuple[Subject, BaselineStep]


class BaselineWatch:
    """The stories of one panes partition.

    `beyond_limit`: panes of subjects that were not told of, since so many others were; counted since the start of the
    process. `used`: whether there ever was a story.
    """

    def __init__(self, plan: BaselinePlan) -> None:
        """None yet."""
        self.beyond_limit = 0
        self.used = False
        self._plan = plan
        self._stories: dict[Subject, _Story] = {}

    def advance(self, panes: Iterable[Pane], closed_to: int) -> list[Told]:
        """Take closed panes, and that no pane that ends up to `closed_to` (ms) will close any more."""
        told: list[Told] = []
        for pane in sorted(panes, key=lambda pane: (pane.end, pane.subject)):
            told += self._fall_silent(pane.end - 1)
            told += self._take(pane)
        # The end of a file says nothing about what would have come.
        return told if closed_to == END_OF_TIME else told + self._fall_silent(closed_to)

    def snapshot(self) -> bytes:
        """All stories as bytes; equal stories give equal bytes."""
        running = [
            ((subject.model_id, subject.model_version, subject.segment), story)
            for subject, story in sorted(self._stories.items(), key=lambda entry: entry[0])
        ]
        return _encoder.encode(_Stories(VERSION, running))

    def restore(self, data: bytes, configured: Collection[Subject]) -> list[Told]:
        """Take the stories back; those of `configured` subjects, which have a profile now, end. StateError if unfit."""
        try:
            stored = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"stored alerts on missing profiles can't be read: {error}") from error
        if stored.version != VERSION:
            raise StateError(f"stored alerts on missing profiles have version {stored.version}, not {VERSION}")
        self._stories = {Subject(*subject): story for subject, story in stored.running}
        self.used = True
        return [
            (subject, self._end(subject, self._stories[subject].last_end, configured=True))
            for subject in sorted(set(self._stories) & set(configured))
        ]

    def _take(self, pane: Pane) -> list[Told]:
        story = self._stories.get(pane.subject)
        if story is None:
            if len(self._stories) >= self._plan.panes.limit:
                self.beyond_limit += 1
                return []
            story = _Story(pane.end, self._plan.analysis(pane.length), pane.start, pane.end, pane.events)
            self._stories[pane.subject], self.used = story, True
            return [(pane.subject, self._tell("opened", pane, story))]
        story.last_end = pane.end
        story.events += pane.events
        if pane.end - story.published_at >= repeat_interval(self._plan.lifecycle, pane.length):
            return [(pane.subject, self._tell("repeat", pane, story))]
        return []

    def _fall_silent(self, time: int) -> list[Told]:
        """End the stories of those of whom no event came for so long by `time` (ms)."""
        due = sorted((self._silent_at(subject, story), subject) for subject, story in self._stories.items())
        return [(subject, self._end(subject, at)) for at, subject in due if at <= time]

    def _silent_at(self, subject: Subject, story: _Story) -> int:
        return story.last_end + self._plan.lifecycle.resolve_panes * self._plan.panes.length_of(subject.model_id)

    @staticmethod
    def _tell(event: BaselineEvent, pane: Pane, story: _Story) -> BaselineStep:
        offsets = {str(source): span for source, span in sorted(pane.offsets.items())}
        step = _step(event, pane.end, pane.length, story, pane.events, offsets)
        story.ordinal += 1
        story.published_at = pane.end
        return step

    def _end(self, subject: Subject, at: int, *, configured: bool = False) -> BaselineStep:
        length = self._plan.panes.length_of(subject.model_id)
        return _step("resolved", at, length, self._stories.pop(subject), 0, {}, configured=configured)


def _step(
    event: BaselineEvent,
    at: int,
    length: int,
    story: _Story,
    pane_events: int,
    offsets: Mapping[str, tuple[int, int]],
    *,
    configured: bool = False,
) -> BaselineStep:
    return BaselineStep(
        event,
        story.opened_pane_end,
        at,
        story.ordinal,
        story.analysis,
        story.onset,
        story.last_end,
        length,
        story.events,
        pane_events,
        offsets,
        configured,
    )
