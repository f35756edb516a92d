"""The lenient way: events that the typed decoder refuses, judged field by field, so that a bad one costs no good one.

Missing is absent, null or NaN; invalid is a wrong JSON type, ±Infinity, or an integer too big for a float. Nothing is
coerced: "1.5" is no number, `true` is no number, 3.0 is the integer 3. `features` of a wrong type make every feature
invalid. A prediction of a wrong type makes the output that a bare prediction stands for invalid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from driftgauge.decode.envelope import (
    EVENT_TYPE,
    EVENT_TYPES,
    FEATURES,
    TAGS,
    first_present,
    prediction_of,
)
from driftgauge.decode.typed import INVALID, NAN, TypedModel
from driftgauge.profiles.cells import CategoryIndex, category_index
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.tag_text import tag_text


class LenientModel:
    """Makes the generated event objects of one model from parsed JSON objects."""

    def __init__(self, typed: TypedModel) -> None:
        self.typed = typed
        self.indices: dict[int, CategoryIndex] = {
            slot.index: category_index(slot.spec)
            for slot in (*typed.model.features, *typed.model.outputs.values())
            if not isinstance(slot.spec, NumericField)
        }
        self._numeric_names = [slot.name for slot in typed.numeric]
        self._nothing_valid = {slot.name: INVALID for slot in typed.model.features}

    def event(self, parsed: Mapping[str, Any], timestamp: Any) -> Any:
        """The event object; `timestamp` is passed on unread."""
        subject = self.typed.model.subject
        event_type = first_present(parsed, EVENT_TYPE)
        return self.typed.event_type(
            model_id=subject.model_id,
            model_version=subject.model_version,
            event_type=event_type if isinstance(event_type, str) and event_type in EVENT_TYPES else None,
            timestamp=timestamp,
            features=self._features(first_present(parsed, FEATURES)),
            prediction=self._prediction(parsed),
            tags=self._tags(first_present(parsed, TAGS)) if self.typed.model.segments else None,
        )

    def _features(self, features: Any) -> Any:
        if features is None or not self.typed.model.count_features:
            return None
        if not isinstance(features, dict):
            features = self._nothing_valid
        get = features.get
        # Floats, the common case, already say what they are: NaN missing, ±inf invalid.
        numbers = [v if type(v := get(name)) is float else _number(v) for name in self._numeric_names]
        return self.typed.features_type(*numbers, *(self._judge(s, get(s.name)) for s in self.typed.categorical))

    def _tags(self, tags: Any) -> Any:
        return self.typed.tags_type(tag_text(tags.get(self.typed.model.tag))) if isinstance(tags, dict) else None

    def _prediction(self, parsed: Mapping[str, Any]) -> Any:
        model = self.typed.model
        value = prediction_of(parsed)
        if value is UNSET or not model.counts_prediction:
            return UNSET
        if isinstance(value, dict):
            return self.typed.outputs_type(
                **{role: self._judge(slot, value.get(role)) for role, slot in model.outputs.items()}
            )
        return self._judge(model.outputs[model.scalar], value)

    def _judge(self, slot: Slot, value: Any) -> Any:
        if isinstance(slot.spec, NumericField):
            return _number(value)
        index = self.indices[slot.index]
        cell = index.cell_of(value)
        if cell == index.missing:
            return None
        return INVALID if cell == index.invalid else value


def _number(value: Any) -> float:
    """A finite number, NaN for a missing one, inf for an invalid one."""
    if value is None:
        return NAN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.inf
    try:
        return float(value)
    except OverflowError:
        return math.inf
