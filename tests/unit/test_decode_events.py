"""The published models of the events in: canonical names out, aliases in, nothing unknown refused."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from driftgauge.decode import envelope
from driftgauge.decode.events import FeaturesEvent, LabelEvent, PredictionEvent


@pytest.mark.parametrize("wire", [PredictionEvent, FeaturesEvent, LabelEvent])
def test_schemas_show_canonical_names_only(wire):
    shown = set(wire.model_json_schema()["properties"])
    assert {"model_id", "timestamp", "event_type", "prediction_id"} <= shown
    aliases = {*envelope.MODEL_ID[1:], *envelope.TIMESTAMP[1:], *envelope.PREDICTION_ID[1:], "label", "type"}
    assert not shown & aliases


def test_every_canonical_field_is_known_to_the_typed_decoder():
    known = {"event_type", "timestamp", "model_id", "model_version", "features", "prediction", "tags", *envelope.UNREAD}
    for wire in (PredictionEvent, FeaturesEvent, LabelEvent):
        assert set(wire.model_fields) <= known


def test_aliases_validate_and_unknown_keys_are_ignored():
    text = json.dumps({"model_name": "m", "when": 1, "output": {"score": 0.5, "why": 1}, "request_id": "r", "new": 1})
    event = PredictionEvent.model_validate_json(text)
    assert (event.model_id, event.timestamp, event.prediction_id) == ("m", 1, "r")


@pytest.mark.parametrize(
    "fields", [{}, {"model_id": ""}, {"model_id": "m", "timestamp": "?"}, {"model_id": "m", "timestamp": True}]
)
def test_an_envelope_that_decode_rejects_does_not_validate(fields):
    with pytest.raises(ValidationError):
        PredictionEvent.model_validate_json(json.dumps(fields))


def test_a_label_needs_its_prediction_and_its_truth():
    LabelEvent.model_validate({"model_id": "m", "id": "p", "ground_truth": 1})
    for lacking in ({"id": "p"}, {"actual": 1}):
        with pytest.raises(ValidationError):
            LabelEvent.model_validate({"model_id": "m", **lacking})
