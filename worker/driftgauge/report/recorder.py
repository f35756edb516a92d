"""Looks over a replay's shoulder: the trails of all subjects, and of each problem its events and a close-up of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.stage import Raised
from driftgauge.alerts.transition import Transition
from driftgauge.panes.merge import Pane
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.series import Series
from driftgauge.report.trail import Stretch, Trail
from driftgauge.scoring.alert import Identity, identity_of
from driftgauge.subject import Subject
from driftgauge.timestamps import parse_timestamp

# Of a close-up: panes before the onset, and in all.
_BEFORE, _MOST = 90, 480
# Problems that are looked at closely: the page shows far fewer, and a flood of alerts would fill memory.
_LOOKED_AT = 300


@dataclass(slots=True)
class Problem:
    """One episode. `worst`: its event of the highest severity and effect; `live`: counts since the onset, by then.

    `series` and `contrasts` are None for traffic and for a missing profile. Times in ms; `resolved` None: open at the
    end of the replay. `panes`: of its field, around the onset.
    """

    subject: Subject
    opened: AlertEvent
    worst: AlertEvent
    series: Series | None = None
    contrasts: Contrasts | None = None
    live: NDArray[np.int64] | None = None
    resolved: int | None = None
    panes: list[tuple[int, NDArray[np.int64], int]] = field(default_factory=list)

    @property
    def onset(self) -> int:
        """The estimated change point."""
        return parse_timestamp(self.worst.detail.change_point.at)

    @property
    def told(self) -> int:
        """When it was opened."""
        return parse_timestamp(self.opened.startsAt)


class Recorder:
    """What a report is made of. `watched`: the contrasts of each subject by profile hash."""

    def __init__(self, watched: Mapping[tuple[Subject, str], Contrasts]) -> None:
        """Nothing seen yet."""
        self.watched = watched
        self.trails: dict[tuple[Subject, str], Trail] = {}
        self.problems: list[Problem] = []
        self._running: dict[Identity, Problem] = {}
        self._followed: list[Problem] = []

    def closed(self, subject: Subject, panes: Sequence[Pane]) -> None:
        """Panes of a subject that have closed, oldest first."""
        for pane in panes:
            contrasts = self.watched.get((subject, pane.profile))
            if contrasts is None:
                continue
            trail = self.trails.get((subject, pane.profile))
            if trail is None:
                trail = self.trails[subject, pane.profile] = Trail(pane.length, contrasts.layout.size)
            trail.extend([pane])
            for problem in self._followed:
                if problem.subject == subject and problem.contrasts is contrasts and problem.series is not None:
                    slot = problem.series.slot
                    problem.panes.append((pane.start, pane.counts[slot.start : slot.stop], pane.events))
        self._followed = [problem for problem in self._followed if len(problem.panes) < _MOST]

    def raised(self, raised: Raised, event: AlertEvent) -> None:
        """An alert event, and the step behind it."""
        identity = identity_of(event)
        problem = self._running.get(identity)
        step = raised.transition
        if problem is None and event.event != "opened":
            # It was opened before what is reported.
            return
        if problem is None:
            problem = self._running[identity] = Problem(raised.subject, event, event)
            self.problems.append(problem)
            if isinstance(step, Transition):
                self._look_closely(problem, step)
        if event.event == "resolved":
            if event.detail.superseded_by is None:
                problem.resolved = parse_timestamp(event.updatedAt)
                del self._running[identity]
            return
        # Repeats go on while a problem fades; it is told as it was at its worst.
        if (_rank(event), _size(event)) >= (_rank(problem.worst), _size(problem.worst)):
            problem.worst = event
            if isinstance(step, Transition):
                problem.series, problem.live = step.series, step.evidence.live_counts

    def _look_closely(self, problem: Problem, step: Transition) -> None:
        problem.series = step.series
        key = (problem.subject, problem.opened.detail.profile or "")
        trail = self.trails.get(key)
        if trail is None:
            return
        problem.contrasts = self.watched[key]
        if len(self.problems) > _LOOKED_AT:
            return
        panes, slot = trail.recent(), step.series.slot
        first = max(0, int(np.searchsorted(panes.starts, step.evidence.onset)) - _BEFORE)
        problem.panes = [
            (int(start), counts[slot.start : slot.stop], int(events))
            for start, counts, events in zip(
                panes.starts[first:], panes.counts[first:], panes.events[first:], strict=True
            )
        ]
        self._followed.append(problem)

    def close_up(self, problem: Problem) -> Stretch | None:
        """The panes around a problem's onset, of its field alone; None if none were counted."""
        if not problem.panes:
            return None
        starts, counts, events = zip(*problem.panes, strict=True)
        length = int(min(np.diff(starts))) if len(starts) > 1 else 60_000
        return Stretch(length, np.array(starts, np.int64), np.array(counts, np.int64), np.array(events, np.int64))


def _size(event: AlertEvent) -> float:
    return abs(event.detail.effect or 0.0)


def _rank(event: AlertEvent) -> int:
    return SEVERITIES.index(event.labels.severity)
