"""Profiles that come and change while a worker is in use, on a real Kafka and Redis: the same alerts as from a file."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from driftgauge.profiles.profile import Profile
from driftgauge.sources.profile_file import write_profile
from live import Live, Worker, ids, loan_events, profile_of, run, wait

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "alert.v1.schema.json").read_text())
PER_MINUTE = 300
MODEL = {"model_id": "loan-approval", "model_version": "7"}


def configured(line: Live, name: str, *entries: dict) -> Path:
    """The line's configuration with these models."""
    path = line.folder / f"{name}.yaml"
    path.write_text(json.dumps(json.loads(line.config.read_text()) | {"models": [MODEL | entry for entry in entries]}))
    return path


def backtested(line: Live, config: Path, events: list[bytes]) -> list[dict]:
    (line.folder / "story.jsonl").write_bytes(b"\n".join(events) + b"\n")
    out = line.folder / "backtest.jsonl"
    run(["backtest", "-c", str(config), "--file", str(line.folder / "story.jsonl"), "--alerts", str(out)])
    return [json.loads(text) for text in out.read_text().splitlines()]


def stopped_after(line: Live, worker: Worker) -> None:
    wait(line.consumed, bool, [worker])
    assert worker.terminate() == 0


def test_a_version_without_a_profile_is_told_of_and_watched_from_the_time_it_has_one(live, story):
    line = live()
    bare = configured(line, "bare", {})
    worker = line.start(config=bare)
    line.produce(story[: 40 * PER_MINUTE])
    alerts = line.wait_for_alerts(lambda found: len(found) >= 1)
    stopped_after(line, worker)
    (missing,) = alerts
    assert (missing["labels"]["alertname"], missing["event"]) == ("BaselineMissing", "opened")
    assert (missing["detail"]["to"], missing["detail"]["profile"]) == (PER_MINUTE, None)
    profiled = configured(line, "profiled", {"profile": "profile.json", "effective_from": "2026-01-01T00:45:00Z"})
    expected = backtested(line, profiled, story)
    assert [(a["labels"]["alertname"], a["event"]) for a in expected[:2]] == [
        ("BaselineMissing", "opened"),
        ("BaselineMissing", "resolved"),
    ]
    assert expected[1]["updatedAt"] == "2026-01-01T00:45:00Z"
    assert "DataQuality" in {a["labels"]["alertname"] for a in expected}
    again = line.start(config=profiled)
    line.produce(story[40 * PER_MINUTE :])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert again.terminate() == 0
    assert ids(alerts) == ids(expected)
    for alert in alerts:
        jsonschema.validate(alert, SCHEMA)


@pytest.fixture(scope="module")
def broken() -> list[bytes]:
    """80 minutes; from minute 20 on the population is another one."""
    return loan_events(24_000, break_at=20 * PER_MINUTE)


@pytest.fixture(scope="module")
def new_profile() -> Profile:
    """Of what is normal from minute 20 on."""
    return profile_of(loan_events(20_000, seed=3, break_at=0))


def test_a_profile_changes_under_a_worker_that_is_stopped_and_killed_around_it(live, broken, new_profile):
    line = live()
    write_profile(new_profile, line.folder / "new.json")
    old = {"profile": "profile.json"}
    new = {"profile": "new.json"}
    first = line.start(config=configured(line, "old", old))
    line.produce(broken[: 35 * PER_MINUTE])
    line.wait_for_alerts(lambda found: len(found) >= 1)
    stopped_after(line, first)
    # Not for what is counted already.
    late = line.start(config=configured(line, "late", old, new | {"effective_from": "2026-01-01T00:30:00Z"}))
    assert late.ended() == 1
    (failed,) = late.events("worker_failed")
    assert failed["code"] == "state"
    assert "is to change at 2026-01-01T00:30:00Z, but events up to 2026-01-01T00:3" in failed["error"]
    line.workers.remove(late)
    ahead = configured(line, "ahead", old, new | {"effective_from": "2026-01-01T00:39:30Z"})
    expected = backtested(line, ahead, broken)
    changed = [a for a in expected if a["detail"].get("reason") == "profile_changed"]
    assert {(a["event"], a["updatedAt"]) for a in changed} == {("resolved", "2026-01-01T00:40:00Z")}
    assert "employment_type" in {a["labels"].get("feature") for a in changed}
    second = line.start(config=ahead)
    line.produce(broken[35 * PER_MINUTE : 39 * PER_MINUTE])
    wait(line.consumed, bool, [second])
    line.produce(broken[39 * PER_MINUTE : 42 * PER_MINUTE])
    second.kill()
    third = line.start(config=ahead)
    line.produce(broken[42 * PER_MINUTE : 60 * PER_MINUTE])
    wait(lambda: ids(line.alerts()), lambda found: len(found) >= len(ids(expected)), [third])
    stopped_after(line, third)
    # The old entry has done its duty.
    last = line.start(config=configured(line, "new", new))
    line.produce(broken[60 * PER_MINUTE :])
    wait(line.consumed, bool, [last])
    assert last.terminate() == 0
    assert ids(line.alerts()) == ids(expected)
    records = [json.loads(record.value) for record in line.read("panes", 2)]
    hashes = {(r["start"] < 1_767_228_000_000, r["profile"]) for r in records if r["type"] == "pane"}
    assert hashes == {
        (True, json.loads((line.folder / "profile.json").read_text())["hash"]),
        (False, new_profile.content_hash),
    }
    told = [r for r in records if r["type"] == "profile_change"]
    assert {(r["effective_from"], r["profile"]) for r in told} == {(1_767_228_000_000, new_profile.content_hash)}
