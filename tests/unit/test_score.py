"""`driftgauge score` and `backtest --incidents`: the same score, on the terminal and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from driftgauge import cli
from driftgauge.errors import ConfigError, InputError

INCIDENTS = """
- {start: 2026-03-10T12:00:00Z, kind: 'null', size: 1, feature: job, name: job went away}
- {start: 2026-03-10T04:00:00Z, end: 2026-03-10T05:00:00Z, kind: shift, feature: income}
- {start: 2026-03-01T04:00:00Z, end: 2026-03-01T05:00:00Z, kind: shift, feature: income}
"""
SPAN = ("--from", "2026-03-10T00:00:00Z", "--to", "2026-03-11T00:00:00Z")


def run(command: str, *arguments: str | Path) -> int:
    return cli.load(command).main([str(argument) for argument in arguments], standalone_mode=False) or 0


def rows(start: str, hours: int, null_from: int) -> str:
    """Thirty an hour; the job is empty from an hour on."""
    lines = ["at,job,income,decision"]
    for i in range(30 * hours):
        job = "" if i // 30 >= null_from else "abc"[i * 7 % 3]
        hour, minute = divmod(2 * i, 60)
        at = f"{start[:8]}{int(start[8:]) + hour // 24:02}T{hour % 24:02}:{minute:02}:00Z"
        lines.append(f"{at},{job},{1000 + i * 37 % 101},{'yes' if i * 11 % 5 else 'no'}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the backtest in a folder of its own, with more options; its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    columns = ("--timestamp", "at", "--prediction", "decision")
    Path("train.csv").write_text(rows("2026-03-01", 96, 1000))
    Path("live.csv").write_text(rows("2026-03-10", 24, 12))
    Path("incidents.yaml").write_text(INCIDENTS)
    build = ("build", "train.csv", "--model-id", "loans", "--model-version", "1", "--out", "p.json", *columns)
    assert run("profile", *build) == 0
    capsys.readouterr()

    def backtest(*more: str) -> str:
        assert run("backtest", "--profile", "p.json", "--file", "live.csv", "--pane", "1h", *columns, *more) == 0
        return capsys.readouterr().out

    return backtest


def output(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert run("score", *arguments) == 0
    return capsys.readouterr().out


def test_a_backtest_with_incidents_says_what_was_found_and_what_was_missed(replayed):
    text = replayed("--alerts", "a.jsonl", "--incidents", "incidents.yaml")
    assert "Incidents  1 of 2 found: 50 %" in text
    assert "1 more not judged" in text
    assert "after 1 h      job went away" in text
    assert "missed in 2 h  shift income" in text
    assert "every hour" in text


def test_without_incidents_a_backtest_says_nothing_of_a_score(replayed):
    assert "Scored" not in replayed("--alerts", "a.jsonl")
    assert "score" not in json.loads(replayed("--alerts", "a.jsonl", "--json"))


def test_an_incident_of_a_feature_that_nobody_watches_is_said_to_be_out_of_reach(replayed):
    Path("incidents.yaml").write_text(INCIDENTS.replace("feature: job", "feature: jobs"))
    told = " ".join(replayed("--alerts", "a.jsonl", "--incidents", "incidents.yaml").split())
    assert "no profile has a feature 'jobs', so no alert can find its incidents; did you mean 'job'?" in told
    assert told.count("no profile has a feature") == 1


def test_score_says_the_same_of_the_alerts_of_a_backtest_without_its_rows(replayed, capsys):
    scored = json.loads(replayed("--alerts", "a.jsonl", "--incidents", "incidents.yaml", "--json"))["score"]
    Path("b.json").write_text(replayed("--alerts", "a.jsonl", "--json"))
    files = ("--alerts", "a.jsonl", "--incidents", "incidents.yaml")
    assert json.loads(output(capsys, *files, "--backtest", "b.json", "--json")) == scored
    assert json.loads(output(capsys, *files, *SPAN, "--json")) == scored
    assert (scored["found"], scored["of"], scored["tolerance"]) == (1, 2, "1h")
    found = next(one for one in scored["incidents"] if one["found_by"])
    alerts = {alert["event_id"]: alert for alert in scored["alerts"]}
    assert alerts[found["found_by"]]["on"] == "job missing"
    assert scored["incidents"][alerts[found["found_by"]]["incident"]] == found
    assert (found["delay_ms"], found["told"]) == (3_600_000, "2026-03-10T13:00:00Z")
    text = output(capsys, *files, *SPAN)
    assert text in replayed("--alerts", "a.jsonl", "--incidents", "incidents.yaml")


def test_alerts_in_vain_are_listed_with_their_ids(replayed, capsys):
    replayed("--alerts", "a.jsonl")
    Path("later.csv").write_text("start,feature\n2026-03-10T14:30:00Z,job\n")
    text = output(capsys, "--alerts", "a.jsonl", "--incidents", "later.csv", *SPAN)
    ids = {json.loads(line)["event_id"] for line in Path("a.jsonl").read_text().splitlines()}
    assert "Told in vain" in text
    assert all(one in text for one in ids)
    assert "still open when an incident that names it began" in text
    assert "open before: job missing" in text


def test_the_tolerance_is_at_least_a_pane_and_can_be_given(replayed, capsys):
    Path("b.json").write_text(replayed("--alerts", "a.jsonl", "--json"))
    summary = json.loads(Path("b.json").read_text())
    summary["models"][0]["pane"] = "1d"
    Path("daily.json").write_text(json.dumps(summary))
    files = ("--alerts", "a.jsonl", "--incidents", "incidents.yaml", "--json")
    assert json.loads(output(capsys, *files, "--backtest", "daily.json"))["tolerance"] == "1d"
    assert json.loads(output(capsys, *files, *SPAN, "--tolerance", "30m"))["tolerance"] == "30m"


def test_no_alert_is_a_score_too(tmp_path, capsys):
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "i.csv").write_text("start\n2026-03-10T14:30:00Z\n")
    text = output(capsys, "--alerts", tmp_path / "a.jsonl", "--incidents", tmp_path / "i.csv", *SPAN)
    assert "0 of 1 found: 0 %" in text
    assert "Alerts     none" in text


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((), ConfigError, "say for which time: --from TIME --to TIME, or --backtest FILE"),
        (SPAN[:2], ConfigError, "say for which time"),
        (("--from", "x", "--to", "y"), ConfigError, "--from: 'x' is no time"),
        (
            (*SPAN[2:], "--from", "2026-03-11T00:00:00Z"),
            ConfigError,
            "--from 2026-03-11T00:00:00Z is not before --to 2026-03-11T00:00:00Z",
        ),
        (
            ("--backtest", "b.json", "--to", "2026-03-09"),
            ConfigError,
            "--from 2026-03-10T00:00:00Z is not before --to 2",
        ),
        ((*SPAN, "--tolerance", "1"), ConfigError, "--tolerance: '1' is no duration"),
        (("--backtest", "absent.json"), InputError, "absent.json: can't be read"),
        (("--backtest", "i.csv"), InputError, "i.csv: is not what backtest --json printed"),
        (("--backtest", "empty.json"), InputError, "of a run in which something was counted"),
    ],
)
def test_what_is_missing_or_wrong_is_said(given, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").touch()
    Path("i.csv").write_text("start\n2026-03-10T14:30:00Z\n")
    period = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-11T00:00:00Z"}
    Path("b.json").write_text(json.dumps({"period": period, "models": []}))
    Path("empty.json").write_text('{"period": null, "models": []}')
    with pytest.raises(error, match=r".") as caught:
        run("score", "--alerts", "a.jsonl", "--incidents", "i.csv", *given)
    assert message in str(caught.value)


def test_a_backtest_refuses_to_write_over_its_incidents_and_a_tolerance_without_them(replayed):
    with pytest.raises(ConfigError, match="--tolerance goes with --incidents FILE"):
        replayed("--alerts", "a.jsonl", "--tolerance", "1h")
    with pytest.raises(ConfigError, match="is read by this very command"):
        replayed("--alerts", "incidents.yaml", "--incidents", "incidents.yaml")
    assert Path("incidents.yaml").read_text() == INCIDENTS
