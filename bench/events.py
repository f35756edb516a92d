"""The events both sides read: seeded, canonical JSON, 46 numeric and 5 categorical features, about 1.2 kB each.

The reference that the profile is built from is drawn from the same distributions. From the middle of a stream on one
feature goes missing in 30 % of the events, so that the alert path is part of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import CodedColumn, NumericColumn

MODEL_ID, MODEL_VERSION = "credit-risk", "12"
NUMERIC = tuple(f"metric_{i:02d}" for i in range(46))
CATEGORIES = {
    "employment_type": ("employee", "self_employed", "civil_servant", "retired", "student"),
    "region": tuple(f"region_{i:02d}" for i in range(20)),
    "channel": ("web", "branch", "phone"),
    "product": tuple(f"product_{i}" for i in range(8)),
    "device": ("android", "ios", "desktop", "kiosk"),
}
LABELS = ("approved", "rejected")
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
EVENTS_PER_MINUTE = 8000
REFERENCE_ROWS = 20_000
MISSING = 0.01
BROKEN, BROKEN_MISSING = "metric_07", 0.3


@dataclass(frozen=True)
class Table:
    """n rows: numbers float64 [n, 46] (NaN = missing), codes int64 [n] by categorical feature, the model's outputs."""

    numbers: NDArray[np.float64]
    codes: dict[str, NDArray[np.int64]]
    score: NDArray[np.float64]
    label: NDArray[np.int64]


def draw(rng: np.random.Generator, n: int) -> Table:
    """n independent rows. Scales differ by feature as they do in life: shares, amounts, counts."""
    numbers = rng.standard_normal((n, len(NUMERIC)))
    for i in range(len(NUMERIC)):
        if i % 3 == 0:
            numbers[:, i] = np.round(np.exp(8 + 0.7 * numbers[:, i]), 2)
        elif i % 3 == 1:
            numbers[:, i] = np.round(0.5 + 0.1 * numbers[:, i], 6)
        else:
            numbers[:, i] = np.floor(np.abs(40 + 12 * numbers[:, i]))
    numbers[rng.random(numbers.shape) < MISSING] = np.nan
    codes = {}
    for name, values in CATEGORIES.items():
        weights = 1 / np.arange(1, len(values) + 1)
        codes[name] = rng.choice(len(values), n, p=weights / weights.sum())
    score = np.round(rng.beta(5, 2, n), 6)
    return Table(numbers, codes, score, (score < 0.6).astype(np.int64))


def build_reference_profile(seed: int = 1) -> Profile:
    """The profile of a training sample, as `profile build` makes it."""
    table = draw(np.random.default_rng(seed), REFERENCE_ROWS)
    columns: dict[str, NumericColumn | CodedColumn] = {
        name: NumericColumn(table.numbers[:, i].copy()) for i, name in enumerate(NUMERIC)
    }
    columns |= {name: CodedColumn("string", table.codes[name], list(values)) for name, values in CATEGORIES.items()}
    reference = Reference(
        files=["reference"],
        times=_times(REFERENCE_ROWS),
        features=columns,
        prediction=CodedColumn("string", table.label, list(LABELS)),
        score=NumericColumn(table.score),
    )
    return build_profile(reference, model_id=MODEL_ID, model_version=MODEL_VERSION).profile


def events(n: int, *, seed: int = 2, odd: float = 0.0) -> Iterator[bytes]:
    """n events as their producers would write them.

    `odd` is the share of them that no strict reader takes: half with a NaN token for a number, as Python's json writes
    it, half with a number as text.
    """
    rng = np.random.default_rng(seed)
    table = draw(rng, n)
    broken = NUMERIC.index(BROKEN)
    table.numbers[(np.arange(n) >= n // 2) & (rng.random(n) < BROKEN_MISSING), broken] = np.nan
    strange = rng.random(n) < odd
    where = rng.integers(0, len(NUMERIC), n).tolist()
    times = np.datetime_as_string(_times(n).astype("datetime64[ms]"), unit="ms").tolist()
    numbers = table.numbers.tolist()
    categories = {name: [values[c] for c in table.codes[name].tolist()] for name, values in CATEGORIES.items()}
    rows = zip(times, numbers, zip(*categories.values(), strict=True), table.score.tolist(), table.label, strict=True)
    for i, (time, row, names, score, label) in enumerate(rows):
        event = _event(i, time, row, names, score, LABELS[label])
        if strange[i]:
            yield _with_nan(event, NUMERIC[where[i]]) if i % 2 else _with_text(event, NUMERIC[where[i]])
        else:
            yield orjson.dumps(event)


def _times(n: int) -> NDArray[np.int64]:
    return START + np.arange(n, dtype=np.int64) * 60_000 // EVENTS_PER_MINUTE


def _event(i: int, time: str, row: list[float], names: tuple[str, ...], score: float, label: str) -> dict[str, Any]:
    # orjson writes NaN as null: a missing value.
    features: dict[str, Any] = dict(zip(NUMERIC, row, strict=True))
    features |= zip(CATEGORIES, names, strict=True)
    return {
        "event_type": "prediction",
        "prediction_id": f"req-{i:010d}",
        "timestamp": f"{time}Z",
        "model_id": MODEL_ID,
        "model_version": MODEL_VERSION,
        "features": features,
        "prediction": {"label": label, "score": score},
        "latency_ms": 12.5,
    }


def _with_nan(event: dict[str, Any], name: str) -> bytes:
    event["features"][name] = orjson.Fragment(b"NaN")
    return orjson.dumps(event)


def _with_text(event: dict[str, Any], name: str) -> bytes:
    event["features"][name] = "n/a"
    return orjson.dumps(event)
