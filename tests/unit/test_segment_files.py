"""Segments from a column of a file: the tag of its events, the reference of a profile, the alerts of a backtest."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import orjson
import pytest

from driftgauge import cli
from driftgauge.alerts.event import AlertEvent
from driftgauge.errors import InputError
from driftgauge.sources.canonical import canonical_events
from driftgauge.sources.columns import Columns
from driftgauge.sources.profile_file import read_profile
from driftgauge.sources.tables import open_tables
from driftgauge.timestamps import format_timestamp
from segmented import START, loans

EVERY = 100
LIVE, BREAK = 12_000, 6_000


def write(path: Path, rows: list[dict], start: int) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["at", *rows[0]])
        writer.writeheader()
        writer.writerows({"at": format_timestamp(start + i * EVERY), **row} for i, row in enumerate(rows))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    write(made / "train.csv", loans(20_000, 1), START - 30 * 86_400_000)
    write(made / "live.csv", loans(LIVE, 2, null_from=BREAK), START)
    build(made, "--segment", "country", "--out", made / "profile.json")
    return made


COLUMNS = ("--timestamp", "at", "--prediction", "decision")


def run(*words) -> None:
    name, *arguments = [str(word) for word in words]
    cli.load(name).main(arguments, standalone_mode=False)


def build(folder, *options) -> None:
    names = ("--model-id", "loans", "--model-version", "1")
    known = COLUMNS if "at," in (folder / "train.csv").read_text()[:3] else ()
    run("profile", "build", folder / "train.csv", *names, *known, *options)


def backtest(folder, *options) -> list[AlertEvent]:
    out = folder / "alerts.jsonl"
    run("backtest", "--file", folder / "live.csv", "--pane", "1m", "--alerts", out, *COLUMNS, *options)
    return [AlertEvent.model_validate_json(line) for line in out.read_bytes().splitlines()]


def test_a_backtest_finds_the_storm_of_one_segment_in_that_segment(folder, capsys):
    found = backtest(folder, "--profile", folder / "profile.json", "--segment", "country")
    opened = [alert for alert in found if alert.event == "opened" and alert.labels.segment]
    assert {(a.labels.segment, a.labels.series) for a in opened} == {("pl", "missing"), ("pl", "predicted_share")}
    shown = capsys.readouterr().out
    assert "Segments by country: de, fr, it, es, pl" in shown
    assert "country pl: job missing 1.3 % → 91 %" in shown
    assert "in 20 panes" in shown


def test_rows_without_their_segments_column_are_of_no_segment_and_that_is_said(folder, capsys):
    # Else the tag's column would be a feature that the profile doesn't know.
    found = backtest(folder, "--profile", folder / "profile.json", "--exclude", "country", "--json")
    summary = json.loads(capsys.readouterr().out)
    assert not any(alert.labels.segment for alert in found)
    assert summary["outside_segments"] == LIVE
    [note] = [text for text in summary["warnings"] if "segment" in text]
    assert note == "no row is in a segment, since those watched are by country: name its column, --segment country"


def test_a_segments_column_for_a_profile_without_segments_is_said_to_be_of_no_use(folder, capsys):
    build(folder, "--exclude", "country", "--out", folder / "plain.json")
    backtest(folder, "--profile", folder / "plain.json", "--segment", "country", "--json")
    summary = json.loads(capsys.readouterr().out.partition("next:")[2].partition("\n")[2])
    assert "no segment is watched: build the profile with --segment country too" in summary["warnings"]


def test_profile_show_and_diff_tell_the_segments(folder, capsys):
    run("profile", "show", folder / "profile.json")
    assert "segments by country: de 8,0" in " ".join(capsys.readouterr().out.split())
    build(folder, "--segment", "country", "--segments", "2", "--out", folder / "two.json")
    assert "values with a reference are beyond --segments 2" in " ".join(capsys.readouterr().out.split())
    run("profile", "diff", folder / "two.json", folder / "profile.json", "--json")
    [found] = [entry for entry in json.loads(capsys.readouterr().out) if entry["what"] == "segments"]
    assert found["before"].startswith("country: de 8,0")
    assert found["after"].endswith(f"pl {read_profile(folder / 'profile.json').segments.values[-1].rows:,}")


def tags(path: Path, columns: Columns) -> list[dict]:
    [table] = open_tables([path], columns, kinds={})
    [chunk] = table.chunks()
    events, _ = canonical_events(chunk, columns, model_id="m", model_version="1")
    return [orjson.loads(event)["tags"] for event in events]


def test_a_tag_has_the_columns_name_and_the_text_that_stands_in_the_cell(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x,plz\n1,07\n2,7\n3,7.0\n4,\n5,true\n")
    expected = [{"plz": "07"}, {"plz": "7"}, {"plz": "7.0"}, {}, {"plz": "true"}]
    assert tags(file, Columns(segment="plz")) == expected


def test_a_tag_of_a_typed_file_is_spelled_as_json_does(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"x": 1, "plz": v}) + "\n" for v in ("07", 7, 7.0, None, True, 1.5, "")))
    expected = [{"plz": "07"}, {"plz": "7"}, {"plz": "7"}, {}, {"plz": "true"}, {"plz": "1.5"}, {}]
    assert tags(file, Columns(segment="plz")) == expected


def test_a_column_may_be_a_feature_and_the_segment(folder, capsys):
    both = ("--features", "income,job,country", "--segment", "country")
    build(folder, *both, "--out", folder / "both.json")
    profile = read_profile(folder / "both.json")
    assert list(profile.features) == ["income", "job", "country"]
    assert profile.segments.tag == "country"
    found = backtest(folder, "--profile", folder / "both.json", *both)
    assert {a.labels.segment for a in found if a.labels.feature == "job"} == {"", "pl"}
    capsys.readouterr()


def test_a_tag_whose_name_no_profile_can_hold_is_an_error_with_a_fix(tmp_path):
    long = "c" * 300
    (tmp_path / "train.csv").write_text(f"x,{long}\n1,a\n")
    with pytest.raises(InputError, match="has 300 characters, at most 256 are possible"):
        build(tmp_path, "--segment", long, "--out", tmp_path / "p.json")
