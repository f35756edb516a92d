"""The scoring service in production: applications to scores and decisions, and what it writes to its event stream.

Not a line of it raises. A NULL is no key of the employment_type table, so its weight is NaN, NaN spreads to the score,
and `score >= cutoff` is False for NaN: rejected. Nothing else makes the rejections of this story.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.demo.scorecard import Scorecard, score_of

MODEL_ID, MODEL_VERSION = "loan-approval", "7"
APPROVED, REJECTED = "approved", "rejected"

Features = dict[str, NDArray[Any]]


class Decisions(NamedTuple):
    """Scores float64 [n] and whether approved, bool [n]."""

    scores: NDArray[np.float64]
    approved: NDArray[np.bool_]


def decide(card: Scorecard, features: Features) -> Decisions:
    """Score applications and compare with the cutoff."""
    encoded = {name: _encode(card, name, column) for name, column in features.items()}
    scores = score_of(encoded, card.weights, card.base)
    return Decisions(scores, scores >= card.cutoff)


def _encode(card: Scorecard, name: str, column: NDArray[Any]) -> NDArray[np.float64]:
    if name in card.bins:
        edges, woe = card.bins[name]
        return woe[np.searchsorted(edges, column)]
    table = card.categories[name]
    return np.array([table.get(value, math.nan) for value in column], np.float64)


def prediction_events(times: NDArray[np.int64], features: Features, made: Decisions, first: int) -> Iterator[bytes]:
    """The service's event of each decision, as Python's `json.dumps` writes it: a NaN score is the token NaN.

    `first` is the number of the first application.
    """
    stamps = np.datetime_as_string(times.astype("datetime64[ms]")).tolist()
    columns = [_json_texts(column) if column.dtype == object else column.tolist() for column in features.values()]
    decisions = [f'"label": "{APPROVED if approved else REJECTED}"' for approved in made.approved.tolist()]
    scores = ["NaN" if math.isnan(score) else repr(score) for score in made.scores.tolist()]
    # %r writes numbers as JSON does, and leaves the texts of _json_texts alone with %s.
    template = ", ".join(f'"{name}": {"%s" if column.dtype == object else "%r"}' for name, column in features.items())
    rows = zip(stamps, zip(*columns, strict=True), decisions, scores, strict=True)
    for number, (stamp, values, decision, score) in enumerate(rows, start=first):
        yield (
            f'{{"event_type": "prediction", "prediction_id": "loan-{number:07d}", "timestamp": "{stamp}Z", '
            f'"model_id": "{MODEL_ID}", "model_version": "{MODEL_VERSION}", "features": {{{template % values}}}, '
            f'"prediction": {{{decision}, "score": {score}}}}}'
        ).encode()


def _json_texts(column: NDArray[Any]) -> list[str]:
    texts = {value: json.dumps(value) for value in set(column.tolist())}
    return [texts[value] for value in column.tolist()]
