"""Alerts on a subject's traffic: the stories that are open, and the steps that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from driftgauge.alerts.transition import DetectorEvidence, EventKind, Reason, Severity
from driftgauge.detect.traffic.days import Days
from driftgauge.detect.types import Direction
from driftgauge.panes.merge import Pane

TrafficSeries = Literal["staleness", "staleness_features", "staleness_prediction", "volume"]

# Of a part's silence, in the order of the parts.
STALENESS: tuple[TrafficSeries, ...] = ("staleness", "staleness_features", "staleness_prediction")
VOLUME: TrafficSeries = "volume"


class Story(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One alert on the traffic that is open.

    `opened_pane_end`, `analysis`, `severity`, `ordinal`, `published_at`: as of an `Episode`. `onset` ms. `direction`,
    `statistic`, `threshold`, `p_value`: what opened it. `n_before`: events behind the level; `events`: since the onset,
    of a part's silence those of the other part.
    """

    severity: Severity
    onset: int
    direction: Direction
    statistic: float
    threshold: float
    p_value: float
    n_before: int
    events: int = 0
    opened_pane_end: int = 0
    analysis: str = ""
    ordinal: int = 0
    published_at: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrafficStep:
    """One step of such a story; all times in ms.

    `opened_pane_end`, `at`, `ordinal`, `analysis`, `severity`, `superseded_by`, `offsets`: as of a `Transition`; a
    silence has no records. `before`, `after`: events a pane, expected and seen. `missing`: events that a silence has
    cost so far. `reason`: why it is resolved though it isn't over: by another profile, or what was expected is four
    weeks old.
    """

    series: TrafficSeries
    event: EventKind
    severity: Severity
    opened_pane_end: int
    at: int
    ordinal: int
    analysis: str
    onset: int
    direction: Direction
    detector: DetectorEvidence
    before: float
    after: float
    missing: int
    n_before: int
    n_after: int
    pane_length: int
    offsets: Mapping[str, tuple[int, int]]
    superseded_by: Severity | None = None
    reason: Reason | None = None


class Seen(NamedTuple):
    """What a step says: events a pane that were expected and that came, and how many are missing in all."""

    before: float
    after: float
    missing: int = 0


class Stories:
    """The open ones of a subject, by series; what a story lasts over spoils the `days`."""

    def __init__(self, days: Days, pane_length: int, repeat: int, analysis: str) -> None:
        """None yet. `repeat`: ms after which an open one is told again."""
        self.running: dict[TrafficSeries, Story] = {}
        self._days = days
        self._pane_length = pane_length
        self._repeat = repeat
        self._analysis = analysis

    def open(self, series: TrafficSeries, story: Story, at: int, seen: Seen, pane: Pane | None) -> TrafficStep:
        """A story begins at a pane end `at` (ms), which is that of `pane`; None: of an empty one."""
        story.opened_pane_end, story.analysis = at, self._analysis
        self.running[series] = story
        return self.tell(series, "opened", at, seen, pane)

    def repeat_at(self, series: TrafficSeries) -> int:
        """From when on (ms) an open story is to be told again."""
        return self.running[series].published_at + self._repeat

    def escalate(
        self, series: TrafficSeries, severity: Severity, at: int, seen: Seen, pane: Pane | None
    ) -> list[TrafficStep]:
        """It has become worse."""
        gone = self.tell(series, "resolved", at, seen, pane, superseded_by=severity)
        self.running[series].severity = severity
        return [gone, self.tell(series, "escalated", at, seen, pane)]

    def end(
        self, series: TrafficSeries, at: int, seen: Seen, pane: Pane | None, reason: Reason | None = None
    ) -> TrafficStep:
        """It is over, or there is a reason why it is told of no more."""
        step = self.tell(series, "resolved", at, seen, pane, reason=reason)
        self._days.spoil(self.running.pop(series).onset, at)
        return step

    def spoil(self, until: int) -> None:
        """The days that the open ones have lasted over until then (ms) teach nothing."""
        for story in self.running.values():
            self._days.spoil(story.onset, until)

    def tell(
        self,
        series: TrafficSeries,
        event: EventKind,
        at: int,
        seen: Seen,
        pane: Pane | None,
        *,
        superseded_by: Severity | None = None,
        reason: Reason | None = None,
    ) -> TrafficStep:
        """A step of an open one."""
        story = self.running[series]
        step = TrafficStep(
            series=series,
            event=event,
            severity=story.severity,
            opened_pane_end=story.opened_pane_end,
            at=at,
            ordinal=story.ordinal,
            analysis=story.analysis,
            onset=story.onset,
            direction=story.direction,
            detector=DetectorEvidence(
                "multiscale" if series == VOLUME else "gap", story.statistic, story.threshold, story.p_value
            ),
            before=seen.before,
            after=seen.after,
            missing=seen.missing,
            n_before=story.n_before,
            n_after=story.events,
            pane_length=self._pane_length,
            offsets={str(source): span for source, span in sorted(pane.offsets.items())} if pane is not None else {},
            superseded_by=superseded_by,
            reason=reason,
        )
        story.ordinal += 1
        story.published_at = at
        return step
