"""The detect stage of models: how each of their subjects is watched."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.alerts.stage import DetectStage, OnClosed
from driftgauge.alerts.watch import WatchPlan
from driftgauge.detect.river_canary import check_classes
from driftgauge.engine.model import Model, methods_of
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_beside
from driftgauge.subject import Subject


def watch_plan(model: Model, before: WatchPlan | None = None) -> WatchPlan:
    """How a model is watched; `before`: how its version was, before its time."""
    return WatchPlan(
        model.contrasts,
        model.pane_length,
        model.detectors,
        model.analysis,
        model.settings.lifecycle,
        model.settings.ring_panes,
        model.traffic,
        model.since,
        before,
    )


def stage_of(
    models: Sequence[Model],
    unprofiled: Unprofiled | None = None,
    on_closed: OnClosed = lambda _subject, _panes: None,
) -> DetectStage:
    """A fresh detect stage of all models. StateError if the installed river keeps its state in another layout."""
    unprofiled = unprofiled or unprofiled_beside(models)
    check_classes(methods_of(models))
    plans: dict[Subject, WatchPlan] = {}
    for part in (part for model in models for part in model.subjects):
        plans[part.subject] = watch_plan(part, plans.get(part.subject))
    return DetectStage(plans, unprofiled.plan, on_closed)
