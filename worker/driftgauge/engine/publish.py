"""What is published of models: transitions dressed up as alert events, and the name of the run they are told by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import orjson

from driftgauge.alerts.baseline import BaselineStep
from driftgauge.alerts.baseline_event import render_baseline
from driftgauge.alerts.event import AlertEvent, Publishing, Run
from driftgauge.alerts.lifecycle import repeat_interval
from driftgauge.alerts.series_event import render_series
from driftgauge.alerts.stage import Raised
from driftgauge.alerts.traffic_event import render_traffic
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.engine.model import Model
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_beside
from driftgauge.subject import Subject


def renderer_of(
    models: Sequence[Model], run: Run, unprofiled: Unprofiled | None = None
) -> Callable[[Raised], AlertEvent]:
    """What dresses transitions up as alert events."""
    lifecycle = (unprofiled or unprofiled_beside(models)).settings.lifecycle
    publishing: dict[Subject, list[tuple[int, Publishing]]] = {}
    for model in (part for whole in models for part in whole.subjects):
        repeat = repeat_interval(model.settings.lifecycle, model.pane_length)
        of_model = Publishing(model.subject, model.layout.profile_hash, run, repeat, tag=model.tag)
        publishing.setdefault(model.subject, []).insert(0, (model.since, of_model))

    def dress(raised: Raised) -> AlertEvent:
        step = raised.transition
        if isinstance(step, BaselineStep):
            return render_baseline(raised.subject, step, run, repeat_interval(lifecycle, step.pane_length))
        # An alert is told of by the profile that it was opened by; stored state may name a time before the first.
        held = publishing[raised.subject]
        by = next((of for since, of in held if since < step.opened_pane_end), held[-1][1])
        return render_traffic(step, by) if isinstance(step, TrafficStep) else render_series(step, by)

    return dress


def run_id_of(models: Sequence[Model], group: str, injected: Sequence[str] = ()) -> str:
    """Derived from the group and what is analysed, so that every worker of a group says the same.

    `injected`: what names the faults that were put into what was analysed.
    """
    analyses = sorted(f"{model.subject} {model.analysis}" for whole in models for model in whole.subjects)
    return hashlib.sha256(orjson.dumps([group, *analyses, *injected])).hexdigest()[:16]
