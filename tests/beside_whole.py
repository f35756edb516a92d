"""Panes of a model that is watched by country, in which what breaks is chosen per country and minute."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from builders import MINUTE
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig, SegmentsConfig
from driftgauge.config_segments import watched_segments
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.messages import Message, PartialPane, Sources, Watermark
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source
from segmented import COUNTRIES, SHARES, START, built, loans

EVENTS = 400  # A minute, of all countries.
# A source for two countries, one for the others.
SOURCES = (Source("t", 0), Source("t", 1))
# (country, minute) -> part of the events that lack a job, and part that is rejected.
Course = Callable[[str, int], tuple[float, float]]
USUAL = (0.01, 0.2)


@cache
def model() -> Model:
    profile = built(loans(20_000, 1), every_ms=100).profile
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    segments = watched_segments(profile, SegmentsConfig(), 20)
    return model_of(profile, settings, pane_length=MINUTE, budget=1.0, segments=segments)


def by_minute(course: Course, minutes: int, seed: int = 1) -> list[list[Message]]:
    """What both sources say of each minute."""
    rng, watched = np.random.default_rng(seed), model()
    layouts = {part.subject.segment: part.layout for part in watched.segments}
    out: list[list[Message]] = []
    for minute in range(minutes):
        start, said = START + minute * MINUTE, []
        sizes = dict(zip(COUNTRIES, rng.multinomial(EVENTS, SHARES).tolist(), strict=True))
        drawn = {name: _counts(layouts[name], n, *course(name, minute), rng) for name, n in sizes.items()}
        for source, names in zip(SOURCES, (COUNTRIES[:2], COUNTRIES[2:]), strict=True):
            parts = {name: drawn[name] for name in names if sizes[name]}
            for name, counts in {"": sum(parts.values()), **parts}.items():
                subject, n = (
                    watched.subject._replace(segment=name),
                    sum(sizes[part] for part in ([name] if name else parts)),
                )
                profile = watched.layout.profile_hash
                said.append(PartialPane(subject, profile, start, MINUTE, source, counts, n, minute, minute))
            said.append(Watermark(source, start + MINUTE, minute + 1, minute + 1, 0))
        out.append(said)
    return out


def _counts(layout: Layout, n: int, missing: float, rejected: float, rng: np.random.Generator) -> np.ndarray:
    counts = np.zeros(layout.size, np.int64)
    for slot in layout.slots:
        reference = np.array(slot.spec.counts, np.float64)
        if slot.name == "job":
            reference[slot.cell("missing") - slot.start] = 0
            reference *= (1 - missing) / reference.sum()
            reference[slot.cell("missing") - slot.start] = missing
        elif slot.role == "label":
            at = slot.spec.categories.index("rejected")
            reference[at] = 0
            reference *= (1 - rejected) / reference.sum()
            reference[at] = rejected
        counts[slot.start : slot.stop] = rng.multinomial(n, reference / reference.sum())
    return counts


def alerts_of(stage, said: list[list[Message]]) -> list[AlertEvent]:
    render = renderer_of([model()], Run(mode="backtest", run_id="test"))
    raised = stage.process([Sources(SOURCES), *(message for minute in said for message in minute)])
    return [render(one) for one in raised]


def opened(alerts: list[AlertEvent], series: str = "missing") -> list[tuple[int, str]]:
    """(minute, segment) of the alerts on a series that were opened."""
    return [
        ((_ms(a) - START) // MINUTE - 1, a.labels.segment)
        for a in alerts
        if a.event == "opened" and a.labels.series == series
    ]


def _ms(alert: AlertEvent) -> int:
    return int(np.datetime64(alert.startsAt.removesuffix("Z"), "ms").astype(np.int64))
