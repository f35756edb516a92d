"""Subjects without a profile: an alert says that their events come and that nothing of them is watched.

One story per subject: opened with its first closed pane, repeated while events flow, resolved when none came for so
many panes, or when the subject has a profile: at the time from which it holds, or at the restart that brings it. A
function of the closed panes and of how far event time has come: the order in which partitions deliver, and how panes
come in blocks, change nothing.
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
from driftgauge.panes.schedule import ALWAYS, refusal
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

    def __init__(self, plan: BaselinePlan, profiled_from: Mapping[Subject, int]) -> None:
        """None yet. `profiled_from`: since when (ms) those subjects that have a profile have one."""
        self.beyond_limit = 0
        self.used = False
        self._plan = plan
        self._profiled_from = profiled_from
        self._stories: dict[Subject, _Story] = {}

    def advance(self, panes: Iterable[Pane], closed_to: int, watched: Collection[Subject] = ()) -> list[Told]:
        """Take closed panes, and that no pane that ends up to `closed_to` (ms) will close any more.

        `watched`: subjects of which panes with a profile have closed too.
        """
        told: list[Told] = []
        for pane in sorted(panes, key=lambda pane: (pane.end, pane.subject)):
            told += self._end_due(self._at(pane, closed_to), pane.end - 1)
            told += self._take(pane)
        if closed_to != END_OF_TIME:
            return told + self._end_due(self._stories, closed_to)
        # The end of a file says nothing about what would have come, beyond what did of the same model.
        for subject in sorted(set(watched) & set(self._stories)):
            told += self._end_due([subject], self._profiled_from[subject])
        return told

    def snapshot(self) -> bytes:
        """All stories as bytes; equal stories give equal bytes."""
        running = [
            ((subject.model_id, subject.model_version, subject.segment), story)
            for subject, story in sorted(self._stories.items(), key=lambda entry: entry[0])
        ]
        return _encoder.encode(_Stories(VERSION, running))

    def restore(self, data: bytes) -> list[Told]:
        """Take the stories back; those of subjects that have a profile by now end. StateError if unfit."""
        try:
            stored = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"stored alerts on missing profiles can't be read: {error}") from error
        if stored.version != VERSION:
            raise StateError(f"stored alerts on missing profiles have version {stored.version}, not {VERSION}")
        stories = {Subject(*subject): story for subject, story in stored.running}
        for subject, story in stories.items():
            since = self._profiled_from.get(subject, ALWAYS)
            if ALWAYS < since < story.last_end:
                raise StateError(refusal(subject, since, story.last_end))
        self._stories, self.used = stories, True
        return [
            (subject, self._end(subject, story.last_end, configured=True))
            for subject, story in sorted(stories.items())
            if self._profiled_from.get(subject) == ALWAYS
        ]

    def _at(self, pane: Pane, closed_to: int) -> list[Subject]:
        """Subjects for whom it is as late as for this pane, by the time that panes have closed to."""
        return [s for s in self._stories if closed_to != END_OF_TIME or s.model_id == pane.subject.model_id]

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

    def _end_due(self, subjects: Iterable[Subject], time: int) -> list[Told]:
        """End the stories of those of whom no event came for so long by `time` (ms), or who have a profile by then."""
        due = sorted((*self._due(subject, self._stories[subject]), subject) for subject in subjects)
        return [(subject, self._end(subject, at, configured=profile)) for at, profile, subject in due if at <= time]

    def _due(self, subject: Subject, story: _Story) -> tuple[int, bool]:
        """Ms at which a story ends if no event comes, and whether that is because there is a profile."""
        silent = self._plan.lifecycle.resolve_panes * self._plan.panes.length_of(subject.model_id) + story.last_end
        since = self._profiled_from.get(subject)
        return (since, True) if since is not None and since < silent else (silent, False)

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
