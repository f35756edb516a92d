"""An event as it stands, read where no profile says what it should hold: the material to learn a profile from.

It takes the same bytes for an event as `decoder` does, and the same names; only the values are not judged.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import UNSET

from driftgauge.decode.envelope import (
    ACTUAL,
    FEATURES,
    MODEL_ID,
    MODEL_VERSION,
    TIMESTAMP,
    EventType,
    event_type_of,
    first_present,
    prediction_of,
    version_spellings,
)
from driftgauge.decode.json_text import read_json
from driftgauge.subject import Subject


class UnprofiledEvent(NamedTuple):
    """An event's parts, unread.

    `versions`: the texts that its version may stand for; none if it names none. `timestamp` None: the record's own.
    `features` None: there are none that can be read. `prediction`, `actual` UNSET: not in the event.
    """

    model_id: str
    versions: tuple[str, ...]
    kind: EventType
    timestamp: Any
    features: dict[str, Any] | None
    prediction: Any
    actual: Any

    def is_of(self, subject: Subject, *, lone: bool) -> bool:
        """Whether it belongs to a model version; `lone`: an event that names no version does."""
        named = subject.model_version in self.versions if self.versions else lone
        return named and self.model_id == subject.model_id


def read_event(
    value: bytes | None, *, default_model_id: str | None, default_kind: EventType, max_bytes: int
) -> UnprofiledEvent | None:
    """The event in a record's value; None if it is none: too long, no JSON object, or of no model."""
    if not value or len(value) > max_bytes:
        return None
    try:
        parsed = read_json(value)
    except ValueError:
        return None
    if not isinstance(parsed, dict):
        return None
    model_id = first_present(parsed, MODEL_ID)
    if model_id is None:
        model_id = default_model_id
    if not isinstance(model_id, str) or not model_id:
        return None
    features = first_present(parsed, FEATURES)
    kind = event_type_of(parsed, default_kind)
    return UnprofiledEvent(
        model_id,
        version_spellings(first_present(parsed, MODEL_VERSION)),
        kind,
        first_present(parsed, TIMESTAMP),
        features if isinstance(features, dict) else None,
        prediction_of(parsed) if kind != "features" else UNSET,
        first_present(parsed, ACTUAL, UNSET),
    )
