"""A model whose population changes for good, and its profile with it: first the change is drift, then it is normal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from builders import MINUTE
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.messages import Message, PartialPane, Sources
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import CodedColumn, NumericColumn
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SOURCES = (Source("in", 0), Source("in", 1))
RUN = Run(mode="backtest", run_id="test")
# Minutes: the population moves, the profile follows, a field breaks.
MOVED, CHANGED, BROKEN, END = 20, 40, 60, 75
PER_MINUTE = 30


def rows(minutes: Iterable[int], seed: int = 1) -> list[dict]:
    """Events of the story, in order of time."""
    rng = np.random.default_rng(seed)
    return [
        {
            "model_id": "loans",
            "model_version": "1",
            "timestamp": START + minute * MINUTE + i * (MINUTE // PER_MINUTE),
            "features": {
                "age": round(float(rng.normal(0 if minute < MOVED else 4)), 3),
                "job": None if minute >= BROKEN else "ab"[rng.integers(2)] if minute < MOVED else "bc"[rng.integers(2)],
            },
            "prediction": "yes" if rng.random() < 0.5 else "no",
        }
        for minute in minutes
        for i in range(PER_MINUTE)
    ]


@cache
def profile(minute: int) -> Profile:
    """Of a day of the population as it is at that minute of the story."""
    seen = rows([minute] * 200, seed=2)
    jobs = sorted({row["features"]["job"] for row in seen})
    reference = Reference(
        ["train"],
        START + np.arange(len(seen)) * (MINUTE // PER_MINUTE),
        {
            "age": NumericColumn(np.array([row["features"]["age"] for row in seen])),
            "job": CodedColumn("string", np.array([jobs.index(row["features"]["job"]) for row in seen]), list(jobs)),
        },
        CodedColumn("string", np.array([int(row["prediction"] == "yes") for row in seen]), ["no", "yes"]),
        timed=True,
    )
    return build_profile(reference, model_id="loans", model_version="1").profile


def model(minute: int, *, since: int | None = None, pane: int = MINUTE) -> Model:
    """With the profile of that minute, from minute `since` on."""
    settings = EngineSettings.of(
        PanesConfig(out_of_orderness="5s"), AlertsConfig(resolve_after_panes=10), LimitsConfig(), {}
    )
    made = model_of(profile(minute), settings, pane_length=pane, budget=1.0)
    return made if since is None else replace(made, since=START + since * MINUTE)


def old_then_new() -> list[Model]:
    return [model(0), model(MOVED, since=CHANGED)]


def log(minutes: Iterable[int] = range(END)) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows(minutes)]


def batches(values: Sequence[bytes], sizes: Sequence[int], source: Source, first: int = 0) -> list[RecordBatch]:
    """Cut into batches of these sizes, and the rest."""
    out, at = [], first
    for size in [*sizes, len(values)]:
        part = values[at : at + size]
        if part:
            out.append(RecordBatch(source, range(at, at + len(part)), [0] * len(part), part))
        at += size
    return out


def replayed(models: Sequence[Model], *logs: list[RecordBatch]) -> list[AlertEvent]:
    """The alerts of whole logs, one a source, as a backtest has them."""
    render, decoder = renderer_of(models, RUN), decoder_of(models, None)
    sources = [ReplaySource(ingest_of(models, log[0].source, decoder), log) for log in logs]
    return [render(raised) for step in replay(sources, stage_of(models), ReplayTotals()) for raised in step]


class Line:
    """Both stages, one source, with what they store; may be restarted at any time, with other models."""

    def __init__(self, models: Sequence[Model], sources: Sequence[Source] = SOURCES[:1]) -> None:
        self.sources = sources
        self.fields: dict[str, bytes] = {}
        self.states: dict[Source, bytes] = {}
        self.alerts: list[AlertEvent] = []
        self.messages: list[Message] = []
        self.restart(models)
        self.stage.process([Sources(tuple(sources))])

    def restart(self, models: Sequence[Model]) -> None:
        """As a worker would, from what is stored."""
        decoder, self.models = decoder_of(models, None), models
        self.layouts = {m.layout.profile_hash: m.layout for m in models}
        self.render, self.stage = renderer_of(models, RUN), stage_of(models)
        self.ingests = {source: ingest_of(models, source, decoder) for source in self.sources}
        for source, state in self.states.items():
            restore(self.ingests[source], state)
        if self.fields:
            self.alerts += map(self.render, self.stage.restore(self.fields))

    def take(self, batch: RecordBatch) -> None:
        """A batch through both stages, then a checkpoint."""
        ingest = self.ingests[batch.source]
        messages = [
            decode_message(encode_message(m, self.layouts), self.layouts) for m in ingest.process(batch).messages
        ]
        self.messages += messages
        self.alerts += map(self.render, self.stage.process(messages))
        self.states[batch.source] = snapshot(ingest)
        fields, gone = self.stage.changes()
        assert not set(fields) & set(gone)
        kept = {n: d for n, d in self.fields.items() if not n.startswith("open/") and n not in gone}
        self.fields = kept | fields

    @property
    def partials(self) -> list[PartialPane]:
        return [m for m in self.messages if isinstance(m, PartialPane)]
