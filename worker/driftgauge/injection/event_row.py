"""An event as a row that faults are put into: its bytes, taken apart and put together again.

An event may use other names than the canonical ones; it keeps them. Promises: an event that nothing was put into keeps
its bytes, and of one that was changed every other value is read as before.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from driftgauge.decode.envelope import ACTUAL, FEATURES, MODEL_ID, OUTPUT_LABEL, OUTPUT_SCORE, PREDICTION, TIMESTAMP
from driftgauge.decode.json_text import read_json
from driftgauge.injection.fields import ABSENT, FieldName
from driftgauge.profiles.profile import Profile
from driftgauge.timestamps import parse_timestamp

Part = Literal["label", "score"]
_FLAT: dict[Part, str] = {"label": OUTPUT_LABEL, "score": OUTPUT_SCORE}


class EventShape(NamedTuple):
    """What a profile says of its events. `model_id`: None if they are of any model.

    `prediction`: which part of the output goes by that name; `scalar`: which one a bare value is.
    """

    model_id: str | None = None
    prediction: Part = "label"
    scalar: Part = "label"


def shape_of(profile: Profile) -> EventShape:
    """The shape of the profile's events."""
    output = profile.prediction
    if output is None:
        return EventShape(profile.model_id)
    return EventShape(profile.model_id, "score" if output.label is None else "label", output.scalar)


class EventRow:
    """An event of the profile's model."""

    def __init__(self, event: dict[str, Any], shape: EventShape) -> None:
        """`changed`: whether something was put into it."""
        self._event, self._shape = event, shape
        self.changed = False

    @classmethod
    def of(cls, line: bytes, shape: EventShape) -> EventRow | None:
        """The event in the bytes of a record; None for no JSON object, or one that names another model."""
        try:
            event = read_json(line)
        except ValueError:
            return None
        if not isinstance(event, dict):
            return None
        named = next((event[name] for name in MODEL_ID if name in event), None)
        if shape.model_id is not None and named is not None and named != shape.model_id:
            return None
        return cls(event, shape)

    def time(self, otherwise: int) -> int | None:
        """Event time in ms; that of the record where the event has none, None where it can't be read."""
        given = next((self._event[name] for name in TIMESTAMP if name in self._event), None)
        try:
            return otherwise if given is None else parse_timestamp(given)
        except ValueError:
            return None

    def to_json(self) -> bytes:
        """The event's bytes. Infinity and NaN are tokens, half a surrogate pair is an escape, as decode reads them."""
        return json.dumps(self._event, separators=(",", ":")).encode()

    def value(self, field: FieldName) -> Any:
        """See Row. A feature that is absent among others is missing; without any there is nothing to put it into."""
        holder, key = self._place(field)
        if holder is None:
            return ABSENT
        return holder.get(key) if field.role == "feature" else holder.get(key, ABSENT)

    def put(self, field: FieldName, value: Any) -> None:
        """See Row."""
        holder, key = self._place(field)
        if holder is not None:
            holder[key] = value
            self.changed = True

    def _place(self, field: FieldName) -> tuple[dict[str, Any] | None, str]:
        """The object that holds the field's value, and under which key."""
        event = self._event
        if field.role == "feature":
            features = next((event[name] for name in FEATURES if name in event), None)
            return (features if isinstance(features, dict) else None), field.name
        if field.name == "actual":
            return event, next((name for name in ACTUAL if name in event), ACTUAL[0])
        part: Part = "score" if field.name == "score" else self._shape.prediction
        key = next((name for name in PREDICTION if name in event), None)
        if key is None:
            return event, _FLAT[part]
        if isinstance(event[key], dict):
            return event[key], part
        return (event, key) if part == self._shape.scalar else (None, key)
