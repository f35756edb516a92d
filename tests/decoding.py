"""Models and a readable view of decoded batches, shared by the tests of decode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from driftgauge.decode.columns import Decoded
from driftgauge.decode.decoder import Decoder
from driftgauge.decode.model import ModelDecoding
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ProfileField,
    ReferenceSpan,
)
from driftgauge.records import RecordBatch, Source
from driftgauge.subject import Subject

RECORD_TIME = 777


def numeric() -> NumericField:
    return NumericField(
        edges=[0.0, 1.0], low=-5.0, high=5.0, minimum=-4.0, maximum=4.0, mean=0.0, sd=1.0, counts=[1] * 7
    )


def categorical(value_type: Any, *categories: Any, known_other: Sequence[Any] = ()) -> CategoricalField:
    return CategoricalField(
        value_type=value_type,
        categories=list(categories),
        known_other=list(known_other),
        counts=[1] * (len(categories) + 4),
    )


def model(
    name: str,
    version: str,
    features: dict[str, ProfileField],
    prediction: PredictionProfile | None = None,
    *,
    count_features: bool = True,
    count_prediction: bool = True,
    tag: str = "",
    segments: tuple[str, ...] = (),
) -> ModelDecoding:
    span = ReferenceSpan(files=[], rows=8, first_ms=0, last_ms=1)
    profile = Profile(
        model_id=name,
        model_version=version,
        reference=span,
        suggested_pane="60s",
        features=features,
        prediction=prediction,
    )
    subject = Subject(name, version)
    return ModelDecoding(
        subject, Layout.of(profile), prediction, count_features, count_prediction, tag=tag, segments=segments
    )


def loan(**counts: bool) -> ModelDecoding:
    features: dict[str, ProfileField] = {
        "job": categorical("string", "cook", "clerk", known_other=["smith"]),
        "income": numeric(),
        "grade": categorical("integer", 1, 2, 3),
        "owner": categorical("boolean", True, False),
        "age": numeric(),
    }
    prediction = PredictionProfile(scalar="score", score=numeric(), label=categorical("string", "yes", "no"))
    return model("loan", "7", features, prediction, **counts)


def batch(*values: bytes | None) -> RecordBatch:
    return RecordBatch(Source("t", 0), range(len(values)), [RECORD_TIME] * len(values), values)


def rows_of(decoded: Decoded, models: Sequence[ModelDecoding]) -> list[Any]:
    """What became of every row: a reject code, or its time and, if it is of a model, the values it is counted by.

    And the number of its segment, where the model has any.
    """
    seen: list[Any] = [
        [int(time)] if ok else None for time, ok in zip(decoded.timestamps, decoded.accepted, strict=True)
    ]
    for reject in decoded.rejects:
        assert seen[reject.row] is None, "rejected twice, or rejected and accepted"
        assert decoded.timestamps[reject.row] == 0
        seen[reject.row] = reject.code.value
    layouts = {(m.subject, m.since): m.layout for m in models}
    for events in decoded.events:
        for at, row in enumerate(events.rows.tolist()):
            assert len(seen[row]) == 1, "an event stands in two groups of columns"
            seen[row] += [str(events.subject), *_values(events, at, layouts[events.subject, events.since])]
            seen[row] += [int(events.segments[at])] if events.segments is not None else []
    assert None not in seen, "neither accepted nor rejected"
    return seen


def _values(events: Any, at: int, layout: Layout) -> list[Any]:
    parts: list[Any] = []
    for slots, present in ((layout.features, events.has_features[at]), (layout.outputs, events.has_prediction[at])):
        columns = {slot.name: events.columns[slot.index] for slot in slots}
        # As text, since NaN equals nothing.
        parts.append({name: str(c[at].item()) for name, c in columns.items() if len(c)} if present else None)
    return parts


def outcome(decoder: Decoder, models: Sequence[ModelDecoding], *values: bytes | None) -> list[Any]:
    return rows_of(decoder.decode(batch(*values)), models)
