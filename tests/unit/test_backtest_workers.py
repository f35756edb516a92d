"""`backtest --workers N`: the same bytes with any N, over files of rows and of events; what goes wrong is told once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftgauge import cli
from driftgauge.cli.backtest import workers as backtest_workers
from driftgauge.errors import InputError, WorkerProcessError
from driftgauge.replay.turn import Turn
from driftgauge.sources.profile_file import write_profile
from live import START, loan_events, profile_of, wait

MODELS = ("cards", "loans", "mortgages")


def run(*arguments: str | Path | int) -> int:
    command = cli.load("backtest")
    return command.main([str(argument) for argument in arguments], standalone_mode=False) or 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models in one configuration, and five files of their events; one of them breaks, one has no profile."""
    made = tmp_path_factory.mktemp("workers")
    trained = loan_events(20_000, seed=1)
    for model in MODELS:
        write_profile(profile_of(trained, model_id=model), made / f"{model}.json")
    entries = [{"model_id": model, "model_version": "7", "profile": f"{model}.json"} for model in MODELS]
    settings = {
        "kafka": {"bootstrap_servers": ["nobody:9092"]},
        "topics": {"predictions": "ml.predictions"},
        "redis": {"url": "redis://nobody:6379/0"},
        "panes": {"length": "1m", "out_of_orderness": "5s"},
        "models": entries,
    }
    (made / "driftgauge.yaml").write_text(json.dumps(settings))
    events = [json.loads(event) for event in loan_events(12_000, break_at=6000)]
    whole = [json.loads(event) for event in loan_events(12_000, seed=5)]
    lines: list[list[str]] = [[] for _ in range(5)]
    for i, (broken, fine) in enumerate(zip(events, whole, strict=True)):
        name = (*MODELS, "unknown")[i % 4]
        event = (broken if name == "loans" else fine) | {"model_id": name}
        lines[i % 5].append("no event" if i % 1000 == 7 else json.dumps(event))
    for number, of in enumerate(lines):
        (made / f"events-{number}.jsonl").write_text("\n".join(of) + "\n")
    return made


def backtest(folder: Path, out: Path, capsys: pytest.CaptureFixture[str], *options: str | int) -> dict[str, Any]:
    """The summary, with the names of what was written, and what is in it."""
    assert run("-c", folder / "driftgauge.yaml", "--alerts", out / "alerts.jsonl", "--json", *options) == 0
    summary = json.loads(capsys.readouterr().out)
    return summary | {file.name: file.read_bytes() for file in sorted(out.iterdir())}


@pytest.fixture
def outs(tmp_path: Path) -> Iterator[Path]:
    def numbered() -> Iterator[Path]:
        for number in range(100):
            out = tmp_path / str(number) / "out"
            out.mkdir(parents=True)
            yield out

    return numbered()


def without_places(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.endswith("_file")}


FAULT = ("--inject", "null:income:0.5@2026-01-01T00:20:00Z", "--model", "cards/7")


def test_any_number_of_workers_gives_the_same_bytes(folder, outs, capsys):
    found = []
    for workers in (1, 2, 4):
        out = next(outs)
        files = ("--panes-out", out / "panes.jsonl", "--file", folder / "events-*.jsonl", "--workers", workers)
        found.append(without_places(backtest(folder, out, capsys, *FAULT, *files)))
    one, *others = found
    assert one["alerts.jsonl"]
    assert one["events"] == 9000
    assert one["rejected"] == {"malformed_json": 12}
    assert [of["file"] for of in one["first_rejected"]] == ["events-2.jsonl"] * 5
    assert one["unknown_models"]["unknown"] > 2900
    assert {entry["labels"]["model_id"] for entry in one["alerts"]["list"]} == {"cards", "loans", "unknown"}
    assert one["injected"][0]["records"] > 100
    for other in others:
        assert other == one


def test_any_number_of_workers_judges_stored_panes_the_same(folder, outs, capsys):
    out = next(outs)
    counted = backtest(folder, out, capsys, "--panes-out", out / "panes.jsonl", "--file", folder / "events-*.jsonl")
    stored = out.parent / "panes.jsonl"
    stored.write_bytes(counted["panes.jsonl"])
    one, three = (
        without_places(backtest(folder, next(outs), capsys, "--from-panes", "--file", stored, "--workers", n))
        for n in (1, 3)
    )
    assert one == three
    assert list(map(identity, one["alerts.jsonl"].splitlines())) == list(
        map(identity, counted["alerts.jsonl"].splitlines())
    )


def identity(line: bytes) -> str:
    return json.loads(line)["event_id"]


def test_a_report_and_a_sweep_are_made_of_what_workers_have_counted(folder, outs, capsys):
    looked_at = []
    for workers in (1, 2):
        out = next(outs)
        options = ("--report", out / "report.html", "--sweep", "budget=1,10", "--workers", workers)
        found = backtest(folder, out, capsys, "--model", "cards/7", "--file", folder / "events-*.jsonl", *options)
        looked_at.append((found["report.html"], found["sweep"], found["alerts.jsonl"]))
    assert looked_at[0] == looked_at[1]


