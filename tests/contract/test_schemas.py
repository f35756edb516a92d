from pathlib import Path

import jsonschema
import orjson
import pytest
from pydantic import BaseModel, ValidationError
from typer.testing import CliRunner

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.schema import schema as schema_app
from driftgauge.config import Config
from driftgauge.dead_letter import DeadLetterHeaders
from driftgauge.decode.events import FeaturesEvent, LabelEvent, PredictionEvent
from driftgauge.errors import StateError
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile
from driftgauge.schema_export import file_name, schema_files
from driftgauge.scoring.incident import Incident

_SCHEMAS = Path(__file__).parents[2] / "schemas"
_MODELS: dict[str, type[BaseModel]] = {
    "prediction_event": PredictionEvent,
    "features_event": FeaturesEvent,
    "label_event": LabelEvent,
    "alert": AlertEvent,
    "dead_letter": DeadLetterHeaders,
    "profile": Profile,
    "config": Config,
    "incident": Incident,
}
_PANES_TOPIC = ("pane", "watermark", "sources", "profile_change")
_NAMES = (*_MODELS, *_PANES_TOPIC)


def _examples(kind):
    return [
        pytest.param(path.parent.name, path, id=f"{path.parent.name}/{path.stem}")
        for path in sorted((_SCHEMAS / "examples" / kind).glob("*/*.json"))
    ]


def _validator(name):
    document = orjson.loads((_SCHEMAS / file_name(name)).read_bytes())
    return jsonschema.Draft202012Validator(document)


def _layouts():
    profiles = (_SCHEMAS / "examples" / "valid" / "profile").glob("*.json")
    layouts = [Layout.of(Profile.model_validate_json(path.read_bytes())) for path in profiles]
    return {layout.profile_hash: layout for layout in layouts}


def _read(name, data):
    if name in _PANES_TOPIC:
        return decode_message(data, _layouts())
    return _MODELS[name].model_validate_json(data)


def test_committed_schemas_are_those_of_the_models():
    committed = {path.name: path.read_bytes() for path in _SCHEMAS.glob("*.schema.json")}
    assert committed == schema_files(), "run: driftgauge schema export"


@pytest.mark.parametrize("name", _NAMES)
def test_every_schema_is_valid_and_has_examples_of_both_kinds(name):
    jsonschema.Draft202012Validator.check_schema(_validator(name).schema)
    for kind in ("valid", "invalid"):
        assert len(list((_SCHEMAS / "examples" / kind / name).glob("*.json"))) >= 2


def test_every_schema_is_tested_here_and_described():
    assert {file_name(name) for name in _NAMES} == set(schema_files())
    described = (_SCHEMAS / "README.md").read_text(encoding="utf-8")
    assert [name for name in schema_files() if name not in described] == []


@pytest.mark.parametrize(("name", "path"), _examples("valid"))
def test_valid_examples_pass_the_schema_and_the_model(name, path):
    data = path.read_bytes()
    _validator(name).validate(orjson.loads(data))
    assert _read(name, data) is not None


@pytest.mark.parametrize(("name", "path"), _examples("invalid"))
def test_invalid_examples_fail_the_schema_and_the_model(name, path):
    data = path.read_bytes()
    assert not _validator(name).is_valid(orjson.loads(data))
    with pytest.raises((ValidationError, StateError)):
        _read(name, data)


@pytest.mark.parametrize(("name", "path"), [p for p in _examples("valid") if p.values[0] in ("alert", *_PANES_TOPIC)])
def test_what_we_publish_is_written_as_the_example_shows(name, path):
    document = orjson.loads(path.read_bytes())
    read = _read(name, path.read_bytes())
    written = read.to_json() if isinstance(read, AlertEvent) else encode_message(read, _layouts())
    assert written == orjson.dumps(document)


def test_export_writes_what_is_missing_and_check_tells_without_writing(tmp_path):
    runner = CliRunner()
    assert runner.invoke(schema_app, ["export", "--check", "--out", str(tmp_path)]).exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert runner.invoke(schema_app, ["export", "--out", str(tmp_path)]).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(schema_files())
    assert runner.invoke(schema_app, ["export", "--check", "--out", str(tmp_path)]).exit_code == 0
