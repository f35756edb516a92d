"""`driftgauge backtest` over small files: a NULL break is found in every format, and what is wrong is said clearly."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftgauge import cli
from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.backtest import files as backtest_files
from driftgauge.errors import ConfigError, InputError
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.reference import CodedColumn, NumericColumn
from driftgauge.sources.profile_file import write_profile
from driftgauge.timestamps import format_timestamp

MINUTE = 60_000
START = 1_773_532_800_000
ROWS, BREAK_ROW = 12_000, 8_000  # Two a second: the break comes after 66 min 40 s.
INTERVAL = 500
MONTH_BEFORE = START - 30 * 86_400_000


class Data(NamedTuple):
    income: list[float]
    job: list[str | None]
    decision: list[str]


def data(rows: int, seed: int, *, broken_from: int | None = None) -> Data:
    generator = np.random.Generator(np.random.PCG64(seed))
    income = np.round(20_000 + 60_000 * generator.random(rows))
    jobs = np.array(["a", "b", "c"], object)[generator.integers(0, 3, rows)]
    if broken_from is not None:
        jobs[broken_from:] = None
    return Data(income.tolist(), jobs.tolist(), np.where(income > 30_000, "approved", "rejected").tolist())


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    reference = data(20_000, 1)
    codes = np.array([["a", "b", "c"].index(job or "") for job in reference.job], np.int64)
    labels = np.array([["approved", "rejected"].index(label) for label in reference.decision], np.int64)
    built = build_profile(
        Reference(
            files=["train.csv"],
            times=MONTH_BEFORE + INTERVAL * np.arange(20_000, dtype=np.int64),
            features={
                "income": NumericColumn(np.array(reference.income)),
                "job": CodedColumn("string", codes, ["a", "b", "c"]),
            },
            prediction=CodedColumn("string", labels, ["approved", "rejected"]),
        ),
        model_id="loans",
        model_version="1",
    ).profile
    return write_profile(built, tmp_path / "profile.json")


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    columns = data(ROWS, 2, broken_from=BREAK_ROW)
    return [
        {"at": format_timestamp(START + i * INTERVAL), "income": income, "job": job, "decision": decision}
        for i, (income, job, decision) in enumerate(zip(*columns, strict=True))
    ]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def run(*arguments: str | Path) -> int:
    command = cli.load("backtest")
    return command.main([str(argument) for argument in arguments], standalone_mode=False) or 0


COLUMNS = ("--timestamp", "at", "--prediction", "decision")


def alerts_in(path: Path) -> list[AlertEvent]:
    return [AlertEvent.model_validate_json(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("name", "write"), [("live.csv", write_csv), ("live.jsonl", write_jsonl), ("live.parquet", write_parquet)]
)
def test_a_field_that_turns_null_is_found_in_every_format(
    name: str,
    write: Callable[[Path, list[dict[str, Any]]], Path],
    profile: Path,
    rows: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, out = write(tmp_path / name, rows), tmp_path / "alerts.jsonl"
    assert run("--profile", profile, "--file", file, *COLUMNS, "--pane", "1m", "--alerts", out) == 0
    events = alerts_in(out)
    assert [(e.event, e.labels.feature, e.labels.series, e.labels.severity) for e in events] == [
        ("opened", "job", "missing", "critical")
    ]
    assert events[0].detail.change_point.at == "2026-03-15T01:06:00Z"
    assert events[0].run.mode == "backtest"
    assert events[0].source.topic == name
    text = capsys.readouterr().out
    assert "12,000 rows: 12,000 events in 100 panes" in text
    assert "job missing 0 % →" in text
    assert "open at the end" in text


def test_two_runs_and_another_batch_size_give_the_same_bytes(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_csv(tmp_path / "live.csv", rows)
    outs = [tmp_path / f"{i}.jsonl" for i in range(3)]
    for out in outs[:2]:
        run("--profile", profile, "--file", file, *COLUMNS, "--alerts", out)
    whole = backtest_files.record_batches
    monkeypatch.setattr(backtest_files, "record_batches", lambda *a, **k: whole(*a, **k, size=37))
    run("--profile", profile, "--file", file, *COLUMNS, "--alerts", outs[2])
    contents = [out.read_bytes() for out in outs]
    assert contents[0]
    assert contents[0] == contents[1] == contents[2]


def test_the_json_summary_says_what_the_text_says(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = write_csv(tmp_path / "live.csv", rows), tmp_path / "alerts.jsonl"
    run("--profile", profile, "--file", file, *COLUMNS, "--alerts", out, "--json", "--pane", "1m")
    summary = json.loads(capsys.readouterr().out)
    assert summary["rows"] == summary["events"] == ROWS
    assert summary["period"] == {"from": "2026-03-15T00:00:00Z", "to": "2026-03-15T01:40:00Z"}
    assert summary["alerts"]["by_severity"] == {"critical": 1}
    assert summary["alerts"]["by_feature"] == {"job": 1}
    assert summary["alerts"]["list"][0]["from"] == 0
    assert summary["models"][0]["pane"] == "1m"
    assert summary["alerts_file"] == str(out)


def test_rows_that_are_no_events_are_counted_and_the_first_are_shown(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {
        "event_type": "prediction",
        "model_id": "loans",
        "timestamp": format_timestamp(START),
        "features": {"income": 50_000, "job": "a"},
        "prediction": "approved",
    }
    lines = [json.dumps(good), "no json", json.dumps({**good, "timestamp": "yesterday"}), json.dumps(good)]
    lines.append(json.dumps({**good, "model_id": "other"}))
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n")
    run("--profile", profile, "--file", tmp_path / "events.jsonl", "--alerts", tmp_path / "alerts.jsonl")
    text = capsys.readouterr().out
    assert "2 rows that are no events: 1 bad_timestamp, 1 malformed_json" in text
    assert "events.jsonl row 2:" in text
    assert "other (1)" in text
    assert "events of other (no version said) arrive, but there is no profile for it" in " ".join(text.split())


def test_fail_on_ends_with_three_only_from_that_severity_on(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    broken, whole = write_csv(tmp_path / "broken.csv", rows), write_csv(tmp_path / "whole.csv", rows[:BREAK_ROW])
    common = ("--profile", profile, *COLUMNS, "--alerts", tmp_path / "alerts.jsonl", "--fail-on", "warning")
    assert run(*common, "--file", broken) == 3
    assert run(*common, "--file", whole) == 0
    with pytest.raises(InputError, match="no pane was judged"):
        run(*common, "--file", whole, "--from", "2040-01-01T00:00:00Z")


def test_files_of_the_same_name_are_different_sources(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, part in (("1", rows[:3000]), ("2", rows[3000:6000])):
        (tmp_path / folder).mkdir()
        write_csv(tmp_path / folder / "live.csv", part)
    one, two = tmp_path / "1" / "live.csv", tmp_path / "2" / "live.csv"
    # A glob of ours, one that the shell has expanded, and the option twice.
    for files in (("--file", tmp_path / "?" / "live.csv"), ("--file", one, two), ("--file", one, "--file", two)):
        run("--profile", profile, *files, *COLUMNS, "--alerts", tmp_path / "a.jsonl")
        assert "6,000 rows: 6,000 events" in capsys.readouterr().out


def test_a_column_that_is_not_there_counts_as_missing_and_the_near_name_is_shown(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = [{"at": row["at"], "income": row["income"], "Jobs": row["job"]} for row in rows[:6000]]
    file = write_csv(tmp_path / "live.csv", renamed)
    run("--profile", profile, "--file", file, "--timestamp", "at", "--alerts", tmp_path / "a.jsonl", "--json")
    summary = json.loads(capsys.readouterr().out)
    assert "no column 'job': it counts as missing in every row; did you mean 'Jobs'?" in summary["warnings"][0]
    assert "--prediction" in summary["warnings"][1]
    assert summary["alerts"]["by_feature"] == {"job": 1}


def test_ctrl_c_leaves_what_was_found_and_exits_with_130(
    profile: Path,
    rows: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = backtest_files.record_batches

    def interrupted(*arguments: Any, **options: Any) -> Any:
        for number, batch in enumerate(whole(*arguments, **options, size=500)):
            if number == 22:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(backtest_files, "record_batches", interrupted)
    out = tmp_path / "alerts.jsonl"
    out.write_text("of the run before\n")
    file = write_csv(tmp_path / "live.csv", rows)
    assert run("--profile", profile, "--file", file, *COLUMNS, "--pane", "1m", "--alerts", out) == 130
    assert out.read_text() == "of the run before\n"
    (partial,) = tmp_path.glob("alerts.jsonl.*.partial")
    assert len(alerts_in(partial)) == 1
    assert "Stopped before the end" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (("--file", "{live}"), ConfigError, "either --profile P"),
        (("--profile", "{profile}", "-c", "x.yaml", "--file", "{live}"), ConfigError, "either --profile P"),
        (("--profile", "{profile}", "--file", "{tmp}/absent.csv"), InputError, r"absent.csv: no such file"),
        (("--profile", "{tmp}/absent.json", "--file", "{live}"), InputError, r"absent.json: can't be read"),
        (
            ("--profile", "{profile}", "--file", "{live}", "--pane", "soon"),
            ConfigError,
            "--pane: 'soon' is no duration",
        ),
        (("--profile", "{profile}", "--file", "{live}", "--pane", "5ms"), ConfigError, "at least 1s"),
        (("--profile", "{profile}", "--file", "{live}", "--budget", "0"), ConfigError, "--budget 0"),
        (("--profile", "{profile}", "--file", "{live}", "--budget", "nan"), ConfigError, "--budget nan"),
        (("--profile", "{profile}", "--file", "{live}", "--fail-on", "bad"), ConfigError, "info, warning, critical"),
        (("--profile", "{profile}", "--file", "{live}", "--model", "m"), ConfigError, "--model goes with -c"),
        (("-c", "{tmp}/x.yaml", "--file", "{live}", "--pane", "1m"), ConfigError, "--pane goes with --profile"),
        (("--profile", "{profile}", "--file", "{live}", "--score", "decison"), InputError, "did you mean 'decision'"),
        (("--profile", "{profile}", "--file", "{live}", "--features", "at"), InputError, "none of the profile's"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(
    options: tuple[str, ...],
    error: type[Exception],
    message: str,
    profile: Path,
    rows: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    live = write_csv(tmp_path / "live.csv", rows[:10])
    filled = [option.format(live=live, profile=profile, tmp=tmp_path) for option in options]
    with pytest.raises(error, match=message):
        run(*filled, "--alerts", tmp_path / "alerts.jsonl")
    assert not (tmp_path / "alerts.jsonl").exists()
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(("place", "message"), [("absent/alerts.jsonl", "does not exist"), ("", "is a folder")])
def test_a_place_for_alerts_that_cannot_be_written_is_found_before_any_work(
    place: str, message: str, profile: Path, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    live = write_csv(tmp_path / "live.csv", rows[:10])
    with pytest.raises(ConfigError, match=message):
        run("--profile", profile, "--file", live, *COLUMNS, "--alerts", tmp_path / place)


def test_an_error_in_the_middle_of_a_file_leaves_the_old_alerts_alone(
    profile: Path, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows[-1]["at"] = rows[0]["at"]
    file, out = write_csv(tmp_path / "live.csv", rows), tmp_path / "alerts.jsonl"
    out.write_text("old\n")
    with pytest.raises(InputError, match="row 12000"):
        run("--profile", profile, "--file", file, *COLUMNS, "--alerts", out)
    assert out.read_text() == "old\n"


def test_a_pipe_is_no_table(profile: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(InputError, match=r"rows.csv: is a pipe or a device"):
        run("--profile", profile, "--file", tmp_path / "rows.csv", *COLUMNS, "--alerts", tmp_path / "a.jsonl")
