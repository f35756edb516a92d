"""What workers did on a real Kafka, restarted and killed, is what a backtest of their topics gives."""

from __future__ import annotations

import json
from pathlib import Path

from kafka import KafkaAdminClient

from live import START, Live, ids, run, wait

MINUTE = 60_000


def backtest(line: Live, out: Path, *options: str, expect: int = 0) -> tuple[list[dict], dict]:
    """The alerts of a backtest with the deployment's configuration, and its summary."""
    done = run(["backtest", "-c", str(line.config), "--alerts", str(out), "--json", *options], expect=expect)
    return [json.loads(text) for text in out.read_text().splitlines()], json.loads(done.stdout)


def groups(line: Live) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=line.kafka.bootstrap)
    try:
        return {group["group_id"] for group in admin.list_groups()}
    finally:
        admin.close()


def counted_to(line: Live, events: int) -> bool:
    """Whether all partitions have published what so many events of the story close."""
    last = START + events * 200 // MINUTE * MINUTE - 2 * MINUTE
    panes = [pane for r in line.read("panes", 2) if (pane := json.loads(r.value))["type"] == "pane"]
    return {pane["source"]["partition"] for pane in panes if pane["start"] >= last} == {0, 1, 2}


def told(alert: dict) -> dict:
    return {name: value for name, value in alert.items() if name != "run"}


def test_topics_and_stored_panes_give_what_restarted_workers_gave(live, story, expected, tmp_path):
    # No partition is silent for so long that the wall clock would decide how far it is.
    line = live(panes={"idle_after": "30s"})
    first, second = line.start(), line.start()
    line.produce(story[:8000])
    wait(lambda: counted_to(line, 8000), bool, 40, [first, second])
    assert first.terminate() == 0
    line.produce(story[8000:14_000])
    wait(lambda: counted_to(line, 14_000), bool, 40, [second])
    second.kill()
    third, fourth = line.start(), line.start()
    line.produce(story[14_000:19_000])
    wait(lambda: third.events("partition_taken"), bool, 40, [third, fourth])
    third.kill()
    line.produce(story[19_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    wait(lambda: counted_to(line, len(story)), bool, 40, [fourth])
    assert fourth.terminate() == 0
    before = groups(line), [len(line.read(kind, n)) for kind, n in (("panes", 2), ("alerts", 1), ("dead_letters", 1))]

    again, summary = backtest(line, tmp_path / "topics.jsonl", "--panes-out", str(tmp_path / "panes.jsonl"))
    assert ids(again) == ids(alerts)
    by_id = {alert["event_id"]: told(alert) for alert in alerts}
    assert [told(alert) for alert in again] == [by_id[event_id] for event_id in ids(again)]
    assert {alert["run"]["mode"] for alert in again} == {"backtest"}
    assert summary["records"] == summary["events"] == len(story)

    live_panes = {r.value for r in line.read("panes", 2) if json.loads(r.value)["type"] == "pane"}
    lines = (tmp_path / "panes.jsonl").read_bytes().splitlines()
    panes = {text for text in lines if (read := json.loads(text))["type"] == "pane" and not read["incomplete"]}
    assert len(panes) >= 79 * 3
    assert panes <= live_panes

    judged, from_topic = backtest(line, tmp_path / "panes-topic.jsonl", "--from-panes")
    assert ids(judged) == ids(alerts)
    assert from_topic["panes"] >= 79
    of_file, _ = backtest(line, tmp_path / "panes-file.jsonl", "--from-panes", str(tmp_path / "panes.jsonl"))
    assert ids(of_file) == ids(alerts)
    # No trace of it anywhere.
    after = groups(line), [len(line.read(kind, n)) for kind, n in (("panes", 2), ("alerts", 1), ("dead_letters", 1))]
    assert after == before
