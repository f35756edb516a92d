"""A replay by workers of its own group: what a backtest of the same topics gives, however many they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from live import Live, groups, ids, loan_events, run, wait


def backtest(line: Live, out: Path, workers: int = 1) -> list[dict]:
    run(["backtest", "-c", str(line.config), "--alerts", str(out), "--workers", str(workers)])
    return [told(json.loads(text)) for text in out.read_text().splitlines()]


def told(alert: dict) -> dict:
    return {name: value for name, value in alert.items() if name != "run"}


def prepared(line: Live, job: str) -> Live:
    run(["topics", "create", "-c", str(line.config), "--replay", job])
    line.options = ("--replay", job)
    line.topics |= {kind: f"{line.topics[kind]}.replay.{job}" for kind in ("panes", "alerts", "dead_letters")}
    return line


def finished(workers) -> list[int]:
    return [worker.ended() for worker in workers]


# Two: see below, where a third one is killed.
@pytest.mark.parametrize("count", [1, 4])
def test_however_many_workers_replay_they_tell_what_a_backtest_tells(live, story, tmp_path, count):
    line = live()
    line.produce(story)
    # No event at all, and a sudden one.
    line.produce([b"{"], 0)
    expected = backtest(line, tmp_path / "topics.jsonl")
    assert len(expected) >= 2
    assert backtest(line, tmp_path / "shared.jsonl", max(count, 2)) == expected
    own = dict(line.topics)
    prepared(line, "again")
    workers = [line.start() for _ in range(count)]
    assert finished(workers) == [0] * count
    alerts = line.alerts()
    by_id = {alert["event_id"]: alert for alert in alerts}
    assert [told(by_id[event_id]) for event_id in ids(expected)] == expected
    assert len(by_id) == len(expected)
    assert {alert["run"]["mode"] for alert in alerts} == {"backtest"}
    assert len(line.read("dead_letters")) == 1
    assert line.group not in groups(line)
    line.topics = own
    assert [line.read("panes", 2), line.alerts(), line.read("dead_letters")] == [[], [], []]


def test_a_replay_goes_on_where_a_killed_worker_was_and_ends_where_the_topics_ended_at_its_start(live, story, tmp_path):
    line = live()
    line.produce(story)
    expected = backtest(line, tmp_path / "topics.jsonl")
    prepared(line, "killed")
    first = line.start()
    wait(lambda: first.events("partition_taken"), bool, [first])
    first.kill()
    # What comes later is no part of it. It would be told of: it goes on with the fault, and ends it.
    line.produce(loan_events(9000, break_at=0, start=json.loads(story[-1])["timestamp"] + 1000))
    others = [line.start(), line.start()]
    assert finished(others) == [0, 0]
    before = line.alerts()
    by_id = {alert["event_id"]: alert for alert in before}
    assert [told(by_id[event_id]) for event_id in ids(expected)] == expected
    assert len(by_id) == len(expected)
    # Done is done: whoever comes later ends at once.
    assert line.start().ended() == 0
    assert line.alerts() == before


def test_a_replay_that_is_stopped_before_its_end_says_so(live, story):
    line = live()
    line.produce(story)
    prepared(line, "stopped")
    worker = line.start()
    wait(lambda: worker.events("worker_started"), bool, [worker])
    assert worker.terminate() == 130
    assert worker.events("worker_stopped")
    again = line.start()
    assert again.ended() == 0
    assert again.events("replay_finished")
    # Its state is its own.
    kept = run(["state", "show", "-c", str(line.config), "--replay", "stopped", "--json"])
    names = {(row["topic"], row["partition"]) for row in json.loads(kept.stdout)}
    assert names == {
        *((line.topics["predictions"], i) for i in range(3)),
        *((line.topics["panes"], i) for i in range(2)),
    }
    assert json.loads(run(["state", "show", "-c", str(line.config), "--json"]).stdout) == []
