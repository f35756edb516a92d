"""The plot: two days of training data, two quiet days and a bit in production, then a rollout that breaks a field.

From 10:03 on the service upstream is rolled out in steps, and its new version leaves `employment_type` out of the
request. Promises: the same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.demo.applicants import HOUR, Applicants, draw_hour
from driftgauge.demo.scorecard import Scorecard, train
from driftgauge.demo.serving import decide, prediction_events

_DAY = 24 * HOUR
_MINUTE = 60_000
# 2025-03-10 and -11, a year before, so that it is known who repaid.
TRAINING_START, TRAINING_HOURS = 1_741_564_800_000, 48
# 2026-03-15T00:00:00Z
START = 1_773_532_800_000
BREAK = START + 2 * _DAY + 10 * HOUR + 3 * _MINUTE
END = START + 2 * _DAY + 13 * HOUR
# When, and the share of requests that come from the new version from then on.
ROLLOUT = (
    (BREAK, 0.05),
    (BREAK + 15 * _MINUTE, 0.10),
    (BREAK + 30 * _MINUTE, 0.40),
    (BREAK + 45 * _MINUTE, 0.93),
)
BROKEN_FIELD = "employment_type"


class Training(NamedTuple):
    """The applicants a model was trained on, and the model."""

    applicants: Applicants
    card: Scorecard


class Served(NamedTuple):
    """An hour of production: event times (int64 ms), the events' bytes, scores (float64), who was approved (bool)."""

    times: NDArray[np.int64]
    events: list[bytes]
    scores: NDArray[np.float64]
    approved: NDArray[np.bool_]


def training(seed: int) -> Training:
    """Draw the training data and train the scorecard on them."""
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    hours = [draw_hour(generator, TRAINING_START + i * HOUR) for i in range(TRAINING_HOURS)]
    applicants = Applicants(*(np.concatenate(columns) for columns in zip(*hours, strict=True)))
    return Training(applicants, train(applicants))


def production(seed: int, card: Scorecard) -> Iterator[Served]:
    """Serve the applications of the story, hour by hour."""
    generator = np.random.Generator(np.random.PCG64([seed, 2]))
    number = 1
    for start in range(START, END, HOUR):
        applicants = draw_hour(generator, start)
        features = applicants.features
        lost = generator.random(len(applicants.times)) < lost_share(applicants.times)
        features[BROKEN_FIELD][lost] = None
        made = decide(card, features)
        events = list(prediction_events(applicants.times, features, made, number))
        number += len(events)
        yield Served(applicants.times, events, made.scores, made.approved)


def lost_share(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of requests without the field at each time (ms), float64 [n]."""
    steps, shares = zip((START, 0.0), *ROLLOUT, strict=True)
    return np.array(shares)[np.searchsorted(steps, times, side="right") - 1]
