"""`backtest --sweep` as a command: by injected faults, by shuffled weeks, over long panes, and on the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from driftgauge.cli import app
from driftgauge.errors import ConfigError

DAY = 86_400_000
START = 1_767_571_200_000  # Monday 2026-01-05


def backtest(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["backtest", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Six weeks of one number, 24 rows an hour, which wanders a little, and a profile of when it didn't."""
    folder, rng = tmp_path_factory.mktemp("sweep"), np.random.default_rng(3)
    at = START + 150_000 * np.arange(24 * 24 * 42, dtype=np.int64)
    rows = [f"{time},{value:.3f}" for time, value in zip(at, rng.standard_normal(len(at)), strict=True)]
    (folder / "train.csv").write_text("\n".join(["at,amount", *rows[: 24 * 24 * 14]]) + "\n")
    wander = np.repeat(0.2 * rng.standard_normal(42 * 4), 144)
    moved = rng.standard_normal(len(at)) + wander
    rows = [f"{time},{value:.3f}" for time, value in zip(at, moved, strict=True)]
    (folder / "live.csv").write_text("\n".join(["at,amount", *rows]) + "\n")
    built = ["profile", "build", str(folder / "train.csv"), "--model-id", "m", "--model-version", "1"]
    done = CliRunner().invoke(app, [*built, "--timestamp", "at", "--out", str(folder / "profile.json")])
    assert done.exit_code == 0, done.output
    return folder


def arguments(folder: Path, *more: object) -> tuple[object, ...]:
    given = ("--profile", folder / "profile.json", "--file", folder / "live.csv", "--timestamp", "at")
    return (*given, "--alerts", folder / "alerts.jsonl", "--json", *more)


def swept(folder: Path, *more: object) -> dict:
    code, output = backtest(*arguments(folder, *more))
    assert code == 0, output
    return json.JSONDecoder().raw_decode(output[output.index("{\n") :])[0]["sweep"]


def test_an_injected_fault_says_which_settings_would_have_seen_it(folder):
    found = swept(
        folder,
        *("--pane", "1h", "--sweep", "minimum_effect=1,10", "--inject", "shift:amount:0.4sd@2026-02-08T00:00:00Z"),
        *("--report", folder / "report.html"),
    )
    small, large = found["rows"]
    assert (small["settings"], small["found"], large["found"]) == ({"minimum_effect": 1.0}, 1, 0)
    assert small["as_configured"]
    assert small["knee"]
    assert 0 < small["delay_median_s"] <= 5 * 86_400
    assert large["delay_median_s"] is None
    assert small["in_vain"]["by"] == "labels"
    page = (folder / "report.html").read_text()
    assert "Which settings?" in page
    assert "1 of 1 incidents were found (100 %)." in page
    assert "shift:amount:0.4sd@2026-02-08T00:00:00Z" in page.split("What was known to be wrong")[1]
    assert "none finds more, or as much sooner, than minimum_effect 1, which is configured" in page


def test_without_labels_quiet_weeks_are_shuffled(folder):
    found = swept(folder, "--pane", "1h", "--budget", 0.001, "--sweep", "budget=0.001,1000", "--sweep", "pane=1h,6h")
    assert found["note"] is None
    assert [row["settings"]["pane"] for row in found["rows"]] == [3_600_000, 21_600_000] * 2
    for row in found["rows"]:
        assert row["in_vain"]["by"] == "placebo"
        assert row["in_vain"]["model_months"] >= 3
    modest, loose = found["rows"][0], found["rows"][2]
    assert modest["in_vain"]["count"] < loose["in_vain"]["count"]
    assert loose["alerts"] > 0
    assert modest["as_configured"]


def test_a_short_history_says_that_it_is_too_short_for_a_placebo(folder, tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("\n".join((folder / "live.csv").read_text().splitlines()[: 24 * 24 * 10]) + "\n")
    code, output = backtest(
        *("--profile", folder / "profile.json", "--file", short, "--timestamp", "at", "--pane", "1h"),
        *("--alerts", tmp_path / "alerts.jsonl", "--sweep", "budget=1,2"),
    )
    assert code == 0, output
    assert "it takes 4 whole weeks without an alert" in " ".join(output.split())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--pane", "1h", "--sweep", "pane=90m"), "panes of 1h, which don't make up one of 90m"),
        (("--pane", "1h", "--sweep", "pane=5m"), "count in the shortest"),
        (("--sweep", "detectors.multiscale.nope=1"), "--sweep detectors.multiscale.nope 1: detectors.multiscale: "),
        (("--alerts", "one.file", "--report", "./one.file"), "is what --alerts writes, too"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_the_work(folder, more, told):
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(app, ["backtest", *map(str, arguments(folder, *more))], catch_exceptions=False)
    assert told in str(refused.value)
