"""A loan model that is watched by country: its reference, its events, and what of a country breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from driftgauge.profiles.build import Built, Reference, build_profile
from driftgauge.profiles.reference import ColumnGatherer, Tags
from driftgauge.profiles.tag_text import tag_text

START = 1_773_532_800_000  # 2026-03-15T00:00:00Z
COUNTRIES = ("de", "fr", "it", "es", "pl")
SHARES = (0.4, 0.25, 0.2, 0.1, 0.05)
JOBS = ("salaried", "self_employed", "unemployed")
# By nature, countries differ: nobody is unemployed in pl, and incomes rise from country to country.
JOB_SHARES = ((0.7, 0.2, 0.1), (0.5, 0.3, 0.2), (0.4, 0.4, 0.2), (0.6, 0.1, 0.3), (0.9, 0.1, 0.0))


def loans(count: int, seed: int, *, null_from: int | None = None, where: str = "pl") -> list[dict]:
    """Rows; from number `null_from` on the job is missing in 90 % of those of one country."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        at = int(rng.choice(len(COUNTRIES), p=SHARES))
        job = JOBS[rng.choice(3, p=JOB_SHARES[at])]
        stormy = null_from is not None and i >= null_from and COUNTRIES[at] == where
        missing = rng.random() < (0.9 if stormy else 0.01)
        rows.append(
            {
                "income": round(float(rng.lognormal(10 + 0.3 * at, 0.5)), 2),
                "job": None if missing else job,
                "decision": "rejected" if missing or rng.random() < 0.2 else "approved",
                "country": COUNTRIES[at],
            }
        )
    return rows


def event_of(row: dict, number: int, *, every_ms: int, start: int = START) -> bytes:
    """A row as its producer would write it."""
    event = {
        "model_id": "loans",
        "model_version": "1",
        "timestamp": start + number * every_ms,
        "features": {"income": row["income"], "job": row["job"]},
        "prediction": row["decision"],
        "tags": {"channel": "web", "country": row["country"]},
    }
    return json.dumps(event).encode()


def events(rows: list[dict], *, every_ms: int, start: int = START) -> Iterator[bytes]:
    return (event_of(row, i, every_ms=every_ms, start=start) for i, row in enumerate(rows))


def column(kind, values):
    gatherer = ColumnGatherer(kind)
    gatherer.extend(values)
    return gatherer.column()


def reference(rows: list[dict], *, every_ms: int, tagged: bool = True) -> Reference:
    texts = ColumnGatherer("string")
    texts.extend(tag_text(row["country"]) for row in rows)
    return Reference(
        ["train.csv"],
        START - 40 * 86_400_000 + every_ms * np.arange(len(rows), dtype=np.int64),
        {
            "income": column("numeric", [row["income"] for row in rows]),
            "job": column("string", [row["job"] for row in rows]),
        },
        column("string", [row["decision"] for row in rows]),
        timed=True,
        tags=Tags("country", texts.coded()) if tagged else None,
    )


def built(rows: list[dict], *, every_ms: int = 2000, tagged: bool = True, **options) -> Built:
    return build_profile(
        reference(rows, every_ms=every_ms, tagged=tagged), model_id="loans", model_version="1", **options
    )
