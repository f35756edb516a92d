"""A model whose repeats are watched, its events, and how they are taken in: shared by the tests of repeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.ingest.source import SourceIngest
from driftgauge.profiles.profile import CategoricalField, NumericField, Profile, ReferenceSpan, RepeatNoise
from driftgauge.records import RecordBatch, Source

MINUTE = 60_000
SOURCE = Source("ml.predictions", 0)
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def noise(mean: float = 0.0, *, length: str = "1m", among: int = 20, anywhere: float = 0.0) -> RepeatNoise:
    return RepeatNoise(
        length=length,
        among=among,
        panes=1000,
        drawn=60_000,
        mean=mean,
        anywhere=anywhere,
        variance=mean * (1 - mean) / 60,
        lag1=0.0,
        mean_n=60.0,
    )


def amount(*repeats: RepeatNoise) -> NumericField:
    counts = [250, 250, 250, 250, 0, 0, 0, 0]
    return NumericField(
        edges=[1.0, 2.0, 3.0],
        low=0.0,
        high=4.0,
        minimum=0.0,
        maximum=4.0,
        mean=2.0,
        sd=1.0,
        counts=counts,
        repeats=list(repeats),
    )


def client(value_type: str, *repeats: RepeatNoise) -> CategoricalField:
    known = ["a", "b"] if value_type == "string" else [1, 2]
    return CategoricalField(
        value_type=value_type, categories=known, other_open=True, counts=[20, 20, 960, 0, 0, 0], repeats=list(repeats)
    )


def repeating_profile(**features: NumericField | CategoricalField) -> Profile:
    return Profile(
        model_id="loans",
        model_version="1",
        reference=ReferenceSpan(files=["train.csv"], rows=1000, first_ms=0, last_ms=999_000),
        suggested_pane="1m",
        features=features or {"amount": amount(noise()), "client": client("string", noise()), "age": amount()},
    )


def repeating_model(profile: Profile | None = None, *, limit: int = 8, pane: int = MINUTE) -> Model:
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(distinct_features=limit), {})
    return model_of(profile or repeating_profile(), settings, pane_length=pane, budget=1.0)


def ingest(model: Model, source: Source = SOURCE) -> SourceIngest:
    return ingest_of([model], source, decoder_of([model], "predictions"))


def event(since: int, **features: object) -> bytes:
    """An event so many ms after START."""
    return orjson.dumps({"model_id": "loans", "model_version": "1", "timestamp": START + since, "features": features})


def records(values: Sequence[bytes], first: int = 0, source: Source = SOURCE) -> RecordBatch:
    n = len(values)
    return RecordBatch(source, range(first, first + n), [0] * n, values, [None] * n, [()] * n)


def taken(of: SourceIngest, values: Sequence[bytes], sizes: Iterable[int] = ()) -> list:
    """All messages for these values, in batches of the given sizes and then the rest at once."""
    messages, at = [], 0
    for size in (*sizes, len(values)):
        messages += of.process(records(values[at : at + size], at, of.source)).messages
        at += size
    return messages + of.finish().messages
