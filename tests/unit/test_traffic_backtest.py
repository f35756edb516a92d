"""`driftgauge backtest` over two weeks of rows: a missing hour and a fall to a third are found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from driftgauge import cli
from driftgauge.alerts.event import AlertEvent
from driftgauge.profiles.season import DAY
from traffic import MONDAY, minute, steady

COLUMNS = ("--timestamp", "at", "--prediction", "decision")


def rows_of(path: Path, n: np.ndarray, start: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    times = np.sort(start + np.repeat(np.arange(len(n)) * 60_000, n) + rng.integers(0, 60_000, int(n.sum())))
    income = rng.lognormal(10, 0.5, len(times))
    decision = np.array(["approved", "rejected"])[(rng.random(len(times)) < 0.2).astype(int)]
    table = pa.table({"at": pa.array(times, pa.timestamp("ms", tz="UTC")), "income": income, "decision": decision})
    pq.write_table(table, path)
    return path


def run(command: str, *arguments: str | Path) -> None:
    cli.load(command).main([str(argument) for argument in arguments], standalone_mode=False)


def backtest(tmp_path: Path, n: np.ndarray) -> list[AlertEvent]:
    train = rows_of(tmp_path / "train.parquet", steady(3, rate=6, seed=2), MONDAY - 7 * DAY, 2)
    live, profile, out = (
        rows_of(tmp_path / "live.parquet", n, MONDAY, 5),
        tmp_path / "p.json",
        tmp_path / "alerts.jsonl",
    )
    named = ("--model-id", "loans", "--model-version", "1", "--out", profile)
    run("profile", "build", train, *COLUMNS, *named)
    run("backtest", "--profile", profile, "--file", live, *COLUMNS, "--pane", "1m", "--alerts", out)
    return [AlertEvent.model_validate_json(line) for line in out.read_bytes().splitlines()]


def test_two_weeks_with_a_season_are_quiet(tmp_path: Path) -> None:
    assert backtest(tmp_path, steady(14, rate=12, seed=3)) == []


def test_a_silence_of_an_hour_and_a_fall_to_a_third_are_all_that_is_found(tmp_path: Path) -> None:
    n = steady(14, rate=12, seed=3)
    n[minute(9, 11, 3) : minute(9, 12, 3)] = 0
    low = slice(minute(11, 11, 3), minute(11, 20, 3))
    n[low] = np.random.default_rng(4).binomial(n[low], 1 / 3)
    # How bad a fall to just a third is hangs on the minute.
    events = [e for e in backtest(tmp_path, n) if e.event != "escalated" and e.detail.superseded_by is None]
    told = [(e.event, e.labels.series) for e in events]
    assert told == [("opened", "staleness"), ("resolved", "staleness"), ("opened", "volume"), ("resolved", "volume")]
    assert "2026-01-14T11:04:00Z" < events[0].startsAt <= "2026-01-14T11:06:00Z"
    assert events[0].annotations.summary.startswith("no event since 11:0")
    assert "2026-01-16T11:04:00Z" < events[2].startsAt <= "2026-01-16T11:30:00Z"
    assert events[2].detail.change_point.at[:15] == "2026-01-16T11:0"
