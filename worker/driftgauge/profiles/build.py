"""From the reference's columns to a profile.

Pure: `sources.reference_file` reads, this counts. Promises: the same rows give the same profile, however they were
read and in whatever pieces; and whatever was decided on the user's behalf is in `notes`, in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.errors import InputError
from driftgauge.profiles.bins import Counted, categorical_field, numeric_field, whole_values
from driftgauge.profiles.build_segments import SEGMENTS, with_segments
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.noise import psi_noise, series_noise
from driftgauge.profiles.notes import UNTIMED, Note, notes_on
from driftgauge.profiles.offline_metrics import offline_metrics
from driftgauge.profiles.pane_length import suggest_pane
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
    category_text,
)
from driftgauge.profiles.reference import MISSING_CODE, CodedColumn, Column, NumericColumn, Tags
from driftgauge.profiles.repeat_noise import repeat_noise
from driftgauge.profiles.repeats import Ids, number_ids, text_id

OUT_OF_RANGE_MARGIN = 0.1
# A numeric prediction of more distinct whole numbers than this is a quantity, not a class.
MAX_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Reference:
    """The rows a profile is built from; all columns have as many rows as `times` (int64 ms, in any order).

    `timed`: whether `times` come from a column of the rows, rather than from counting them. `has_features`,
    `has_prediction` bool [n]: which part of a partial event was there (None: both in all rows); the other part's
    columns say nothing then. `tags`: the segment of each row, if the model is watched by segments too.
    """

    files: Sequence[str]
    times: NDArray[np.int64]
    features: Mapping[str, Column]
    prediction: Column | None = None
    score: NumericColumn | None = None
    actual: Column | None = None
    timed: bool = False
    has_features: NDArray[np.bool_] | None = None
    has_prediction: NDArray[np.bool_] | None = None
    tags: Tags | None = None


class Built(NamedTuple):
    """The profile, and what a person should know about how it came about."""

    profile: Profile
    notes: list[Note]


class _Output(NamedTuple):
    scalar: Literal["label", "score"]
    label: CodedColumn | None
    score: NumericColumn | None


def build_profile(
    reference: Reference,
    *,
    model_id: str,
    model_version: str,
    margin: float = OUT_OF_RANGE_MARGIN,
    positive: str | None = None,
    segments: int = SEGMENTS,
) -> Built:
    """The profile of `reference`. `margin`: share of a numeric column's range beyond which a value is out of range.

    `positive`: text of the positive class for precision and recall. `segments`: how many at most have a reference of
    their own. InputError where nothing can be built.
    """
    times = reference.times
    output = _output(reference)
    score_values = output.score.values if output is not None and output.score is not None else None
    notes: list[Note] = []
    features: dict[str, Counted] = {}
    for name, column in reference.features.items():
        counted = _told(column, score_values, reference.has_features, margin)
        notes += notes_on(name, column, counted.field if counted is not None else None, timed=reference.timed)
        if counted is not None:
            features[name] = counted
    if not features:
        raise InputError("every feature column is empty; nothing can be compared with such a reference")
    prediction, output_cells = _prediction(output, score_values, reference.has_prediction, margin)
    if not reference.timed:
        notes.append(UNTIMED)
    pane = suggest_pane(times)
    profile = Profile(
        model_id=model_id,
        model_version=model_version,
        reference=ReferenceSpan(
            files=list(reference.files),
            rows=len(times),
            first_ms=int(times.min()),
            last_ms=int(times.max()),
            timed=reference.timed,
        ),
        suggested_pane=format_duration(pane),
        features={name: counted.field for name, counted in features.items()},
        prediction=prediction,
        offline_metrics=_metrics(reference.actual, output, positive),
    )
    cells = [*(counted.cells for counted in features.values()), *output_cells]
    profile = _with_noise(profile, pane, times, cells)
    if reference.timed:
        profile = _with_repeats(profile, reference, features)
    if reference.tags is not None:
        profile, about = with_segments(profile, reference.tags, times, cells, score_values, segments)
        notes += about
    return Built(profile, notes)


def _told(
    column: Column, score: NDArray[np.float64] | None, there: NDArray[np.bool_] | None, margin: float
) -> Counted | None:
    """The field of a column from the rows that are `there`; the cell of the others is -1."""
    if there is None:
        return _field(column, score, margin)
    counted = _field(column.take(there), score[there] if score is not None else None, margin)
    if counted is None:
        return None
    cells = np.full(len(there), -1, np.int64)
    cells[there] = counted.cells
    return counted._replace(cells=cells)


def _field(column: Column, score: NDArray[np.float64] | None, margin: float) -> Counted | None:
    if isinstance(column, NumericColumn):
        return numeric_field(column, score, margin)
    return categorical_field(column, score)


def _output(reference: Reference) -> _Output | None:
    """What the prediction is: a class, or where it is a number of many values, a score."""
    column, score = reference.prediction, reference.score
    if column is None:
        return _Output("score", None, score) if score is not None else None
    if isinstance(column, CodedColumn):
        return _Output("label", column, score)
    whole = whole_values(column, MAX_CLASSES)
    if whole is not None:
        return _Output("label", _coded(column, whole), score)
    if score is not None:
        raise InputError(
            f"the prediction (--prediction) holds fractions or more than {MAX_CLASSES} different numbers, and there is "
            "a score (--score) too; a prediction beside a score must be a class: give one of the two"
        )
    return _Output("score", None, column)


def _coded(column: NumericColumn, whole: list[int]) -> CodedColumn:
    """A numeric column of few whole numbers as integer classes."""
    finite = np.isfinite(column.values)
    codes = np.full(len(column.values), MISSING_CODE, np.int64)
    codes[finite] = np.searchsorted(np.array(whole, np.float64), column.values[finite])
    codes[np.isinf(column.values)] = len(whole)
    # A value that is no number keeps a code of its own, of a type that no class has: it counts as invalid.
    values: list[int | str] = [*whole, "invalid"]
    return CodedColumn("integer", codes, values if np.isinf(column.values).any() else list(whole))


def _prediction(
    output: _Output | None, score: NDArray[np.float64] | None, there: NDArray[np.bool_] | None, margin: float
) -> tuple[PredictionProfile | None, list[NDArray[np.int64]]]:
    """The output's fields, and their cells in the layout's order (score, then label)."""
    if output is None:
        return None, []
    counted_score = _told(output.score, None, there, margin) if output.score is not None else None
    counted_label = _told(output.label, score, there, margin) if output.label is not None else None
    if (output.score is not None and counted_score is None) or (output.label is not None and counted_label is None):
        raise InputError("the prediction or score column is empty; leave its option away")
    score_field = counted_score.field if counted_score is not None else None
    label_field = counted_label.field if counted_label is not None else None
    prediction = PredictionProfile(
        scalar=output.scalar,
        label=label_field if isinstance(label_field, CategoricalField) else None,
        score=score_field if isinstance(score_field, NumericField) else None,
    )
    return prediction, [c.cells for c in (counted_score, counted_label) if c is not None]


def _metrics(actual: Column | None, output: _Output | None, positive: str | None) -> dict[str, float]:
    if actual is None or output is None:
        return {}
    if isinstance(actual, NumericColumn):
        # Beside a bare score, only 0 and 1 are surely classes; more values may be amounts.
        whole = whole_values(actual, MAX_CLASSES if output.label is not None else 2)
        if whole is not None:
            actual = _coded(actual, whole)
    return offline_metrics(actual, output.label, output.score, positive)


def _with_noise(profile: Profile, pane: int, times: NDArray[np.int64], cells: list[NDArray[np.int64]]) -> Profile:
    """The profile, with each field's movement in the reference measured at the suggested pane."""
    layout = Layout.of(profile)
    order = np.argsort(times, kind="stable")
    times, cells = times[order], [column[order] for column in cells]
    noise = series_noise(layout, pane, times, cells)
    fields = [
        slot.spec.model_copy(update={"noise": noise[slot.index], "psi": psi_noise(slot, times, cells[slot.index])})
        for slot in layout.slots
    ]
    features = {slot.name: fields[slot.index] for slot in layout.features}
    outputs: dict[str, NumericField | CategoricalField] = {slot.role: fields[slot.index] for slot in layout.outputs}
    prediction = profile.prediction.model_copy(update=outputs) if profile.prediction is not None else None
    return profile.model_copy(update={"features": features, "prediction": prediction})


