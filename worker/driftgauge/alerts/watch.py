"""One subject under watch: its detection and its episodes, pane by pane, and the baseline that both go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from driftgauge.alerts.lifecycle import Lifecycle, LifecycleSettings, began
from driftgauge.alerts.traffic import TrafficWatch
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.transition import Transition
from driftgauge.detect.baseline.clean import Alerted
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

    def advance(self, panes: Sequence[Pane]) -> list[Transition | TrafficStep]:
        """Judge closed panes, oldest first."""
        out: list[Transition | TrafficStep] = []
        for block in self.detection.blocks(panes):
            if self.detection.turn(block[0].start, self.lifecycle.firing):
                self.lifecycle.rebase(self.detection.baseline.series)
            steps = self.lifecycle.step(self.detection.history, self.detection.advance(block))
            for step in steps:
                if step.event == "resolved" and step.superseded_by is None:
                    onset = began(step.series, step.evidence.onset)
                    self.detection.baseline.note(Alerted(step.series, onset, step.opened_pane_end, step.at))
            out += steps
        return out if self.traffic is None else [*out, *self.traffic.advance(panes)]

    def be_silent(self, silent_to: int | None) -> Sequence[TrafficStep]:
        """No pane that ends up to `silent_to` (ms) will close any more; None: how far that is isn't known."""
        if self.traffic is None or silent_to is None:
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
