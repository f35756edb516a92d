"""The main job on real data, as docs/real-data.md shows it: found where it is, and quiet where nothing is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.realdata
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def table_of(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there: see docs/real-data.md for where it comes from")
    return path


def driftgauge(*arguments: object) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DRIFTGAUGE_")}
    command = [sys.executable, "-m", "driftgauge", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=env)
    assert done.returncode == 0, done.stderr


def opened(path: Path) -> list[dict]:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in events if event["event"] == "opened"]


@pytest.fixture(scope="module")
def elec2(tmp_path_factory) -> list[dict]:
    table, folder = table_of("elec2/elec2.parquet"), tmp_path_factory.mktemp("elec2")
    columns = ["--prediction", "class", "--exclude", "date", "--interval", "30m", "--start", "1996-05-07T00:00:00Z"]
    profile, alerts = folder / "profile.json", folder / "alerts.jsonl"
    model = ["--model-id", "elec2", "--model-version", "1"]
    driftgauge("profile", "build", table, "--rows", 10_000, *model, *columns, "--out", profile)
    driftgauge("backtest", "--profile", profile, "--file", table, *columns, "--alerts", alerts)
    return opened(alerts)


@pytest.mark.parametrize("feature", ["vicprice", "vicdemand", "transfer"])
def test_a_feature_that_comes_alive_is_one_alert_with_its_change_point_in_that_pane(elec2, feature):
    (alert,) = [event for event in elec2 if event["labels"].get("feature") == feature]
    assert (alert["labels"]["series"], alert["labels"]["severity"]) == ("out_of_range", "critical")
    # Row 17,424 is 363 days of half hours after 1996-05-07.
    assert alert["detail"]["change_point"]["at"] == "1997-05-05T00:00:00Z"
    assert alert["startsAt"] == "1997-05-06T00:00:00Z"


def test_what_else_fires_on_elec2_is_the_price_and_not_more_than_documented(elec2):
    others = [event for event in elec2 if event["labels"]["feature"] not in {"vicprice", "vicdemand", "transfer"}]
    assert {event["labels"]["feature"] for event in others} == {"nswprice"}
    assert len(others) <= 15


@pytest.mark.parametrize(
    ("data", "column", "actual"),
    [("hmeq/hmeq.parquet", "JOB", "BAD"), ("credit_data_job/credit_data.parquet", "Job", "Status")],
)
def test_a_job_that_turns_null_is_one_alert_and_nothing_is_none(data, column, actual, tmp_path):
    table = pq.read_table(table_of(data))
    table = table.take(np.random.default_rng(1).permutation(table.num_rows))
    half = table.num_rows // 2
    live = table.slice(half)
    late = pa.array(np.arange(live.num_rows) >= live.num_rows // 2)
    at = live.schema.get_field_index(column)
    nulls = pc.if_else(late, pa.scalar(None, live.schema.field(at).type), live.column(at))
    for name, rows in {
        "train": table.slice(0, half),
        "live": live,
        "broken": live.set_column(at, column, nulls),
    }.items():
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    columns = ["--actual", actual, "--interval", "10s"]
    profile, train = tmp_path / "profile.json", tmp_path / "train.parquet"
    model = ["--model-id", "loans", "--model-version", "1"]
    driftgauge("profile", "build", train, *model, *columns, "--out", profile)
    for name in ("live", "broken"):
        rows = tmp_path / f"{name}.parquet"
        driftgauge("backtest", "--profile", profile, "--file", rows, *columns, "--alerts", tmp_path / f"{name}.jsonl")
    assert opened(tmp_path / "live.jsonl") == []
    (alert,) = opened(tmp_path / "broken.jsonl")
    assert (alert["labels"]["feature"], alert["labels"]["series"]) == (column, "missing")
