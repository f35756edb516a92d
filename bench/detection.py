"""Time of detection: one subject of 500 features, pane by pane as live and in blocks as a replay takes them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from driftgauge.alerts.watch import SubjectWatch
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import default_model
from driftgauge.panes.merge import Pane
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.reference import CodedColumn, Column, NumericColumn
from driftgauge.records import Source

FEATURES = 500
AIM_MS = 50.0
_START = 1_767_571_200_000
_PANE = 60_000
_EVENTS = 60
_WARM_UP = 400
_LIVE, _BLOCKS = 120, 1024
_SOURCE = Source("bench", 0)


def rows() -> list[dict[str, Any]]:
    """Figures per way of feeding: milliseconds a pane, and what detection and episodes hold as state."""
    model = model_of_features(FEATURES)
    watch = SubjectWatch(watch_plan(model))
    panes = panes_of(model)
    watch.advance([next(panes) for _ in range(_WARM_UP)])
    stored = sum(len(data) for data in watch.changes()[0].values())
    live = []
    for pane in (next(panes) for _ in range(_LIVE)):
        began = time.perf_counter()
        watch.advance([pane])
        live.append(1000 * (time.perf_counter() - began))
    block = [next(panes) for _ in range(_BLOCKS)]
    began = time.perf_counter()
    watch.advance(block)
    whole = 1000 * (time.perf_counter() - began)
    common = {
        "scenario": "detect",
        "features": FEATURES,
        "series": len(model.contrasts.series),
        "state_bytes_per_series": round(stored / len(model.contrasts.series)),
        "load_1min": round(os.getloadavg()[0], 2),
    }
    return [
        {**common, "fed": "pane by pane", "panes": _LIVE, "median_ms": statistics.median(live), "most_ms": max(live)},
        # A day ends within them, and a baseline is learned.
        {**common, "fed": "in blocks", "panes": _BLOCKS, "median_ms": whole / _BLOCKS, "most_ms": None},
    ]


def table(measured: Sequence[dict[str, Any]]) -> str:
    """As text, with a verdict on what a pane may cost."""
    first = measured[0]
    held = f"{_WARM_UP} panes remembered, {first['state_bytes_per_series'] / 1000:.1f} kB of state a series"
    lines = [f"\ndetect: {first['features']} features, {first['series']:,} series, all default detectors; {held}"]
    for row in measured:
        most = f", the slowest {row['most_ms']:.1f}" if row["most_ms"] is not None else ""
        lines.append(f"  {row['fed']:14}{row['median_ms']:8.2f} ms a pane{most} ({row['panes']} panes)")
    slowest = max(row["median_ms"] for row in measured)
    lines.append(f"  aim {AIM_MS:.0f} ms  {'pass' if slowest < AIM_MS else 'BELOW'}")
    return "\n".join(lines)


def model_of_features(count: int) -> Model:
    """A model with a fifth of its features categorical."""
    rng, rows_ = np.random.default_rng(1), 5000
    features: dict[str, Column] = {
        f"f{i}": CodedColumn("string", rng.integers(0, 6, rows_), list("abcdef"))
        if i % 5 == 4
        else NumericColumn(rng.standard_normal(rows_))
        for i in range(count)
    }
    times = _START - 3 * 86_400_000 + 30_000 * np.arange(rows_, dtype=np.int64)
    reference = Reference(["bench"], times, features, timed=True)
    return default_model(build_profile(reference, model_id="bench", model_version="1").profile, pane="60s")


def panes_of(model: Model) -> Iterator[Pane]:
    """Panes of events as the reference's, without end."""
    rng = np.random.default_rng(2)
    shares = [
        (slot.start, slot.stop, np.array(slot.spec.counts) / sum(slot.spec.counts)) for slot in model.layout.slots
    ]
    at = _START
    while True:
        counts = np.zeros(model.layout.size, np.int64)
        for start, stop, share in shares:
            counts[start:stop] = rng.multinomial(_EVENTS, share)
        yield Pane(model.subject, model.layout.profile_hash, at, _PANE, counts, _EVENTS, {_SOURCE: (0, 0)})
        at += _PANE
