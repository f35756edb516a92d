"""Incidents are read from YAML, JSON, JSONL and CSV alike; what is wrong is told with line, field and fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driftgauge import config_yaml
from driftgauge.errors import InputError
from driftgauge.sources.alert_file import read_alert_events
from driftgauge.sources.incident_file import read_incidents
from driftgauge.timestamps import parse_timestamp

NOON, ONE = "2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z"
SAME = {
    "a.yaml": f"- start: {NOON}\n  end: {ONE}\n  kind: 'null'\n  size: 0.3\n  model_version: 7\n"
    f"- start: {ONE}\n  end:\n",
    "under.yml": f"incidents:\n- {{start: {NOON}, end: {ONE}, kind: 'null', size: 0.3, model_version: '7'}}\n"
    f"- start: {ONE}",
    "a.json": json.dumps(
        [{"start": NOON, "end": ONE, "kind": "null", "size": 0.3, "model_version": 7}, {"start": ONE, "end": None}],
        indent="\t",
    ),
    "a.jsonl": f'{{"start": "{NOON}", "end": "{ONE}", "kind": "null", "size": "0.3", "model_version": "7"}}\n\n'
    f'{{"start": "{ONE}", "kind": null}}\n',
    "a.csv": f"start,end,kind,size,model_version\n{NOON},{ONE},null,0.3,7\n\n{ONE},,,,\n",
    "semicolon.csv": f"\ufeffstart;end;kind;size;model_version\r\n{NOON};{ONE};null;0.3;7\r\n{ONE};;;;\r\n",
}


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8", newline="")
    return file


@pytest.mark.parametrize("name", SAME)
def test_every_format_says_the_same(name, tmp_path):
    first, second = read_incidents(written(tmp_path, name, SAME[name]))
    assert (first.start, first.end) == (parse_timestamp(NOON), parse_timestamp(ONE))
    assert (first.kind, first.size, first.model_version, first.feature) == ("null", "0.3", "7", None)
    assert (second.start, second.end, second.kind) == (parse_timestamp(ONE), None, None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", f"- start: {NOON}\n  modle_id: x\n", "a.yaml:2:3: modle_id: unknown field, did you mean model_id?"),
        ("a.yaml", f"- start: {NOON}\n  zzz: x\n", "a.yaml:2:3: zzz: unknown field, known are start, end, name"),
        ("a.yaml", f"- end: {NOON}\n", "a.yaml:1:3: start: is missing; a time such as"),
        ("a.yaml", "- start: 2026-03-10\n", "start: 2026-03-10 may be the first or the last moment of that day"),
        ("a.yaml", "- start: noon\n", "a.yaml:1:3: start: 'noon' is no time; expected RFC 3339"),
        ("a.yaml", f"- start: {NOON}\n  kind: null\n", 'a.yaml:2:3: kind: is empty: quote "null" if that is the word'),
        ("a.yaml", f"- start: {NOON}\n  kind: [a]\n", "a.yaml:2:3: kind: expected text"),
        ("a.yaml", f"- start: {NOON}\n  segment: 7\n", "a.yaml:2:3: segment: expected text: quote it"),
        (
            "a.yaml",
            f"- start: {NOON}\n  model_version: 1.10\n",
            "model_version: a version with a dot is read as a number",
        ),
        ("a.yaml", f"- start: {ONE}\n  end: {NOON}\n", "a.yaml:1:3: the end is before the start"),
        ("a.yaml", f"- start: {ONE}\n  alertname: Drift\n", "alertname: should be 'DataQuality', 'FeatureDrift'"),
        ("a.yaml", "- 3\n", "a.yaml:1:3: expected the fields of an incident"),
        ("a.yaml", "a: b\n", "a.yaml:1: expected a list of incidents"),
        ("a.yaml", "- start: [\n", "a.yaml:2:1: not YAML: "),
        ("a.json", '[{"start": 3}]', "a.json:1:3: start: expected a time such as"),
        ("a.json", f'[{{"start": "{NOON}",}}]', "a.json:1:34: not JSON: "),
        ("a.jsonl", f'{{"start": "{NOON}"}}\n{{"start"\n', "a.jsonl:2: not JSON: "),
        ("a.jsonl", "[3]\n", "a.jsonl:1: expected the fields of an incident"),
        ("a.csv", f"start,featur\n{NOON},job\n", "a.csv:2: featur: unknown field, did you mean feature?"),
        ("a.csv", f"start,end\n{NOON},{ONE},job\n", "a.csv:2: 3 cells, the header has 2"),
        ("a.csv", f"start,start\n{NOON},{ONE}\n", "a.csv:1: the header names a field twice"),
        ("a.csv", 'start\n"a', "a.csv:2: not CSV: "),
        ("a.csv", f"start\n{NOON}\n{NOON}\n", "a.csv:3: stands there before; take one out, or give them names"),
        ("a.csv", "start,end\n", "a.csv: holds no incident"),
        ("a.txt", "", "a.txt: incidents are read from .yaml, .yml, .json, .jsonl, .csv"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_fix(name, text, message, tmp_path):
    with pytest.raises(InputError) as caught:
        read_incidents(written(tmp_path, name, text))
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_problems_are_told_at_once(tmp_path):
    text = f"start,end,feature\n{NOON},x,job\ny,,\n{NOON},{ONE},job\n{ONE},{NOON},job\n"
    with pytest.raises(InputError) as caught:
        read_incidents(written(tmp_path, "a.csv", text))
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{tmp_path}/a.csv:").split(": ")[0] for line in lines] == ["2", "3", "5"]


def test_of_a_column_that_is_wrong_throughout_the_first_problems_are_told(tmp_path):
    with pytest.raises(InputError) as caught:
        read_incidents(written(tmp_path, "a.csv", "start\n" + "soon\n" * 1200))
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1] == f"{tmp_path / 'a.csv'}: and 1,150 more"


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path):
    (tmp_path / "latin.csv").write_bytes("start\nKöln\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.csv: is not UTF-8 text"):
        read_incidents(tmp_path / "latin.csv")
    with pytest.raises(InputError, match=r"absent\.csv: can't be read"):
        read_incidents(tmp_path / "absent.csv")


def test_a_line_that_is_no_alert_event_is_told_with_its_place(tmp_path):
    file = written(tmp_path, "alerts.jsonl", '\n{"schema_version": "1.0"}\n')
    with pytest.raises(InputError, match=r"alerts\.jsonl:2: is no alert event: event_id: Field required"):
        list(read_alert_events(file))
    with pytest.raises(InputError, match="can't be read"):
        list(read_alert_events(tmp_path / "absent.jsonl"))


def test_json_may_hold_what_yaml_does_not(tmp_path):
    text = json.dumps([{"start": NOON, "name": "\U0001f600"}])
    (one,) = read_incidents(written(tmp_path, "a.json", text))
    assert one.name == "\U0001f600"
    (other,) = read_incidents(written(tmp_path, "b.json", f'[{{"start": "{NOON}", "name": "a\x7fb"}}]'))
    assert other.name == "a\x7fb"
    with pytest.raises(InputError, match=r"c\.json:1:\d+: stands here twice"):
        read_incidents(written(tmp_path, "c.json", f'[{{"start": "{NOON}", "kind": "a", "kind": "b"}}]'))


def test_more_yaml_than_is_read_says_how_much_and_what_else_is(tmp_path, monkeypatch):
    monkeypatch.setattr(config_yaml, "MAX_NODES", 10)
    many = written(
        tmp_path, "many.yaml", "".join(f"- {{start: '2026-03-10T12:{i:02}:00Z', kind: x}}\n" for i in range(4))
    )
    with pytest.raises(
        InputError, match=r"many\.yaml:4:3: more than 10 values.*; write .* as JSON Lines or CSV, which"
    ):
        read_incidents(many)
