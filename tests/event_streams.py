"""Events of the profile of `detector_streams`, and an ingest that has detectors look at them one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from detector_streams import MINUTE, profile
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.ingest.source import SourceIngest
from driftgauge.records import RecordBatch, Source

# Small numbers would be read as seconds.
START = 1_767_225_600_000
A, B = Source("ml.predictions", 0), Source("ml.predictions", 1)
EVERY = {
    "adwin": {"on": "event", "clock": 8, "delta": 0.3},
    "page_hinkley": {"on": "event", "threshold": 2.0},
    "ddm": {"series": ["kind|missing", "kind|share|a"]},
    "eddm": {"series": ["kind|share|b"]},
    "hddm_a": {"series": ["predicted_share|1"], "two_sided_test": True},
    "hddm_w": {"series": ["amount|out_of_range", "amount|missing"]},
    "fhddm": {"series": ["kind|share|b"], "sliding_window_size": 20, "confidence_level": 0.1},
}


def model(limit: int = 4, **detectors: Any) -> Model:
    settings = EngineSettings.of(
        PanesConfig(out_of_orderness="5s"), AlertsConfig(), LimitsConfig(event_alarms=limit), detectors
    )
    return model_of(profile(), settings, pane_length=MINUTE, budget=1.0)


def ingest(of: Model, source: Source = A) -> SourceIngest:
    return ingest_of([of], source, decoder_of([of], None))


def event(at: int, **fields: Any) -> bytes:
    """A prediction event `at` ms after START; fields as given, else in the middle of the reference."""
    given = {"amount": 5.0, "kind": "a", "constant": 1.0, "prediction": 0, **fields}
    prediction = given.pop("prediction")
    content = {"model_id": "m", "model_version": "1", "timestamp": START + at, "features": given}
    return json.dumps(content | ({} if prediction is None else {"prediction": prediction})).encode()


def batch(values: Sequence[bytes], first: int = 0, source: Source = A) -> RecordBatch:
    return RecordBatch(source, range(first, first + len(values)), [0] * len(values), values)


def drawn(seed: int, count: int, changes: Iterable[int] = (), every_ms: int = 200) -> list[bytes]:
    """Events whose every field changes at the numbers given, with NULL, NaN, text, partial and late ones among them."""
    rng, changes = np.random.default_rng(seed), list(changes)
    events = []
    for i in range(count):
        off = sum(i >= change for change in changes) % 2
        fields: dict[str, Any] = {
            "amount": rng.choice([float(rng.normal(5 + 4 * off, 2)), float("nan"), None, "x", 1e9], p=PARTS[off]),
            "kind": rng.choice(
                ["a", "b", "c", "z", ""], p=[0.6 - 0.5 * off, 0.3 + 0.4 * off, 0.05, 0.05 + 0.1 * off, 0]
            ),
            "prediction": [int(rng.random() < 0.2 + 0.6 * off), None][int(rng.random() < 0.1)],
        }
        if rng.random() < 0.05:
            fields["kind"] = None
        events.append(event(i * every_ms - (90_000 if rng.random() < 0.02 else 0), **fields))
    return events


PARTS = ([0.9, 0.03, 0.03, 0.02, 0.02], [0.75, 0.1, 0.1, 0.02, 0.03])
