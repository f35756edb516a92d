"""A storm in one country, told live by two workers and from a file: the same alerts, under the country's name."""

from __future__ import annotations

import json

import pytest

from driftgauge.cli import load
from live import Live, ids, wait
from segmented import built, event_of, loans

EVERY, EVENTS, BREAK = 100, 12_000, 6_000


@pytest.fixture
def line(kafka, redis_server, tmp_path):
    profile = built(loans(20_000, 1), every_ms=EVERY).profile
    made = Live(kafka, redis_server, tmp_path, profile)
    settings = json.loads(made.config.read_text())
    segments = {"tag": "country", "values": ["pl", "de"], "limit": 4}
    model = {"model_id": "loans", "model_version": "1", "profile": "profile.json", "segments": segments}
    made.config.write_text(json.dumps(settings | {"models": [model]}))
    yield made
    made.stop()


def test_live_gives_the_alerts_of_the_file_with_their_segments_also_after_a_restart(line, tmp_path):
    story = [event_of(row, i, every_ms=EVERY) for i, row in enumerate(loans(EVENTS, 2, null_from=BREAK))]
    (tmp_path / "story.jsonl").write_bytes(b"\n".join(story) + b"\n")
    out = tmp_path / "alerts.jsonl"
    arguments = ["-c", str(line.config), "--file", str(tmp_path / "story.jsonl"), "--alerts", str(out)]
    load("backtest").main(arguments, standalone_mode=False)
    expected = [json.loads(alert) for alert in out.read_bytes().splitlines()]
    assert {alert["labels"].get("segment") for alert in expected} == {None, "pl"}

    first = line.start()
    line.produce(story[:7000])
    wait(line.consumed, bool, [first])
    assert first.terminate() == 0
    second = line.start()
    line.produce(story[7000:])
    # The last pane of a file closes at its end, the last one of a topic only with later events.
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(ids(expected)))
    assert second.terminate() == 0
    assert set(ids(alerts)) == set(ids(expected))
    labels = {alert["event_id"]: alert["labels"] for alert in expected}
    assert all(alert["labels"] == labels[alert["event_id"]] for alert in alerts)
    panes = [json.loads(record.value) for record in line.read("panes", 2)]
    assert {pane["segment"] for pane in panes if pane["type"] == "pane"} == {"", "pl", "de"}
    progress = [entry for worker in line.workers for entry in worker.events("progress")]
    assert any("outside_segments" in entry for entry in progress)
