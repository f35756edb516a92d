"""The three events in, as the published contract: what producers write and the JSON Schemas are made from.

Decode doesn't build these objects (it yields columns); a test holds that it accepts an event exactly if the envelope
here validates: a JSON object with a model_id and no unreadable timestamp. Everything else is judged field by field
against the profile, so the values' types are documentation for producers. Aliases validate; schemas show canonical
names. Unknown keys are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from driftgauge.decode import envelope
from driftgauge.timestamps import parse_timestamp


def _aliases(names: Sequence[str]) -> Any:
    """The field under any of its names in JSON, the first one in schemas."""
    return Field(validation_alias=AliasChoices(*names))


def _readable(value: str | float | None) -> str | float | None:
    if value is not None:
        parse_timestamp(value)
    return value


Scalar = str | bool | int | FiniteFloat
Timestamp = Annotated[str | int | float | None, AfterValidator(_readable)]


class Outputs(BaseModel):
    """A model's output in full: the decision, the score behind it, and the scores of all classes."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    label: Scalar | None = Field(default=None, description="The predicted class, typed as in the profile.")
    score: FiniteFloat | None = Field(default=None, description="The score or probability; null counts as missing.")
    scores: dict[str, FiniteFloat | None] | None = Field(default=None, description="Score per class; not counted yet.")


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, validate_by_name=True, loc_by_alias=False)

    model_id: Annotated[str, _aliases(envelope.MODEL_ID)] = Field(
        min_length=1, description="Name of the model, as in its profile."
    )
    model_version: Annotated[str | int | float | None, _aliases(envelope.MODEL_VERSION)] = Field(
        default=None, description='7 and "7" are the same; absent: the model\'s only configured version.'
    )
    timestamp: Annotated[Timestamp, _aliases(envelope.TIMESTAMP)] = Field(
        default=None,
        description="Event time: RFC 3339, or s, ms, µs or ns since 1970; absent: the record's own time.",
        examples=["2026-03-15T10:03:00.250Z", 1773568980],
    )
    prediction_id: Annotated[str | int | None, _aliases(envelope.PREDICTION_ID)] = Field(
        default=None, description="Joins the prediction with its label."
    )
    tags: Annotated[dict[str, JsonValue] | None, _aliases(envelope.TAGS)] = Field(
        default=None, description="By name; the one that the profile has segments by says which the event is in."
    )
    schema_version: str | None = None


class FeaturesEvent(_Event):
    """What a model was asked with, in a record of its own."""

    event_type: Annotated[Literal["features"] | None, _aliases(envelope.EVENT_TYPE)] = Field(
        default=None, description="Absent: what the topic's configuration says."
    )
    features: Annotated[dict[str, Scalar | None] | None, _aliases(envelope.FEATURES)] = Field(
        description="Value by feature name; null and absent are missing, a wrong type is invalid, none is coerced."
    )


class PredictionEvent(_Event):
    """What a model answered, mostly with what it was asked."""

    event_type: Annotated[Literal["prediction"] | None, _aliases(envelope.EVENT_TYPE)] = Field(
        default=None, description="Absent: what the topic's configuration says."
    )
    features: Annotated[dict[str, Scalar | None] | None, _aliases(envelope.FEATURES)] = Field(
        default=None, description="As in a features event; absent where features come on a topic of their own."
    )
    prediction: Annotated[
        Scalar | Outputs | None,
        _aliases((*envelope.PREDICTION, envelope.OUTPUT_LABEL, envelope.OUTPUT_SCORE)),
    ] = Field(
        default=None,
        description="A bare value is label or score as the profile says. null is a missing output, absent is none.",
    )
    actual: Annotated[JsonValue, _aliases(envelope.ACTUAL)] = Field(default=None, description="Truth, if known.")
    latency_ms: FiniteFloat | None = None


class LabelEvent(_Event):
    """The truth about an earlier prediction. `timestamp` is when it became known."""

    event_type: Annotated[Literal["label"] | None, _aliases(envelope.EVENT_TYPE)] = Field(
        default=None, description="Absent: what the topic's configuration says."
    )
    prediction_id: Annotated[str | int, _aliases(envelope.PREDICTION_ID)] = Field(
        description="That of the prediction it belongs to."
    )
    actual: Annotated[Scalar | None, _aliases(envelope.ACTUAL)] = Field(description="The true value.")
