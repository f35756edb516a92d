"""The names an event's envelope may use, shared by the typed decoder, the lenient reader and the published models.

Canonical names first; the aliases are what model servers and monitoring SDKs emit. Where several are there, the first
in this order counts, even when it is null. Only canonical names take the fast path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET

EventType = Literal["prediction", "features", "label"]

EVENT_TYPES: Final[tuple[EventType, ...]] = ("prediction", "features", "label")
EVENT_TYPE: Final = ("event_type", "type")
TIMESTAMP: Final = ("timestamp", "event_time", "ts", "time", "prediction_ts", "when")
MODEL_ID: Final = ("model_id", "model", "model_name", "modelId", "inferenceservicename")
MODEL_VERSION: Final = ("model_version", "version", "modelversion")
FEATURES: Final = ("features", "inputs", "instances")
PREDICTION: Final = ("prediction", "predictions", "output")
# Flat spellings of the two outputs; read only where none of PREDICTION is there.
OUTPUT_LABEL: Final = "prediction_label"
OUTPUT_SCORE: Final = "prediction_score"
PREDICTION_ID: Final = (
    "prediction_id",
    "inference_id",
    "inferenceId",
    "event_id",
    "request_id",
    "correlation_id",
    "correlationid",
    "id",
)
ACTUAL: Final = ("actual", "label", "target", "ground_truth", "y_true", "actual_label")
TAGS: Final = ("tags", "segments", "metadata")
# Canonical fields that decode doesn't read; known, so that they don't push an event off the fast path.
UNREAD: Final = ("prediction_id", "actual", "latency_ms", "schema_version")


def first_present(event: Mapping[str, Any], names: Sequence[str], absent: Any = None) -> Any:
    """The value under the first of `names` that the event has, else `absent`."""
    for name in names:
        if name in event:
            return event[name]
    return absent


def event_type_of(event: Mapping[str, Any], default: EventType) -> EventType:
    """What the event says it is; `default` where it says nothing that is known."""
    said = first_present(event, EVENT_TYPE)
    return next((kind for kind in EVENT_TYPES if kind == said), default)


def prediction_of(event: Mapping[str, Any]) -> Any:
    """The output, bare or as an object of its parts (also where they are spelled flat); UNSET if there is none."""
    value = first_present(event, PREDICTION, UNSET)
    if value is not UNSET:
        return value
    flat = {"label": OUTPUT_LABEL, "score": OUTPUT_SCORE}
    return {part: event[name] for part, name in flat.items() if name in event} or UNSET


def version_spellings(version: object) -> tuple[str, ...]:
    """The texts a version in JSON may stand for: 7 and "7" are the same, 7.0 is "7" or else "7.0"."""
    if isinstance(version, str):
        return (version,)
    if isinstance(version, bool) or not isinstance(version, int | float):
        return ()
    if isinstance(version, float):
        return (str(int(version)), repr(version)) if version.is_integer() else (repr(version),)
    # Python refuses to write integers of thousands of digits; no version is one.
    return (str(version),) if abs(version) < 1 << 63 else ()
