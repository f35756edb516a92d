"""One subject under watch: its detection and its episodes, pane by pane, and the baseline that both go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from driftgauge.alerts.lifecycle import Lifecycle, LifecycleSettings
from driftgauge.alerts.move import Move
from driftgauge.alerts.traffic import TrafficWatch
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.transition import Transition
from driftgauge.alerts.whole import Whole
from driftgauge.detect.subject import SubjectDetection
from driftgauge.detect.traffic.limits import Limits
from driftgauge.detect.types import Detector
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import END_OF_TIME
from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class WatchPlan:
    """How a subject is watched, since when (ms), and how before that.

    `detectors` builds fresh ones; `analysis` is the model's analysis hash. `traffic`: limits of its volume and
    silences; None: these aren't watched.
    """

    contrasts: Contrasts
    pane_length: int
    detectors: Callable[[], Sequence[Detector]]
    analysis: str
    lifecycle: LifecycleSettings
    ring_panes: int
    traffic: Limits | None = None
    since: int = ALWAYS
    before: WatchPlan | None = None


class SubjectWatch:
    """What detect holds of one subject, while one plan holds. `until`: ms, when the next one does."""

    def __init__(self, plan: WatchPlan, until: int = END_OF_TIME) -> None:
        """Nothing seen yet."""
        self.plan, self.until = plan, until
        self.detection = SubjectDetection(
            plan.contrasts, plan.pane_length, plan.detectors(), ring_panes=plan.ring_panes
        )
        self.lifecycle = Lifecycle(plan.contrasts.series, plan.pane_length, plan.analysis, plan.lifecycle)
        self.traffic: TrafficWatch | None = None
        if plan.traffic is not None:
            self.traffic = TrafficWatch(
                plan.contrasts.layout, plan.pane_length, plan.traffic, plan.analysis, plan.lifecycle
            )

    def advance(self, panes: Sequence[Pane], whole: Whole | None = None) -> list[Transition | TrafficStep]:
        """Judge closed panes, oldest first. `whole`: of a segment, what its model's whole was at them."""
        steps = [step for block in self.blocks(panes) for step in self.judge(block, whole)]
        return [*steps, *self.count(panes)]

    def blocks(self, panes: Sequence[Pane]) -> list[list[Pane]]:
        """Closed panes as `judge` takes them: those with events."""
        return self.detection.blocks(panes)

    def judge(self, block: Sequence[Pane], whole: Whole | None = None) -> list[Transition]:
        """What detectors and life cycle say of a block of panes."""
        if self.detection.turn(block[0].start, self.lifecycle.alerted):
            self.lifecycle.rebase(self.detection.baseline.series)
        steps = self.lifecycle.step(self.detection.history, self.detection.advance(block), whole)
        for alerted in self.lifecycle.ended:
            self.detection.baseline.note(alerted)
        return steps

    def count(self, panes: Sequence[Pane]) -> Sequence[TrafficStep]:
        """What is to be said of their number of events; closed panes, with and without any."""
        return self.traffic.advance(panes) if self.traffic is not None else ()

    @property
    def whole(self) -> Whole:
        """The block that was last judged, as the segments of this model go by it."""
        return Whole(self.lifecycle.by_key, self.detection.history, self.lifecycle.timeline)

    def moved_with(self, step: Transition) -> Move | None:
        """How a segment has moved since the onset of a step of its whole, if it surely has, and to the same side."""
        move = self.lifecycle.moved(self.detection.history, step.series.key, step.evidence.onset)
        if move is None or not move.is_sure:
            return None
        far = abs(move.level.mean - move.before) > move.series.tolerance
        return move if far and (move.distance > 0) == (step.evidence.direction == "up") else None

    def be_silent(self, silent_to: int) -> Sequence[TrafficStep]:
        """No pane that ends up to `silent_to` (ms) will close any more."""
        if self.traffic is None:
            return ()
        return self.traffic.be_silent(min(silent_to, self.until))

    def end(self, subject: Subject) -> list[Transition | TrafficStep]:
        """Nothing more will be judged by this plan."""
        start, layout = self.until - self.plan.pane_length, self.plan.contrasts.layout
        last = Pane(subject, layout.profile_hash, start, self.plan.pane_length, np.zeros(layout.size, np.int64), 0, {})
        ended = self.lifecycle.end(self.detection.history, last)
        return [*ended, *(self.traffic.end(self.until) if self.traffic is not None else ())]

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields as they are now (rows of the past only if new), and fields that may be deleted."""
        fields, gone = self.detection.changes()
        fields["episodes"] = self.lifecycle.snapshot()
        if self.traffic is not None:
            counted, old = self.traffic.changes()
            fields |= counted
            gone += old
        return fields, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Go on from stored fields. StateError if they don't fit."""
        if "episodes" not in fields:
            raise StateError("the stored detection state has no episodes")
        self.detection.restore(fields)
        self.lifecycle.rebase(self.detection.baseline.series)
        self.lifecycle.restore(fields["episodes"])
        if self.traffic is not None:
            self.traffic.restore(fields)
