"""What a command must survive on the command line: it loses no file, and says in one line what is wrong."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.table import Table
from rich.text import Text

from driftgauge import cli
from driftgauge.cli.terminal import Terminal
from driftgauge.errors import ConfigError, DriftgaugeError, InputError
from driftgauge.sinks.jsonl import JsonLinesFile

ROWS = "at,age,job\n" + "".join(
    f"2026-03-{i // 24 + 1:02d}T{i % 24:02d}:00:00Z,{20 + i * 7 % 50},{'ab'[i % 2]}\n" for i in range(240)
)
CONFIG = """\
kafka: {bootstrap_servers: [localhost:9092]}
topics: {predictions: ml.predictions}
models: [{model_id: loan, model_version: "7", profile: p.json}]
"""


def run(*words: str | Path) -> int:
    command, *rest = map(str, words)
    return cli.load(command).main(rest, standalone_mode=False) or 0


def build(*words: str | Path, model: str = "loan", version: str = "7") -> int:
    return run("profile", "build", "--model-id", model, "--model-version", version, *words)


def backtest(*words: str | Path) -> int:
    return run("backtest", "--profile", "p.json", *words)


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    file = Path("live.csv")
    file.write_text(ROWS)
    build(file, "--timestamp", "at", "--out", "p.json")
    capsys.readouterr()
    return file


@pytest.mark.parametrize("out", ["live.csv", "../{here}/live.csv", "link.csv", "p.json", "c.yaml"])
def test_alerts_never_replace_a_file_that_the_backtest_reads(out: str, table: Path, tmp_path: Path) -> None:
    Path("link.csv").symlink_to(table)
    Path("c.yaml").write_text(CONFIG)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    out = out.format(here=tmp_path.name)
    for model in (("--profile", "p.json"), ("-c", "c.yaml")):
        if out == "c.yaml" and "-c" not in model:
            continue
        for data in (table, "*.csv"):
            with pytest.raises(ConfigError, match="is read by this very command"):
                run("backtest", *model, "--file", data, "--timestamp", "at", "--alerts", out)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_profile_never_replaces_its_reference(table: Path) -> None:
    for data in (table, "."):
        with pytest.raises(ConfigError, match=r"--out live\.csv: is read by this very command") as caught:
            build(data, "--timestamp", "at", "--out", "./live.csv")
        assert caught.value.exit_code == 2
    assert table.read_text() == ROWS


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("at,,b", r"^wide.csv: column 2 has no name; give it one in the file, or name "),
        ("at,b," + "x" * 257, r"^wide.csv: the name of column 'x{40}…' has 257 characters, at most 256"),
        ("at," + ",".join(f"f{i}" for i in range(5001)), r"^5,001 feature columns, a profile holds at most 5,000; "),
    ],
)
def test_columns_that_no_profile_can_hold_are_named_with_the_fix(header: str, message: str) -> None:
    cells = ",".join("1" * header.count(","))
    Path("wide.csv").write_text(f"{header}\n2026-03-01,{cells}\n2026-03-02,{cells}\n")
    with pytest.raises(InputError, match=message):
        build("wide.csv", "--timestamp", "at", "--out", "wide.json")


def test_a_column_without_a_name_can_be_passed_over() -> None:
    Path("pandas.csv").write_text(",at,age\n0,2026-03-01,3\n1,2026-03-02,4\n")
    assert build("pandas.csv", "--timestamp", "at", "--features", "age", "--out", "pandas.json") == 0


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_a_model_needs_a_name_and_a_version(name: str, table: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^--model-id: has {len(name)} characters; give a name of 1 to 256$"):
        build(table, "--out", "q.json", model=name)
    with pytest.raises(ConfigError, match=r"^--model-version: "):
        build(table, "--out", "q.json", version=name)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prediction", "at"), r"^--timestamp and --prediction both name the column 'at'; leave one of them out$"),
        (("--prediction", "job", "--score", "job"), r"^--prediction and --score both name the column 'job'"),
        (("--features", "at,age"), r"^--timestamp and --features both name the column 'at'"),
    ],
)
def test_a_column_has_one_meaning(words: tuple[str, ...], message: str, table: Path) -> None:
    with pytest.raises(InputError, match=message):
        backtest("--file", table, "--timestamp", "at", *words, "--alerts", "a.jsonl")
    with pytest.raises(InputError, match=message):
        build(table, "--timestamp", "at", *words, "--out", "q.json")


@pytest.mark.parametrize("words", [("--start", "9999-12-31"), ("--interval", "99999999d")])
def test_rows_counted_beyond_the_year_9999_are_refused(words: tuple[str, str], table: Path) -> None:
    table.write_text("age\n" + "1\n2\n" * 60_000)
    with pytest.raises(InputError, match=r"live\.csv: row \d+ would lie beyond the year 9999 with --start .* shorter"):
        build(table, *words, "--out", "q.json")
    with pytest.raises(InputError, match=r"live\.csv: row \d+ would lie beyond the year 9999"):
        backtest("--file", table, *words, "--alerts", "a.jsonl")


def test_a_time_column_beyond_the_year_9999_is_refused() -> None:
    times = pa.array([0, 400_000_000_000], pa.timestamp("s"))
    pq.write_table(pa.table({"at": times, "age": [1, 2]}), "far.parquet")
    with pytest.raises(InputError, match=r"^far\.parquet: row 2: the time lies beyond the years 1 to 9999$"):
        build("far.parquet", "--timestamp", "at", "--out", "q.json")


def test_two_processes_can_write_the_same_alerts_and_the_last_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path("alerts.jsonl")
    with JsonLinesFile(out) as first:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with JsonLinesFile(out) as second:
            first.write(b"1")
            second.write(b"2")
            first.complete()
            assert out.read_bytes() == b"1\n"
            second.complete()
    assert out.read_bytes() == b"2\n"


def test_an_alerts_file_on_a_full_disk_is_one_error() -> None:
    full = Path("/dev/full")
    message = r"^/dev/full: can't be written: No space left on device$"
    with JsonLinesFile(full) as file, pytest.raises(DriftgaugeError, match=message) as caught:
        file.write(b"{}")
    assert caught.value.exit_code == 1
    assert full.is_char_device()


def test_schemas_that_cannot_be_written_are_one_error(table: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--out live\.csv/schemas: can't be written: Not a directory$"):
        run("schema", "export", "--out", table / "schemas")


def test_a_full_standard_output_is_one_error() -> None:
    for words in (["--version"], ["profile", "show", "p.json"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "driftgauge", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert (done.returncode, done.stderr) == (1, "error: the output can't be written: No space left on device\n")


def shown(*words: str | Path) -> tuple[int, str, str]:
    """Exit code and what comes to standard output and error of a process."""
    done = subprocess.run(
        [sys.executable, "-m", "driftgauge", *words], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


EVIL = "\x1b[2J\x07\x9b1m\u202e"
SEEN = "\\x1b[2J"


def test_names_from_outside_cannot_steer_the_terminal() -> None:
    table = Path(f"{EVIL}.csv")
    table.write_text(ROWS.replace("age", f"age{EVIL}").replace(",a\n", f",a{EVIL}\n"))
    columns = ("--timestamp", "at")
    built = shown(
        "profile", "build", table, *columns, "--model-id", f"m{EVIL}", "--model-version", EVIL, "--out", "e.json"
    )
    table.write_text(table.read_text() + f"2026-04-01T00:00:00Z,x,c{EVIL}\n" * 500)
    told = shown("backtest", "--profile", "e.json", "--file", table, *columns, "--alerts", f"{EVIL}.jsonl")
    noted = shown("backtest", "--profile", "e.json", "--file", "live.csv", *columns, "--alerts", f"{EVIL}.jsonl")
    refused = shown("backtest", "--profile", "e.json", "--file", table, "--prediction", EVIL, "--alerts", "a.jsonl")
    injected = shown(
        "inject", "--file", table, *columns, "--inject", f"null:age{EVIL}:0.3@2026-03-02", "--out", f"{EVIL}2.csv"
    )
    missing = shown("profile", "show", f"{EVIL}.json")
    assert [code for code, *_ in (built, told, noted, refused, injected, missing)] == [0, 0, 0, 2, 0, 2]
    for _, *streams in (built, told, noted, refused, injected, missing):
        text = "".join(streams)
        assert SEEN in text
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


def test_nothing_of_a_name_is_cut_off_because_it_takes_more_room_when_shown() -> None:
    terminal = Terminal(file=io.StringIO(), width=40)
    table = Table("name", "what", box=None)
    table.add_row("age\x1b[31mX", "of a column")
    terminal.print(table)
    terminal.print(Text("\x1b" * 15 + "end"))
    printed = terminal.file.getvalue()
    assert "age\\x1b[31mX" in printed
    assert ("".join(printed.split()).count("x1b"), printed.count("end")) == (16, 1)


def test_colours_are_no_text_and_stay() -> None:
    terminal = Terminal(file=io.StringIO(), force_terminal=True, color_system="standard", width=80, _environ={})
    terminal.print(Text.assemble(("a\x1b[32mb\nc", "red"), "d"))
    printed = terminal.file.getvalue()
    assert printed.replace("\x1b[31m", "").replace("\x1b[0m", "") == "a\\x1b[32mb\ncd\n"
    assert printed.startswith("\x1b[31ma")
    assert "\x1b[31m\\x1b\x1b[0m" in printed
    assert printed.endswith("\x1b[31mc\x1b[0md\n")


def test_a_terminal_without_utf_8_gets_what_it_can_show() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "driftgauge", "profile", "show", "p.json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "loan version 7" in done.stdout
    assert "?" in done.stdout


def test_a_column_that_the_profile_holds_cannot_be_left_out(table: Path) -> None:
    message = r"^--exclude job: the profile holds what this leaves out, .* build the profile with --exclude job too$"
    with pytest.raises(InputError, match=message):
        backtest("--file", table, "--timestamp", "at", "--exclude", "job", "--alerts", "a.jsonl")
    build(table, "--timestamp", "at", "--exclude", "job", "--out", "p.json")
    assert backtest("--file", table, "--timestamp", "at", "--exclude", "job", "--alerts", "a.jsonl") == 0


def test_panes_shorter_than_the_profile_suggests_are_noted(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = "panes of 1m are shorter than the 1d that the profile suggests"
    Path("c.yaml").write_text(CONFIG)
    for pane, noted in ((("--pane", "1m"), True), ((), False)):
        backtest("--file", table, "--timestamp", "at", *pane, "--alerts", "a.jsonl", "--json")
        warnings = json.loads(capsys.readouterr().out)["warnings"]
        assert any(note in warning for warning in warnings) == noted
    for panes, noted in (("{length: 1m}", True), ("{length: auto}", False)):
        Path("c.yaml").write_text(f"{CONFIG}panes: {panes}\n")
        run("check", "-c", "c.yaml")
        assert (note in " ".join(capsys.readouterr().out.split())) == noted


def test_a_second_time_column_is_to_be_left_out(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [f"2026-03-{i // 10 + 1:02d}" for i in range(240)]
    table.write_text("at,day,age\n" + "".join(f"{day},{day},{i % 7}.5\n" for i, day in enumerate(days)))
    build(table, "--timestamp", "at", "--out", "q.json")
    assert '"day" looks like a time; --exclude day leaves it out\n' in capsys.readouterr().out
    build(table, "--exclude", "at", "--out", "q.json")
    assert '"day" looks like a time; --timestamp day reads it as the rows\' time\n' in capsys.readouterr().out


def test_alerts_can_go_into_a_pipe_by_its_descriptor() -> None:
    reading, writing = os.pipe()
    with JsonLinesFile(Path(f"/dev/fd/{writing}")) as file:
        file.write(b"{}")
        file.complete()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"{}\n"


@pytest.mark.parametrize("pane", ["500ms", "367d", "99999999999999999d"])
def test_a_pane_has_a_least_and_a_greatest_length(pane: str, table: Path) -> None:
    with pytest.raises(ConfigError, match=r"--pane .*: a pane is at least 1s and at most 366d long"):
        backtest("--file", table, "--timestamp", "at", "--alerts", "a.jsonl", "--pane", pane)


def test_rows_at_the_last_moment_of_the_last_year_are_replayed() -> None:
    late = Path("late.csv")
    late.write_text("at,age,job\n" + "".join(f"9999-12-31T23:59:{i:02d}Z,{20 + i},a\n" for i in range(60)))
    assert backtest("--file", late, "--timestamp", "at", "--alerts", "a.jsonl", "--pane", "1m") == 0


def test_a_change_that_would_take_effect_in_centuries_is_an_error() -> None:
    entry = '{{model_id: loan, model_version: "7", profile: p.json, panes: {{length: {}}}{}}}'
    later = entry.format("86399999ms", ", effective_from: 2026-01-05T00:00:00Z")
    Path("c.yaml").write_text(CONFIG.splitlines()[0] + "\ntopics: {predictions: ml.predictions}\nmodels:\n"
        + f"- {entry.format('1009s', '')}\n- {later}\n")  # fmt: skip
    with pytest.raises(ConfigError, match=r"would change at 4732-07-19T23:43:11Z only"):
        run("check", "-c", "c.yaml")


TIMED = ("--timestamp", "at")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--file", "live.csv", "--inject-seed", "0"), r"^--inject-seed .*: give it --inject FAULT$"),
        (
            ("--file", "live.csv", *TIMED, "--interval", "1s"),
            r"^--interval says when .*; with --timestamp at .* leave one",
        ),
        (("--file", "live.csv", *TIMED, "--start", "2026-01-01"), r"^--start says when .* --timestamp at"),
        (("--file", "live.csv", "--sort"), r"^--sort puts rows in the order of their times: name the column"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        backtest(*words, "--alerts", "a.jsonl")


def test_names_of_columns_say_nothing_of_events_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("events.jsonl").write_text(
        '{"event_type": "prediction", "model_id": "loan", "features": {"age": 1, "job": "a"}}\n'
    )
    backtest("--file", "events.jsonl", *TIMED, "--features", "job", "--alerts", "a.jsonl", "--json")
    (warning,) = [w for w in json.loads(capsys.readouterr().out)["warnings"] if w.startswith("--")]
    assert warning.startswith("--timestamp, --features: not heeded")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--segments", "3"), r"^--segments is how many .*: name their column, --segment COL$"),
        (("--positive", "a"), r"^--positive is the class .* name --prediction or --score, and --actual$"),
        (("--positive", "a", "--prediction", "job"), r"^--positive is the class"),
        ((*TIMED, "--interval", "5s"), r"^--interval says when"),
        (("--sort",), r"^--sort puts rows in the order"),
    ],
)
def test_an_option_that_would_change_nothing_in_a_profile_is_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("live.csv", *words, "--out", "q.json")
    assert not Path("q.json").exists()


def test_events_beside_rows_may_be_read_with_the_options_of_the_rows(table: Path) -> None:
    Path("more.jsonl").write_text(
        '{"event_type": "prediction", "model_id": "loan", "features": {"age": 1, "job": "a"}}\n'
    )
    assert backtest("--file", table, "--file", "more.jsonl", *TIMED, "--sort", "--alerts", "a.jsonl") == 0
