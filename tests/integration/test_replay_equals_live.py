"""What workers did on a real Kafka, restarted and killed, is what a backtest of their topics gives."""

from __future__ import annotations

import json
from pathlib import Path

from kafka import KafkaAdminClient, TopicPartition

from live import START, Live, groups, ids, loan_events, run, wait

MINUTE = 60_000


def backtest(line: Live, out: Path, *options: str, expect: int = 0) -> tuple[list[dict], dict]:
    """The alerts of a backtest with the deployment's configuration, and its summary."""
    done = run(["backtest", "-c", str(line.config), "--alerts", str(out), "--json", *options], expect=expect)
    return [json.loads(text) for text in out.read_text().splitlines()], json.loads(done.stdout)


def counted_to(line: Live, events: int) -> bool:
    """Whether all partitions have come as far as so many events, of five a second, bring them."""
    last = START + events * 200 // MINUTE * MINUTE - MINUTE
    told = [told for r in line.read("panes", 2) if (told := json.loads(r.value))["type"] == "watermark"]
    return {mark["source"]["partition"] for mark in told if mark["time"] >= last} == {0, 1, 2}


def told(alert: dict) -> dict:
    return {name: value for name, value in alert.items() if name != "run"}


def test_topics_and_stored_panes_give_what_restarted_workers_gave(live, story, expected, tmp_path):
    line = live()
    first, second = line.start(), line.start()
    line.produce(story[:8000])
    wait(lambda: counted_to(line, 8000), bool, [first, second])
    assert first.terminate() == 0
    line.produce(story[8000:14_000])
    wait(lambda: counted_to(line, 14_000), bool, [second])
    second.kill()
    third, fourth = line.start(), line.start()
    line.produce(story[14_000:19_000])
    wait(lambda: third.events("partition_taken"), bool, [third, fourth])
    third.kill()
    line.produce(story[19_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    wait(lambda: counted_to(line, len(story)), bool, [fourth])
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


def test_what_an_idle_decision_made_of_live_is_listed_and_is_in_the_stored_panes(live, tmp_path):
    line = live(panes={"idle_after": "2s"})
    events = loan_events(6000)
    broken = loan_events(6000, break_at=3000)
    later = loan_events(1500, start=START + 20 * MINUTE, seed=9)
    # The third partition falls silent after ten minutes, the others go on for ten more.
    for partition in (0, 1):
        line.produce(events[partition::3], partition)
    line.produce(events[2:3000:3], 2)
    worker = line.start()
    wait(lambda: counted_to(line, 6000), bool, [worker])
    # What it brings after that is late, and holds all of a fault.
    line.produce(broken[3002:4500:3], 2)
    line.produce(later)
    wait(lambda: counted_to(line, 7500), bool, [worker])
    assert worker.terminate() == 0
    assert line.alerts() == []

    raw, summary = backtest(line, tmp_path / "topics.jsonl", "--against-live")
    assert next(alert["labels"]["feature"] for alert in raw if alert["event"] == "opened") == "employment_type"
    found = summary["against_live"]
    assert (found["same"], found["only_live"]) == (0, [])
    assert [entry["event_id"] for entry in found["only_here"]] == ids(raw)
    assert {entry["reason"] for entry in found["only_here"]} == {"late_events"}
    (silent,) = [entry for entry in found["sources"] if entry["late_live"]]
    assert (silent["partition"], silent["late_live"], silent["late_here"]) == (2, 500, 0)
    assert silent["declared_idle"] >= 1
    shown = run(["backtest", "-c", str(line.config), "--alerts", str(tmp_path / "a.jsonl"), "--against-live"])
    text = " ".join(shown.stdout.split())
    assert f"0 the same, 0 live only, {len(ids(raw))} here only" in text
    assert f"{line.topics['predictions']}:2 500 events late live, 0 here; it was silent, and declared idle" in text

    judged, summary = backtest(line, tmp_path / "panes.jsonl", "--from-panes", "--against-live")
    assert judged == []
    assert summary["late"] == 500
    assert summary["against_live"]["only_here"] == summary["against_live"]["only_live"] == []


def delete_before(line: Live, offsets: dict[int, int]) -> None:
    """What retention does: the first offset of each partition is that from now on."""
    admin = KafkaAdminClient(bootstrap_servers=line.kafka.bootstrap)
    try:
        admin.delete_records({TopicPartition(line.topics["predictions"], p): n for p, n in offsets.items()})
    finally:
        admin.close()


def test_where_a_log_begins_and_what_is_gone_of_it_is_said(live, tmp_path):
    line = live()
    line.produce(loan_events(6000, break_at=3000))
    out, topic = tmp_path / "a.jsonl", line.topics["predictions"]
    whole, _ = backtest(line, out)
    assert len(whole) >= 2
    # From the middle of the fault on, by offsets of each partition: no alert of before, and the first panes are cut.
    offsets = [option for p in range(3) for option in ("--from-offset", f"{topic}/{p}=1500")]
    later, summary = backtest(line, out, *offsets, "--panes-out", str(tmp_path / "panes.jsonl"))
    assert (summary["records"], summary["period"]["from"]) == (1500, "2026-01-01T00:15:00Z")
    assert not {alert["event_id"] for alert in later} & {alert["event_id"] for alert in whole}
    panes = [json.loads(text) for text in (tmp_path / "panes.jsonl").read_bytes().splitlines()]
    of_first = [pane for pane in panes if pane["type"] == "pane" and pane["source"]["partition"] == 0]
    assert [pane["incomplete"] for pane in of_first[:2]] == [True, False]
    delete_before(line, {0: 300, 1: 300, 2: 300})
    _, summary = backtest(line, out, "--fail-on", "critical", expect=3)
    assert summary["records"] == 5100
    assert f"the first records are deleted (retention), what is left is {topic}:0 from 300" in summary["warnings"][0]
