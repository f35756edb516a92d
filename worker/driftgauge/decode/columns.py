"""What decode yields: rejects, and per subject the fields' values as columns. Never an object per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.panes.schedule import ALWAYS
from driftgauge.subject import Subject


class RejectCode(StrEnum):
    """Why a record is no event. Bounded: these are header values and log fields."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_MODEL_ID = "no_model_id"
    BAD_TIMESTAMP = "bad_timestamp"
    TIMESTAMP_IN_FUTURE = "timestamp_in_future"


class Reject(NamedTuple):
    """Row `row` of the batch is no event; `message` says what and where, for a person."""

    row: int
    code: RejectCode
    message: str


@dataclass(frozen=True, slots=True)
class EventColumns:
    """The events of one subject in one batch, n rows, in offset order.

    `rows` int64 [n]: positions in the record batch. `columns[i]` belongs to slot i of the subject's layout:
    float64 [n] for numeric fields (NaN = missing, +-inf = invalid), int64 [n] for categorical ones, holding the cell
    index within the slot. `has_features` / `has_prediction` bool [n]: which part of a partial event was there; the
    other part's column values are meaningless. A column of length 0 is not counted: its part is in no event, or these
    events name only the other output (a bare prediction where the profile has both score and label). One subject may
    have several EventColumns in a batch, with disjoint rows. `since`: of the `ModelDecoding` that they were read by.
    `ids` uint32 [n], by slot: of categorical features whose repeats are watched, what tells values of one cell apart
    (`profiles/repeats.py`).
    `segments` int64 [n]: positions among its segments, -1 for an event in none of them; None where it has none.
    """

    subject: Subject
    rows: NDArray[np.int64]
    columns: Sequence[NDArray[Any]]
    has_features: NDArray[np.bool_]
    has_prediction: NDArray[np.bool_]
    since: int = ALWAYS
    ids: Mapping[int, NDArray[np.uint32]] = field(default_factory=dict)
    segments: NDArray[np.int64] | None = None


class UnprofiledRows(NamedTuple):
    """Accepted rows of subjects without a profile, n of them, in offset order; no label events among them.

    `rows` int64 [n]: positions in the record batch. `codes` int64 [n]: positions in `subjects`, which are distinct.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    subjects: Sequence[Subject]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded batch of N records.

    `timestamps` int64 [N]: event time in ms since the epoch (of rejects: 0). `accepted` bool [N]: False for rejects.
    An accepted row of a model or version that has no profile is in no `EventColumns`, but in `unprofiled` (None: there
    is none); `unknown_models` counts those by id (at most 100 ids, the rest under "…").
    """

    timestamps: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    rejects: Sequence[Reject]
    events: Sequence[EventColumns]
    unknown_models: dict[str, int]
    unprofiled: UnprofiledRows | None = None
