"""`driftgauge demo`: quiet days are quiet, the break is found at once, the same seed tells the same story."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from driftgauge import cli
from driftgauge.alerts.event import AlertEvent
from driftgauge.demo.story import BREAK
from driftgauge.errors import ConfigError
from driftgauge.timestamps import parse_timestamp

MINUTE = 60_000


class Told(NamedTuple):
    out: Path
    text: str
    lines: list[bytes]
    events: list[AlertEvent]


def tell(out: Path) -> Told:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert not cli.load("demo").main(["--out", str(out)], prog_name="driftgauge demo", standalone_mode=False)
    lines = (out / "alerts.jsonl").read_bytes().splitlines()
    return Told(out, text.getvalue(), lines, [AlertEvent.model_validate_json(line) for line in lines])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("demo"))


def test_nothing_fires_before_the_break(told: Told) -> None:
    assert told.events
    assert all(parse_timestamp(event.updatedAt) > BREAK for event in told.events)


def test_the_broken_field_is_the_first_alert_within_minutes(told: Told) -> None:
    first = told.events[0]
    assert (first.event, first.labels.feature, first.labels.series) == ("opened", "employment_type", "missing")
    assert parse_timestamp(first.updatedAt) - BREAK <= 8 * MINUTE
    assert abs(parse_timestamp(first.detail.change_point.at) - BREAK) <= 2 * MINUTE


def test_the_alert_escalates_and_the_consequences_follow(told: Told) -> None:
    escalated = [event for event in told.events if event.event == "escalated"]
    assert ("employment_type", "missing", "critical") in {
        (event.labels.feature, event.labels.series, event.labels.severity) for event in escalated
    }
    opened = {event.labels.series for event in told.events if event.event == "opened"}
    assert {"missing", "score_missing", "predicted_share"} <= opened
    # One chain: the field and what comes out of the model, no other feature.
    assert {event.labels.feature for event in told.events} == {"employment_type", ""}


def test_the_output_fits_a_terminal_and_names_the_files(told: Told) -> None:
    lines = told.text.splitlines()
    assert len(lines) <= 50
    assert "no alert" in told.text
    assert "employment_type missing" in told.text
    assert "\x1b" not in told.text
    for name in ("alerts.jsonl", "applications.jsonl", "profile.json", "driftgauge.yaml"):
        assert name in told.text
        assert (told.out / name).stat().st_size > 0


def test_the_same_seed_tells_the_same_story(told: Told) -> None:
    before = (told.out / "applications.jsonl").stat().st_size
    again = tell(told.out)
    assert again.text == told.text
    assert again.lines == told.lines
    assert (told.out / "applications.jsonl").stat().st_size == before


def test_a_backtest_of_the_left_files_gives_the_same_alerts_byte_for_byte(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The demo's batches are of 1,000 events and those of files of 4,096: the size decides nothing.
    again = tmp_path / "again.jsonl"
    files = ["-c", str(told.out / "driftgauge.yaml"), "--file", str(told.out / "applications.jsonl")]
    code = cli.load("backtest").main([*files, "--alerts", str(again), "--json"], standalone_mode=False)
    assert not code
    assert again.read_bytes().splitlines() == told.lines
    summary = json.loads(capsys.readouterr().out)
    assert summary["complete"]
    assert summary["late"] == 0
    assert summary["alerts"]["by_feature"]["employment_type"] == 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can't be written"):
        cli.load("demo").main(["--out", str(tmp_path / "file")], standalone_mode=False)
