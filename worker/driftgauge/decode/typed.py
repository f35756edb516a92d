"""A decoder generated from a profile: from bytes to one typed object per event, in one pass of msgspec.

It takes the plain majority of events and refuses whatever is unusual (an alias, a wrong type, a NaN token, another
model); those take the lenient way, which makes the very same objects. So everything after it knows one shape only.

An event object has `timestamp`, `event_type`, `features` (a `Features` with one attribute per feature slot, numeric
ones first, or None) and `prediction` (UNSET, a bare value, or an `Outputs`). Categorical values may be `INVALID`. Where
the model has segments it has `tags` too: a `Tags`, whose `value` is that of the one tag that is read, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from driftgauge.decode.envelope import UNREAD
from driftgauge.decode.model import ModelDecoding
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField

NAN: Final = float("nan")
# msgspec can't look for these in keys; a profile with such a name is always read leniently.
_UNDECODABLE_NAME = re.compile(r'[\x00-\x1f"\\\ud800-\udfff]')
_JSON_TYPES: Final[dict[str, Any]] = {"string": str, "integer": int | float, "boolean": bool}
_INT64 = 1 << 63


class Invalid:
    """The type of `INVALID`, the mark of a categorical value of the wrong JSON type."""

    __slots__ = ()


INVALID: Final = Invalid()


class TypedModel:
    """The generated types of one model. `decode(bytes)` gives an event or raises msgspec's errors, None: no fast path.

    `numeric` and `categorical` are the feature slots in the order of the `Features` attributes.
    """

    def __init__(self, model: ModelDecoding, *, id_optional: bool, version_optional: bool) -> None:
        self.model = model
        self.numeric = tuple(slot for slot in model.features if isinstance(slot.spec, NumericField))
        self.categorical = tuple(slot for slot in model.features if not isinstance(slot.spec, NumericField))
        slots = (*self.numeric, *self.categorical)
        speakable = not any(_UNDECODABLE_NAME.search(name) for name in (model.tag, *(slot.name for slot in slots)))
        self.features_type = _features_type(slots, speakable=speakable)
        self.outputs_type = _outputs_type(model)
        self.tags_type = _tags_type(model.tag, speakable=speakable)
        features = self.features_type | None if model.count_features else Raw | None
        event_fields = [
            *_identity_fields(model, id_optional=id_optional, version_optional=version_optional),
            ("event_type", Literal["prediction", "features", "label"] | None, None),
            ("timestamp", str | int | float | None, None),
            ("features", features, None),
            ("prediction", self._prediction_type(), UNSET),
            *((name, Raw, None) for name in UNREAD),
            ("tags", self.tags_type | None if model.segments else Raw, None),
        ]
        self.event_type = msgspec.defstruct("Event", event_fields, forbid_unknown_fields=True, gc=False, kw_only=True)
        self.decode: Callable[[bytes], Any] | None = msgspec.json.Decoder(self.event_type).decode if speakable else None

    def _prediction_type(self) -> Any:
        if not self.model.counts_prediction:
            return Raw | UnsetType
        scalar = _value_type(self.model.outputs[self.model.scalar])
        return scalar | self.outputs_type | None | UnsetType


def _features_type(slots: Sequence[Slot], *, speakable: bool) -> type[Struct]:
    # Absent numbers are NaN at once; null can't be, and is replaced when the columns are made.
    fields = [
        (f"f{i}", _value_type(slot) | None, NAN if isinstance(slot.spec, NumericField) else None)
        for i, slot in enumerate(slots)
    ]
    rename = {f"f{i}": slot.name for i, slot in enumerate(slots)} if speakable else None
    return msgspec.defstruct("Features", fields, rename=rename, gc=False)


def _tags_type(tag: str, *, speakable: bool) -> type[Struct]:
    fields = [("value", str | int | float | bool | None, None)]
    return msgspec.defstruct("Tags", fields, rename={"value": tag} if speakable else None, gc=False)


def _outputs_type(model: ModelDecoding) -> type[Struct]:
    fields = [(role, _value_type(slot) | None, None) for role, slot in model.outputs.items()]
    return msgspec.defstruct("Outputs", fields, gc=False, kw_only=True)


def _value_type(slot: Slot) -> Any:
    return float if isinstance(slot.spec, NumericField) else _JSON_TYPES[slot.spec.value_type]


def _identity_fields(model: ModelDecoding, *, id_optional: bool, version_optional: bool) -> list[Any]:
    version = model.subject.model_version
    spellings: tuple[str | int, ...] = (version,)
    if re.fullmatch(r"0|-?[1-9]\d{0,18}", version, re.ASCII) and abs(int(version)) < _INT64:
        spellings = (version, int(version))
    # Any: the checker knows literals only from source text.
    literal: Any = Literal
    model_id, model_version = literal[model.subject.model_id], literal[spellings]
    return [
        ("model_id", model_id | None, None) if id_optional else ("model_id", model_id),
        ("model_version", model_version | None, None) if version_optional else ("model_version", model_version),
    ]