def _with_repeats(profile: Profile, reference: Reference, counted: Mapping[str, Counted]) -> Profile:
    """The profile, with how often each feature's values repeat in panes; rows without times can't say."""
    order = np.argsort(reference.times, kind="stable")
    if reference.has_features is not None:
        order = order[reference.has_features[order]]
    columns, ids = [], []
    for name, feature in counted.items():
        column = reference.features[name]
        columns.append((column.values if isinstance(column, NumericColumn) else feature.cells)[order])
        of_values = _ids(column, feature)
        ids.append(None if of_values is None else of_values[order])
    measured = repeat_noise(reference.times[order], columns, ids)
    features = {
        name: field.model_copy(update={"repeats": repeats})
        for (name, field), repeats in zip(profile.features.items(), measured, strict=True)
    }
    return profile.model_copy(update={"features": features})


def _ids(column: Column, counted: Counted) -> Ids | None:
    """What tells a column's values apart; None for categories that are few enough to be told of each by itself."""
    if isinstance(column, NumericColumn):
        return number_ids(column.values)
    if not isinstance(counted.field, CategoricalField) or not counted.field.other_open:
        return None
    kind = type(counted.field.categories[0])
    by_code = [text_id(category_text(value)) if type(value) is kind else 0 for value in column.values]
    return np.array([*by_code, 0], np.uint32)[column.codes]
