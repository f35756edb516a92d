"""Panes that hold nothing but a number of events, and a model that watches nothing but the traffic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from builders import small_profile
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.alerts.stage import Raised
from driftgauge.alerts.traffic import TrafficWatch
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.detect.detectors import DETECTORS
from driftgauge.durations import parse_duration
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.merge import Pane
from driftgauge.profiles.season import DAY
from driftgauge.records import Source

MONDAY = 1_767_571_200_000  # 2026-01-05T00:00:00Z
SOURCE = Source("t", 0)


def traffic_model(pane: str = "1m", budget: float = 1.0) -> Model:
    off = {name: {"enabled": False} for name in DETECTORS}
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), off)
    return model_of(small_profile(), settings, pane_length=parse_duration(pane), budget=budget)


def counts_of(model: Model, features: int, prediction: int) -> np.ndarray:
    counts = np.zeros(model.layout.size, np.int64)
    for slot in model.layout.slots:
        counts[slot.start] = features if slot.role == "feature" else prediction
    return counts


def panes_of(
    model: Model,
    features: Sequence[int] | np.ndarray,
    predictions: Sequence[int] | np.ndarray | None = None,
    cut: Sequence[int] = (),
) -> list[Pane]:
    """From Monday on, one pane for each number that isn't 0; those in `cut` are incomplete."""
    out = []
    both = zip(features, features if predictions is None else predictions, strict=True)
    for i, (f, p) in enumerate(both):
        if f or p:
            start = MONDAY + i * model.pane_length
            counts = counts_of(model, int(f), int(p))
            span = {SOURCE: (i, i)}
            out.append(
                Pane(
                    model.subject,
                    model.layout.profile_hash,
                    start,
                    model.pane_length,
                    counts,
                    max(int(f), int(p)),
                    span,
                    i in cut,
                )
            )
    return out


def watch_of(model: Model) -> TrafficWatch:
    watch = SubjectWatch(watch_plan(model)).traffic
    assert watch is not None
    return watch


def alerts(model: Model, features, predictions=None, *, cut=(), watch: TrafficWatch | None = None) -> list[AlertEvent]:
    """Of a whole course, whose end is known to be empty if it is."""
    render = renderer_of([model], Run(mode="backtest", run_id="test"))
    end = MONDAY + len(features) * model.pane_length
    watch = watch or watch_of(model)
    steps = watch.advance(panes_of(model, features, predictions, cut)) + watch.be_silent(end)
    return [render(Raised(model.subject, step)) for step in steps]


def told(found: Sequence[AlertEvent]) -> list[tuple[str, str, str]]:
    """Event, series and time since Monday (`3d 10:05`)."""
    return [(e.event, e.labels.series, e.updatedAt[5:16]) for e in found]


def steady(days: float, pane: int = 60_000, rate: float = 60.0, seed: int = 1) -> np.ndarray:
    """Events by pane, Poisson, with a daily season of 80 %."""
    panes = round(days * DAY / pane)
    day = np.arange(panes) * pane % DAY / DAY
    return np.random.default_rng(seed).poisson(rate * (1 + 0.8 * np.sin(2 * np.pi * (day - 0.3))))


def minute(day: int, hour: int, minute_: int = 0) -> int:
    """Index of a pane of a minute, from Monday (day 0) on."""
    return (day * 24 + hour) * 60 + minute_
