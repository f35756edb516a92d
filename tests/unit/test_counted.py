"""One of a thing is no two of it, wherever numbers of things are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftgauge import cli
from driftgauge.counted import as_many, counted


def test_one_is_told_without_an_s() -> None:
    assert [counted(n, "late events") for n in (0, 1, 2, 1200)] == [
        "0 late events",
        "1 late event",
        "2 late events",
        "1,200 late events",
    ]
    assert [as_many(n, "model-months") for n in (0.5, 1.0, 1.5)] == ["model-months", "model-month", "model-months"]


def test_a_backtest_of_one_row_tells_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text("at,age\n" + "".join(f"2026-03-01T{i:02}:00:00Z,{20 + i}\n" for i in range(24)))
    Path("one.csv").write_text("at,age\n2026-03-02T00:00:00Z,30\n")
    words = ["build", "train.csv", "--timestamp", "at", "--model-id", "m", "--model-version", "1", "--out", "p.json"]
    cli.load("profile").main(words, standalone_mode=False)
    capsys.readouterr()
    words = ["--profile", "p.json", "--file", "one.csv", "--timestamp", "at", "--alerts", "a.jsonl"]
    cli.load("backtest").main(words, standalone_mode=False)
    assert "1 row: 1 event in 1 pane\n" in capsys.readouterr().out
