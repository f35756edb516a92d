"""Tasks of a worker with all that has a state, what they have stored, and what comes next.

Segments, repeats, detectors on panes and on events, baselines, traffic, open alerts, models without a profile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from driftgauge.alerts.event import Run
from driftgauge.config import Config
from driftgauge.engine.configured import models_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import Sources
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.tasks import DetectTask, IngestTask, PanesTopics, Task
from driftgauge.sinks.base import Publication
from segmented import START, built, events, loans

INPUT, PANES = Source("p", 0), Source("panes", 0)
EVERY_MS = 30_000
CONFIG = {
    "kafka": {"bootstrap_servers": ["h:1"]},
    "topics": {"predictions": INPUT.topic, "panes": PANES.topic},
    "panes": {"length": "1h", "out_of_orderness": "5s", "partitions": 1},
    "detectors": {
        "adwin": {"on": "event"},
        "page_hinkley": {"on": "event", "confirm": False},
        **{name: {"series": ["job|missing"]} for name in ("ddm", "eddm", "hddm_a", "hddm_w", "fhddm")},
        "kswin": {"enabled": True},
    },
    "models": [{"model_id": "loans", "model_version": "1", "profile": "x", "segments": {"values": ["pl"]}}],
}


class Stored(NamedTuple):
    """How a task is made, what it stored, and what comes next."""

    make: Callable[[], Task]
    fields: dict[str, bytes]
    next: RecordBatch


def batch(source: Source, values: list[bytes], first: int) -> RecordBatch:
    return RecordBatch(source, range(first, first + len(values)), [0] * len(values), values)


def stored_tasks() -> dict[str, Stored]:
    """By kind; the first part of a log has been processed, the second comes next."""
    profile = built(loans(20_000, 1), every_ms=8_000).profile
    config = Config.model_validate(CONFIG)
    models = models_of(config, [profile])
    unprofiled = unprofiled_of(config, models)
    layouts = {model.layout.profile_hash: model.layout for model in models}
    render = renderer_of(models, Run(mode="live", run_id="r"), unprofiled)

    def ingest() -> IngestTask:
        made = ingest_of(models, INPUT, decoder_of(models, "predictions", unprofiled=unprofiled), unprofiled=unprofiled)
        return IngestTask(made, PanesTopics(PANES.topic, 1, "dead", layouts, 10**6), gating=True)

    def detect() -> DetectTask:
        return DetectTask(PANES, stage_of(models, unprofiled), layouts, "alerts", render, 1_000_000)

    log = list(events(loans(9_000, 2, null_from=5_000), every_ms=EVERY_MS))
    other = {"model_id": "other", "model_version": "9", "features": {"a": 1}}
    log[5::500] = [json.dumps(other | {"timestamp": START + i * EVERY_MS}).encode() for i in range(5, len(log), 500)]
    counting, judging = ingest(), detect()
    first, second = batch(INPUT, log[:8_000], 0), batch(INPUT, log[8_000:], 8_000)
    judging.process(batch(PANES, [encode_message(Sources((INPUT,)), {}), *panes_of(counting.process(first))], 0))
    counted = counting.changes()[0] | {"decision": str(START).encode()}
    return {
        "ingest": Stored(ingest, counted, second),
        "detect": Stored(
            detect, judging.changes()[0], batch(PANES, panes_of(counting.process(second)), judging.position)
        ),
    }


def panes_of(published: Sequence[Publication]) -> list[bytes]:
    return [record.value for record in published if record.topic == PANES.topic and record.value is not None]
