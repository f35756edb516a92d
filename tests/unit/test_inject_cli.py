"""`driftgauge inject` and `backtest --inject` over small files: the same records in each format, and marked as such."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftgauge import cli
from driftgauge.alerts.event import AlertEvent
from driftgauge.errors import ConfigError, InputError
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.reference import CodedColumn, NumericColumn
from driftgauge.sources.profile_file import write_profile
from driftgauge.timestamps import format_timestamp

START = 1_773_532_800_000  # 2026-03-15T00:00:00Z
ROWS, INTERVAL = 6_000, 1000
FROM = "2026-03-15T01:00:00Z"
COLUMNS = ("--timestamp", "at", "--prediction", "decision")
FAULTS = (f"null:job:30%@{FROM}", f"unit:income:0.001:.1@{FROM}", f"flip:prediction:.2@{FROM}", f"drop:.1@{FROM}")


def rows(seed: int = 2, count: int = ROWS) -> list[dict[str, Any]]:
    generator = np.random.Generator(np.random.PCG64(seed))
    income = (20_000 + np.round(60_000 * generator.random(count), 2)).tolist()
    age = generator.integers(18, 80, count).tolist()
    job = np.array(["a", "b", "c;"], object)[generator.integers(0, 3, count)].tolist()
    return [
        {
            "at": format_timestamp(START + i * INTERVAL),
            "income": income[i],
            "age": age[i],
            "job": job[i],
            "decision": "yes" if income[i] > 30_000 else "no",
        }
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reference = rows(1, 20_000)
    jobs, classes = ["a", "b", "c;"], ["no", "yes"]
    built = build_profile(
        Reference(
            files=["train.csv"],
            times=START - 30 * 86_400_000 + INTERVAL * np.arange(20_000, dtype=np.int64),
            features={
                "income": NumericColumn(np.array([row["income"] for row in reference])),
                "age": NumericColumn(np.array([row["age"] for row in reference], np.float64)),
                "job": CodedColumn("string", np.array([jobs.index(row["job"]) for row in reference], np.int64), jobs),
            },
            prediction=CodedColumn(
                "string", np.array([classes.index(row["decision"]) for row in reference], np.int64), classes
            ),
        ),
        model_id="loans",
        model_version="1",
    ).profile
    return write_profile(built, tmp_path_factory.mktemp("profile") / "profile.json")


def write(path: Path, table: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(table), path)
    elif path.name.endswith("jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in table))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), quoting=csv.QUOTE_NONNUMERIC)
            writer.writeheader()
            writer.writerows(table)
    return path


def events(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "model_id": "loans",
            "model_version": "1",
            "timestamp": row["at"],
            "features": {name: row[name] for name in ("income", "age", "job")},
            "prediction": row["decision"],
        }
        for row in table
    ]


def run(command: str, *arguments: str | Path) -> int:
    return cli.load(command).main([str(argument) for argument in arguments], standalone_mode=False) or 0


def injecting(*faults: str) -> list[str]:
    return [part for fault in faults for part in ("--inject", fault)]


def alerts_in(path: Path) -> list[AlertEvent]:
    return [AlertEvent.model_validate_json(line) for line in path.read_bytes().splitlines()]


def backtest(profile: Path, file: Path, out: Path, *more: str) -> list[AlertEvent]:
    columns = () if file.name.startswith("events") else COLUMNS
    assert run("backtest", "--profile", profile, "--file", file, *columns, "--pane", "1m", "--alerts", out, *more) == 0
    return alerts_in(out)


@pytest.mark.parametrize("name", ["live.csv", "live.jsonl", "live.parquet", "events.jsonl"])
def test_a_file_with_faults_is_what_a_backtest_with_faults_sees(name: str, profile: Path, tmp_path: Path) -> None:
    file = write(tmp_path / name, events(rows()) if name.startswith("events") else rows())
    out = tmp_path / ("events-" + name if name.startswith("events") else "broken-" + name)
    columns = () if name.startswith("events") else COLUMNS
    assert run("inject", "--file", file, "--out", out, "--profile", profile, *columns, *injecting(*FAULTS)) == 0
    found = backtest(profile, file, tmp_path / "a.jsonl", *injecting(*FAULTS))
    written = backtest(profile, out, tmp_path / "b.jsonl")
    assert [event.event_id for event in found] == [event.event_id for event in written]
    assert {event.labels.feature for event in found} >= {"job", "income"}


def test_a_table_is_hit_in_the_same_rows_whatever_format_it_is_kept_in(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for kept in ("live.csv", "live.jsonl", "live.parquet", "events/live.jsonl", "live.csv.gz"):
        file = tmp_path / kept.replace(".gz", "")
        file.parent.mkdir(exist_ok=True)
        write(file, events(rows()) if kept.startswith("events") else rows())
        if kept.endswith(".gz"):
            file = tmp_path / kept
            file.write_bytes(gzip.compress((tmp_path / "live.csv").read_bytes()))
        columns = () if kept.startswith("events") else COLUMNS
        words = (
            "--profile",
            profile,
            "--file",
            file,
            *columns,
            "--pane",
            "1m",
            "--alerts",
            tmp_path / "a.jsonl",
            "--json",
        )
        capsys.readouterr()
        assert run("backtest", *words, *injecting(*FAULTS)) == 0
        hits = [fault["records"] for fault in json.loads(capsys.readouterr().out)["injected"]]
        found[kept] = hits, [event.event_id for event in alerts_in(tmp_path / "a.jsonl")]
    assert all(outcome == found["live.csv"] for outcome in found.values()), found
    assert all(found["live.csv"])


def test_a_backtest_with_faults_is_marked_and_one_without_is_as_ever(profile: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "live.csv", rows())
    first = backtest(profile, file, tmp_path / "a.jsonl", *injecting(*FAULTS))
    other = backtest(profile, file, tmp_path / "b.jsonl", *injecting(*FAULTS), "--inject-seed", "1")
    plain = backtest(profile, write(tmp_path / "null.csv", broken(rows())), tmp_path / "c.jsonl")
    assert {tuple(event.run.injected) for event in (*first, *other)} == {FAULTS}
    page = tmp_path / "page.html"
    backtest(profile, file, tmp_path / "d.jsonl", *injecting(*FAULTS), "--report", str(page))
    assert all(
        f"put into the data on purpose, to see whether it would be noticed: {f}" in page.read_text() for f in FAULTS
    )
    assert b'"injected"' not in (tmp_path / "c.jsonl").read_bytes()
    assert plain
    assert len({event.run.run_id for event in (*first, *other, *plain)}) == 3


def broken(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"job": None if i > 3600 else row["job"]} for i, row in enumerate(table)]


def test_the_summary_says_what_was_hit_and_which_alert_came_first(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "live.csv", rows())
    few = "stuck:age:40@2026-03-15T01:30:00Z..2026-03-15T01:30:03Z"
    faults = injecting(f"null:job@{FROM}", few)
    backtest(profile, file, tmp_path / "a.jsonl", *faults)
    text = capsys.readouterr().out
    assert f"2400  null:job@{FROM}" in text.replace(",", "")
    assert "critical after 1 min: job missing 0 % → 100 % since 01:00" in text
    assert "no alert" in text
    assert f"{few} hit 3 records: too few to tell anything" in text.replace("\n", " ").replace("  ", " ")
    backtest(profile, file, tmp_path / "a.jsonl", *faults, "--json")
    null, stuck = json.loads(capsys.readouterr().out)["injected"]
    assert (null["records"], null["seconds_to_alert"], null["alert"]["opened"]) == (2400, 60, "2026-03-15T01:01:00Z")
    assert null["alert"]["labels"]["feature"] == "job"
    assert (stuck["records"], stuck["alert"], stuck["seconds_to_alert"]) == (3, None, None)
    assert stuck["to"] == "2026-03-15T01:30:03Z"


def test_an_alert_that_was_open_before_is_not_the_faults(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "live.csv", broken(rows()))
    backtest(profile, file, tmp_path / "a.jsonl", "--inject", "null:job@2026-03-15T01:20:00Z", "--json")
    [outcome] = json.loads(capsys.readouterr().out)["injected"]
    assert outcome["alert"] is None
    assert [summary[:11] for summary in outcome["open_before"]] == ["job missing"]
    assert outcome["records"] == 0


def test_late_events_are_counted_as_late(profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "live.csv", rows())
    backtest(profile, file, tmp_path / "a.jsonl", "--inject", f"delay:10m:.2@{FROM}", "--json")
    summary = json.loads(capsys.readouterr().out)
    [outcome] = summary["injected"]
    assert summary["rows"] == ROWS
    # Those of the last minutes come at the end, before the panes that they belong to have closed.
    assert 0 < outcome["records"] - summary["late"] < 60


def test_events_of_another_model_are_left_alone(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed = [event | ({"model_id": "others"} if i % 2 else {}) for i, event in enumerate(events(rows()))]
    file = write(tmp_path / "events.jsonl", mixed)
    backtest(profile, file, tmp_path / "a.jsonl", "--inject", f"null:job@{FROM}", "--json")
    [outcome] = json.loads(capsys.readouterr().out)["injected"]
    assert outcome["records"] == (ROWS - 3600) / 2


@pytest.mark.parametrize("name", ["live.csv", "live.jsonl", "live.csv.gz"])
def test_lines_without_a_fault_keep_their_bytes(name: str, tmp_path: Path) -> None:
    table = write(tmp_path / name.removesuffix(".gz"), rows(count=200)).read_bytes()
    table = table.replace(b"\n", b"\n\n", 3)
    opener = gzip.open if name.endswith("gz") else open
    with opener(tmp_path / name, "wb") as file:
        file.write(table)
    out = tmp_path / f"out-{name}"
    fault = "null:job@2026-03-15T00:01:00Z..2026-03-15T00:01:02Z"
    assert run("inject", "--file", tmp_path / name, "--out", out, "--timestamp", "at", "--inject", fault) == 0
    with opener(out, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    changed = [(a, b) for a, b in zip(table.splitlines(keepends=True), lines, strict=True) if a != b]
    assert [line.split(b"00:")[1][:2] for line, _ in changed] == [b"01", b"01"]


def test_parquet_keeps_its_types_but_for_whole_numbers_that_get_a_fraction(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows(count=100))
    at = pa.array(np.arange(100) * 1000 + START, pa.timestamp("ms", "UTC"))
    table = table.set_column(0, "at", at).append_column("kind", table["job"].dictionary_encode())
    table = table.append_column("day", pa.array([f"2026-03-{1 + i % 9:02}" for i in range(100)]).cast(pa.date32()))
    table = table.append_column("nested", pa.array([[i] for i in range(100)]))
    table = table.append_column("code", table["job"].dictionary_encode())
    table = table.append_column("ratio", pa.array([0.1] * 100, pa.float32()))
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=30)
    faults = injecting(
        f"unit:age:0.5@{at[50]}".replace(" ", "T"),
        "rename:kind:a:z@2026-03-15T00:00:50Z",
        "null:day@2026-03-15T00:00:50Z",
        "unit:ratio:10@2026-03-15T00:00:50Z",
        "drop:1@2026-03-15T00:01:30Z",
    )
    out = tmp_path / "b.parquet"
    assert run("inject", "--file", tmp_path / "a.parquet", "--out", out, "--timestamp", "at", *faults) == 0
    after = pq.read_table(out)
    assert after.num_rows == 90
    assert [str(kind) for kind in after.schema.types] == [
        "timestamp[ms, tz=UTC]",
        "double",
        "double",
        "string",
        "string",
        "string",
        "date32[day]",
        "list<element: int64>",
        "dictionary<values=string, indices=int32, ordered=0>",
        "float",
    ]
    assert after["income"].to_pylist() == table["income"].to_pylist()[:90]
    ages = table["age"].to_pylist()
    assert after["age"].to_pylist() == [*ages[:50], *(age / 2 for age in ages[50:90])]
    assert set(after["kind"].to_pylist()[50:]) == {"z", "b", "c;"}
    assert after["day"].null_count == 40
    assert after["ratio"].to_pylist()[:60:59] == [table["ratio"][0].as_py(), 1.0]


def test_a_value_that_a_column_cannot_hold_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", rows(count=10))
    with pytest.raises(InputError, match="column 'age' is of type int64"):
        run("inject", "--file", file, "--out", tmp_path / "b.parquet", "--inject", "stuck:age:old@2026-01-01")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize(
    ("name", "out", "fault", "says"),
    [
        ("live.csv", "live.csv", "null:job@2026-03-01", "is read by this very command"),
        ("live.csv", "out.jsonl", "null:job@2026-03-01", "is of another format than live.csv"),
        ("live.csv", "no/out.csv", "null:job@2026-03-01", "can't be written: No such file or directory"),
        ("live.csv", "out.csv", "delay:1h:.5@2026-03-01", "rows of a table are by time"),
        ("live.csv", "out.csv", "null:at@2026-03-01", "there is no field 'at'"),
        ("live.csv", "out.csv", "shift:income:1sd@2026-03-01", "no standard deviation of 'income' is known"),
        ("events.jsonl", "out.jsonl", "null:job@2026-03-01", "is said by --profile P"),
        ("absent.csv", "out.csv", "null:job@2026-03-01", "no such file"),
    ],
)
def test_what_does_not_fit_together_is_said(name: str, out: str, fault: str, says: str, tmp_path: Path) -> None:
    write(tmp_path / "live.csv", rows(count=5))
    write(tmp_path / "events.jsonl", events(rows(count=5)))
    with pytest.raises(ConfigError, match=says):
        run("inject", "--file", tmp_path / name, "--out", tmp_path / out, "--timestamp", "at", "--inject", fault)
    assert {path.name for path in tmp_path.iterdir()} == {"live.csv", "events.jsonl"}


def test_a_row_of_another_length_and_a_bad_time_are_named(tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "b.csv", "--timestamp", "at", "--inject", "null:x@2026-03-01")
    file = tmp_path / "a.csv"
    file.write_text("at,x\n2026-03-01,1\n2026-03-01\n")
    with pytest.raises(InputError, match=r"a.csv: row 2 has 1 cell, the header has 2"):
        run("inject", "--file", file, *arguments)
    file.write_text("at,x\n2026-03-01,1\nsoon,1\n")
    with pytest.raises(InputError, match=r"a.csv: row 2: 'soon' is no time"):
        run("inject", "--file", file, *arguments)


def test_json_says_what_was_hit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "live.csv", rows(count=10))
    run("inject", "--file", file, "--out", tmp_path / "b.csv", "--inject", "null:job@2026-01-01", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "file": str(tmp_path / "b.csv"),
        "injected": [{"fault": "null:job@2026-01-01", "records": 10}],
    }