def test_what_can_not_be_read_is_the_same_error_in_the_same_place(folder, tmp_path):
    rows = ["at,income,employment_type,prediction", *["2026-01-01T00:00:00Z,1,employed,approved"] * 12_000]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    rows.append("2025-12-31T00:00:00Z,1,employed,approved")
    (tmp_path / "b.csv").write_text("\n".join(rows) + "\n")
    columns = ("--timestamp", "at", "--prediction", "prediction", "--profile", folder / "cards.json")
    messages = []
    for workers in (1, 2):
        out = tmp_path / f"{workers}.jsonl"
        with pytest.raises(InputError) as error:
            run(*columns, "--alerts", out, "--workers", workers, "--file", tmp_path / "?.csv")
        messages.append(str(error.value))
    assert "b.csv" in messages[0]
    assert messages[0] == messages[1]


def test_a_worker_that_is_killed_leaves_what_was_found_and_a_reason(folder, tmp_path, monkeypatch, capsys):
    counted = backtest_workers.CountedElsewhere

    class Fragile(counted):
        def turns(self) -> Iterator[Turn]:
            for number, turn in enumerate(super().turns()):
                if number == 2:
                    process = self._processes._all[0].popen
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
                yield turn

    # So that there is more to come than is read at once.
    monkeypatch.setattr("driftgauge.replay.processes._AHEAD_BYTES", 1)
    monkeypatch.setattr("driftgauge.replay.processes._READ_BYTES", 100)
    monkeypatch.setattr(backtest_workers, "CountedElsewhere", Fragile)
    files = ("--model", "cards/7", "--file", folder / "events-*.jsonl")
    with pytest.raises(WorkerProcessError, match="signal 9, Killed"):
        run("-c", folder / "driftgauge.yaml", "--alerts", tmp_path / "a.jsonl", "--workers", 2, "--json", *files)
    summary = json.loads(capsys.readouterr().out)
    assert not summary["complete"]
    assert "Killed" in summary["stopped"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_them_and_leaves_what_was_found(folder, tmp_path, number):
    rows = ["at,income,employment_type,prediction"]
    rows += [f"{START + 200 * i},{i % 1000},salaried,approved" for i in range(300_000)]
    for file in range(3):
        (tmp_path / f"{file}.csv").write_text("\n".join(rows) + "\n")
    columns = ("--timestamp", "at", "--prediction", "prediction", "--profile", folder / "cards.json", "--pane", "1m")
    files = ("--alerts", tmp_path / "alerts.jsonl", "--workers", 2, "--file", tmp_path / "?.csv")
    # As in a terminal, also where the tests run in the background, which has Ctrl-C ignored.
    code = "import signal; signal.signal(2, signal.default_int_handler); from driftgauge.cli import main; main()"
    command = [sys.executable, "-c", code, "backtest", *columns, *files]
    # In a session of its own, as in a terminal: all that it starts and that doesn't leave the group gets the signal.
    backtest = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    wait(lambda: children(backtest.pid), lambda found: len(found) == 2, [])
    started = children(backtest.pid)
    # They have nothing to tell yet, and the summary is there to be told from now on.
    time.sleep(1)
    # One that is stopped has to end too.
    os.kill(started[0], signal.SIGSTOP)
    os.killpg(backtest.pid, number)
    out, err = backtest.communicate()
    assert backtest.returncode == 130
    assert b"Stopped before the end" in out
    assert b"Traceback" not in err
    for pid in started:
        assert not Path(f"/proc/{pid}").exists()


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


def limited(folder: Path, soft: int, hard: int, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    """A backtest in a process that may open so many files."""
    code = (
        "import resource, sys; from driftgauge.cli import main; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); main()"
    )
    words = ["backtest", "-c", folder / "driftgauge.yaml", *options]
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, check=False)


def test_many_files_are_read_side_by_side_as_far_as_they_may_be(folder, tmp_path):
    line = (folder / "events-0.jsonl").read_text().splitlines()[1]
    for number in range(150):
        (tmp_path / f"{number}.jsonl").write_text(line + "\n")
    files = ("--alerts", tmp_path / "alerts.out", "--json", "--file", tmp_path)
    enough = limited(folder, 60, 400, *files)
    assert json.loads(enough.stdout)["rows"] == 150
    few = limited(folder, 60, 200, *files)
    assert few.returncode == 2
    assert b"150 files are read side by side, and this process may open 200 at once" in few.stderr
    assert json.loads(limited(folder, 60, 200, "--workers", "2", *files).stdout)["rows"] == 150


def test_fewer_than_one_is_no_number_of_workers(folder, tmp_path):
    with pytest.raises(Exception, match="greater than or equal to 1"):
        run("-c", folder / "driftgauge.yaml", "--alerts", tmp_path / "a.jsonl", "--workers", 0)
