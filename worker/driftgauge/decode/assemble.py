"""From event objects to columns: one array per slot, made for a whole batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.decode.typed import INVALID, TypedModel
from driftgauge.profiles.cells import category_index
from driftgauge.profiles.layout import Role, Slot
from driftgauge.profiles.profile import CategoricalField, NumericField, category_text
from driftgauge.profiles.repeats import Ids, text_id
from driftgauge.profiles.tag_text import tag_text

_Column = NDArray[Any]
# The same limit for integer categories as for numbers, where it is what a float can hold.
_TOO_BIG = 1 << 1024
_EMPTY_FLOATS: _Column = np.empty(0, np.float64)
_EMPTY_CELLS: _Column = np.empty(0, np.int64)


class Assembler:
    """Makes the `EventColumns` of one model.

    A bare prediction says nothing about the other output of a profile with two. Its events then get `EventColumns` of
    their own, in which the column of the output that isn't judged is empty.
    """

    def __init__(self, typed: TypedModel) -> None:
        self._typed = typed
        self._no_features = typed.features_type()
        outputs = typed.model.outputs
        self._cells: dict[int, Callable[[Sequence[Any]], _Column]] = {
            slot.index: _cells_of(slot.spec)
            for slot in (*typed.categorical, *outputs.values())
            if isinstance(slot.spec, CategoricalField)
        }
        watched = {slot.index for slot in typed.model.layout.repeats}
        first = len(typed.numeric)
        self._watched = {s.index: at for at, s in enumerate(typed.categorical, first) if s.index in watched}
        self._segments: dict[Any, int] = {text: code for code, text in enumerate(typed.model.segments)}

    def columns(self, rows: Sequence[int], events: Sequence[Any]) -> list[EventColumns]:
        """The columns of events that stand in the given rows of the batch: one value, or two as said above."""
        if len(self._typed.model.outputs) < 2:
            return [self._group(rows, events, tuple(self._typed.model.outputs))] if events else []
        both: tuple[Role, ...] = ("score", "label")
        if not events:
            return []
        outputs_type = self._typed.outputs_type
        if {type(event.prediction) for event in events} <= {outputs_type, UnsetType}:
            return [self._group(rows, events, both)]
        groups: dict[bool, tuple[list[int], list[Any]]] = {}
        for row, event in zip(rows, events, strict=True):
            prediction = event.prediction
            bare = prediction is not UNSET and type(prediction) is not outputs_type
            of_row, of_event = groups.setdefault(bare, ([], []))
            of_row.append(row)
            of_event.append(event)
        roles: dict[bool, tuple[Role, ...]] = {True: (self._typed.model.scalar,), False: both}
        return [self._group(*group, roles[bare]) for bare, group in groups.items()]

    def _group(self, rows: Sequence[int], events: Sequence[Any], judged: Sequence[Role]) -> EventColumns:
        model = self._typed.model
        columns: list[_Column] = [
            _EMPTY_FLOATS if isinstance(slot.spec, NumericField) else _EMPTY_CELLS for slot in model.layout.slots
        ]
        has_features, ids = np.zeros(len(events), np.bool_), {}
        if model.count_features:
            parts = [event.features for event in events]
            has_features = _there(parts, type(None))
            if has_features.all():
                ids = self._fill_features(columns, parts)
            elif has_features.any():
                ids = self._fill_features(columns, [part or self._no_features for part in parts])
        predictions = [event.prediction for event in events]
        has_prediction = _there(predictions, UnsetType) & model.counts_prediction
        if has_prediction.any():
            self._fill_outputs(columns, predictions, judged)
        where = np.array(rows, np.int64)
        segments = self._codes(events) if self._segments else None
        return EventColumns(model.subject, where, columns, has_features, has_prediction, model.since, ids, segments)

    def _codes(self, events: Sequence[Any]) -> _Column:
        """The position of each event's segment, -1 for none of them."""
        values = [None if event.tags is None else event.tags.value for event in events]
        if not set(map(type, values)) <= {str, type(None)}:
            values = list(map(tag_text, values))
        return np.array([self._segments.get(value, -1) for value in values], np.int64)

    def _fill_features(self, columns: list[_Column], parts: Sequence[Any]) -> dict[int, Ids]:
        """Fills the columns of the features; returns the ids of values that are watched for repeats."""
        count = len(self._typed.numeric)
        tuples = list(map(astuple, parts))
        # One array of all rows and one transposition are twice as fast as an array per column. None becomes NaN in it.
        numbers = chain.from_iterable([values[:count] for values in tuples])
        matrix = np.fromiter(numbers, np.float64, len(parts) * count)
        by_column = np.ascontiguousarray(matrix.reshape(len(parts), count).T)
        for at, slot in enumerate(self._typed.numeric):
            columns[slot.index] = by_column[at]
        for at, slot in enumerate(self._typed.categorical, start=count):
            columns[slot.index] = self._cells[slot.index]([values[at] for values in tuples])
        return {index: _ids([values[at] for values in tuples]) for index, at in self._watched.items()}

    def _fill_outputs(self, columns: list[_Column], predictions: Sequence[Any], judged: Sequence[Role]) -> None:
        model, outputs_type = self._typed.model, self._typed.outputs_type
        plain = set(map(type, predictions)) == {outputs_type}
        for role in judged:
            slot: Slot = model.outputs[role]
            values = list(map(attrgetter(role), predictions)) if plain else [
                None if p is UNSET else getattr(p, role) if type(p) is outputs_type
                # With one output only, a bare prediction is that one.
                else p
                for p in predictions
            ]  # fmt: skip
            numeric = isinstance(slot.spec, NumericField)
            columns[slot.index] = np.array(values, np.float64) if numeric else self._cells[slot.index](values)


def _there(parts: Sequence[Any], absent: type) -> NDArray[np.bool_]:
    """Which of the parts are not of the type that stands for absence."""
    kinds = list(map(type, parts))
    return (
        np.ones(len(parts), np.bool_) if absent not in kinds else np.array([k is not absent for k in kinds], np.bool_)
    )


def _cells_of(spec: CategoricalField) -> Callable[[Sequence[Any]], _Column]:
    """Values to cells. They are of the field's type already or `INVALID`, so that a plain dictionary is safe."""
    index = category_index(spec)
    cells: dict[Any, int] = {**index.cells, INVALID: index.invalid}
    default = index.default

    def plain(values: Sequence[Any]) -> _Column:
        return np.fromiter(map(cells.get, values, repeat(default)), np.int64, len(values))

    def whole(values: Sequence[Any]) -> _Column:
        return plain([value if _is_whole(value) else INVALID for value in values])

    return whole if spec.value_type == "integer" else plain


def _ids(values: Sequence[Any]) -> Ids:
    """What tells valid categories apart; 0 for the others."""
    return np.fromiter(map(_id, values), np.uint32, len(values))


def _id(value: Any) -> int:
    if value is None or value is INVALID or not (isinstance(value, str) or _is_whole(value)):
        return 0
    return text_id(category_text(int(value) if type(value) is float else value))


def _is_whole(value: Any) -> bool:
    """Whether a number is an integer that a float could hold; marks and None pass."""
    if type(value) is float:
        return value.is_integer()
    return type(value) is not int or -_TOO_BIG < value < _TOO_BIG
