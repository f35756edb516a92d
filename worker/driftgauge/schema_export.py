"""The published schemas, generated from the models that the program itself reads and writes with.

JSON Schema draft 2020-12, one document per kind of record or file. `schema export` writes them, a test keeps the
committed ones equal to these.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema

from driftgauge.alerts.event import AlertEvent
from driftgauge.config import Config
from driftgauge.dead_letter import DeadLetterHeaders
from driftgauge.decode.events import FeaturesEvent, LabelEvent, PredictionEvent
from driftgauge.durations import format_duration
from driftgauge.panes.codec import PaneRecord, ProfileChangeRecord, SourcesRecord, WatermarkRecord
from driftgauge.profiles.profile import Profile
from driftgauge.scoring.incident import Incident

VERSION = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NUMBERS = ("integer", "number")

_MODELS: Mapping[str, type[BaseModel]] = {
    "prediction_event": PredictionEvent,
    "features_event": FeaturesEvent,
    "label_event": LabelEvent,
    "alert": AlertEvent,
    "dead_letter": DeadLetterHeaders,
    "profile": Profile,
    "config": Config,
    "incident": Incident,
}
_RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "pane": PaneRecord,
    "watermark": WatermarkRecord,
    "sources": SourcesRecord,
    "profile_change": ProfileChangeRecord,
}


class _Generator(GenerateJsonSchema):
    """Without titles that repeat the field's name, and with defaults as they are written in a file."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 (as the base class has it)
        """Never."""
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """A duration is text outside and milliseconds inside; a section's defaults stand at its fields."""
        out = super().default_schema(schema)
        default = out.get("default")
        if isinstance(default, dict) and default:
            del out["default"]
        elif isinstance(default, int) and not isinstance(default, bool) and out.get("type") not in _NUMBERS:
            out["default"] = format_duration(default)
        return out


def file_name(name: str) -> str:
    """`alert` -> `alert.v1.schema.json`."""
    return f"{name}.v{VERSION}.schema.json"


def schema_files() -> dict[str, bytes]:
    """All schemas as files: name -> content. The same program gives the same bytes."""
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        **{name: partial(_of_model, model) for name, model in _MODELS.items()},
        **{name: partial(_of_record, record) for name, record in _RECORDS.items()},
    }
    return {file_name(name): _document(name, make()) for name, make in makers.items()}


def _of_model(model: type[BaseModel]) -> dict[str, Any]:
    # What may come in, which is also what goes out: optional fields are absent rather than empty.
    return model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)


def _of_record(record: type[msgspec.Struct]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    own = components.pop(reference["$ref"].rpartition("/")[2])
    for part in (own, *components.values()):
        part["description"] = inspect.cleandoc(part["description"])
    return {**own, "$defs": components} if components else own


def _document(name: str, schema: dict[str, Any]) -> bytes:
    document = {"$schema": DIALECT, "$id": f"urn:driftgauge:schema:{name}:v{VERSION}", **schema}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
