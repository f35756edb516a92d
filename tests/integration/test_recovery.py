"""State and log that disagree, on a real Kafka and a real Redis: no event is lost or counted twice, alerts keep ids."""

from __future__ import annotations

import json
import shlex
from collections import Counter

import pytest
import redis
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.records import Source
from driftgauge.state.redis import RedisState
from live import START, Live, ids, run, wait

MINUTE = 60_000
PER_MINUTE = 100  # of each of three partitions


def keys_of(line: Live, redis_server, pattern: str = "") -> list[bytes]:
    namespace = json.loads(line.config.read_text())["redis"]["namespace"]
    return list(redis.Redis.from_url(redis_server.url).scan_iter(match=f"*{namespace}:*{pattern}*", count=1000))


def lose(line: Live, redis_server, pattern: str = "") -> None:
    assert redis.Redis.from_url(redis_server.url).delete(*keys_of(line, redis_server, pattern)) > 0


def recoveries(worker) -> dict[str, set[str]]:
    """Cases by topic, without the topic's random end."""
    found: dict[str, set[str]] = {}
    for entry in worker.events("recovery"):
        found.setdefault(entry["topic"].rpartition("-")[0], set()).add(entry["case"])
    return found


def counted(line: Live) -> Counter:
    """Events by (partition, minute), of the partial panes that detect takes."""
    known: dict[int, int] = {}
    panes: dict[tuple[int, int], int] = {}
    for record in line.read("panes", 2):
        message = json.loads(record.value)
        if message["type"] == "watermark":
            source = message["source"]["partition"]
            known[source, record.partition] = max(message["time"], known.get((source, record.partition), MIN_TIME))
        elif message["type"] == "pane":
            source = message["source"]["partition"]
            if message["start"] + MINUTE > known.get((source, record.partition), MIN_TIME):
                panes.setdefault((source, (message["start"] - START) // MINUTE), message["events"])
    return Counter(panes)


def all_of(minutes: int) -> Counter:
    return Counter({(partition, minute): PER_MINUTE for partition in range(3) for minute in range(minutes)})


def stopped_after(line: Live, worker) -> None:
    wait(line.consumed, bool, [worker])
    assert worker.terminate() == 0


def test_a_redis_that_is_emptied_under_a_worker_costs_nothing(live, kafka, redis_server, story, expected):
    # Checkpoints of panes are staged at this size.
    line = live(checkpoint={"max_script_bytes": 10_000})
    worker = line.start()
    line.produce(story[:9102])
    wait(line.consumed, bool, [worker])
    lose(line, redis_server)
    line.produce(story[9102:15_801])
    # Three partitions of events, two of panes.
    wait(lambda: worker.events("partition_taken"), lambda taken: len(taken) == 2 * (3 + 2), [worker])
    # At a take-over the group is told where it begins: what is deleted beyond that would be lost.
    line.produce(story[15_801:16_101])
    wait(line.consumed, bool, [worker])
    wait(lambda: line.consumed("panes"), bool, [worker])
    # The panes are there, but what a worker announces at its start is gone: it has been running for long.
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(line.topics["panes"], i): 1 for i in range(2)})
    admin.close()
    assert not [r for r in line.read("panes", 2) if json.loads(r.value)["type"] == "sources"]
    lose(line, redis_server)
    line.produce(story[16_101:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    wait(line.consumed, bool, [worker])
    assert worker.terminate() == 0
    assert ids(alerts) == ids(expected)
    assert recoveries(worker) == {"predictions": {"lost"}, "panes": {"lost"}}
    assert worker.events("partition_state_gone")
    assert not worker.events("partition_fenced")
    # The last minute is closed by the end of a file only.
    assert counted(line) == all_of(79)
    assert all("lost_from" not in entry for entry in worker.events("recovery"))


@pytest.mark.parametrize("lost", ["predictions", "panes"])
def test_the_state_of_one_stage_is_rebuilt_beside_the_other(live, redis_server, story, expected, lost):
    line = live()
    first = line.start()
    line.produce(story[:16_101])
    stopped_after(line, first)
    lose(line, redis_server, f"{line.topics[lost]}:0")
    second = line.start()
    line.produce(story[16_101:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    stopped_after(line, second)
    assert ids(alerts) == ids(expected)
    assert recoveries(second) == {lost: {"lost"}}
    assert counted(line) == all_of(79)


def test_an_older_copy_of_redis_is_gone_on_from(live, redis_server, story, expected):
    line = live()
    first = line.start()
    line.produce(story[:9102])
    wait(line.consumed, bool, [first])
    client = redis.Redis.from_url(redis_server.url)
    copy = {key: client.dump(key) for key in keys_of(line, redis_server)}
    line.produce(story[9102:17_001])
    wait(line.consumed, bool, [first])

    def roll_back() -> None:
        with client.pipeline() as at_once:
            at_once.delete(*keys_of(line, redis_server))
            for key, value in copy.items():
                at_once.restore(key, 0, value)
            at_once.execute()

    # Under a worker that knows better, and at a start.
    roll_back()
    line.produce(story[17_001:20_001])
    wait(lambda: recoveries(first).get("predictions"), bool, [first])
    wait(line.consumed, bool, [first])
    first.kill()
    roll_back()
    second = line.start()
    line.produce(story[20_001:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    stopped_after(line, second)
    assert ids(alerts) == ids(expected)
    assert recoveries(first)["predictions"] == recoveries(second)["predictions"] == {"rolled_back"}
    assert counted(line) == all_of(79)


def test_records_deleted_before_they_were_read_are_told_and_the_rest_is_counted(live, kafka, story):
    line = live(recovery={"retention_gap": "fail"})
    first = line.start()
    line.produce(story[:3000])
    stopped_after(line, first)
    line.produce(story[3000:9000])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(line.topics["predictions"], 0): 1500})
    refusing = line.start()
    assert refusing.ended() == 1
    line.workers.remove(refusing)
    (failed,) = refusing.events("worker_failed")
    assert "records were deleted before they were read, and recovery.retention_gap is fail" in failed["error"]
    way_out = failed["error"].split("`driftgauge ")[2].split("`")[0].split()
    assert way_out[:2] == ["state", "reset"]
    # A worker that fails leaves the group at once.
    run([*way_out, "--yes"])
    second = line.start()
    stopped_after(line, second)
    (told,) = [entry for entry in second.events("recovery") if entry["topic"] == line.topics["predictions"]]
    assert (told["case"], told["partition"], told["position"], told["lost_to"]) == ("reset", 0, 1500, 1499)
    # What of the pane that was open at the gap had been read is counted anew from retained records only, so not at all.
    assert told["lost_from"] <= 1000
    panes = counted(line)
    assert [panes[1, minute] for minute in range(29)] == [PER_MINUTE] * 29
    assert [panes[0, minute] for minute in range(16, 29)] == [PER_MINUTE] * 13
    admin.close()


def test_a_pending_reset_and_what_is_stored_of_partitions_that_are_gone_are_marked_and_the_latter_removed(
    live, redis_server
):
    line = live()
    first = line.start()
    wait(lambda: first.events("partition_taken"), lambda found: len(found) >= 5, [first])
    assert first.terminate() == 0
    settings = json.loads(line.config.read_text())
    state = RedisState(redis_server.url, namespace=settings["redis"]["namespace"], group=settings["kafka"]["group_id"])
    ghosts = [Source(line.topics["predictions"], 7), Source("no-such-topic", 0)]
    for ghost in ghosts:
        claim, _ = state.claim(ghost)
        state.begin(claim, 5, {})
    shown = json.loads(run(["state", "show", "-c", str(line.config), "--json"]).stdout)
    assert {Source(e["topic"], e["partition"]) for e in shown if not e["exists"]} == set(ghosts)
    state.reset(Source(line.topics["panes"], 1))
    lines = run(["state", "show", "-c", str(line.config)]).stdout.splitlines()
    assert [text for text in lines if text.startswith(f"RESET {line.topics['panes']}:1: an operator has taken")]
    told = [text for text in lines if text.startswith("GONE")]
    assert len(told) == 2
    for text, force in zip(told, ([], ["--force"]), strict=True):
        words = [*shlex.split(text.split("driftgauge ")[1]), *force]
        assert "say --yes to do it without being asked" in run(words, expect=2).stderr
        assert "(gone from Kafka: removed for good)" in run([*words, "--yes"]).stdout
    # Not even by force is a mark left for a worker that will never come.
    assert "there is nothing to reset" in run([*words, "--force", "--yes"], expect=2).stderr
    shown = json.loads(run(["state", "show", "-c", str(line.config), "--json"]).stdout)
    assert len(shown) == 5
    assert all(e["exists"] for e in shown)
    assert sum(e["reset"] for e in shown) == 1


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(live, kafka, story):
    line = live()
    first = line.start()
    line.produce(story[:3000])
    stopped_after(line, first)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([line.topics["predictions"]])
    admin.close()

    def made() -> bool:
        try:
            kafka.create_topic(line.topics["predictions"], 3)
        except Exception:  # noqa: BLE001 (still being deleted)
            return False
        return True

    wait(made, bool)
    # More than there was, so that no offset gives it away.
    line.produce(story[3000:9000])
    second = line.start()
    stopped_after(line, second)
    assert recoveries(second)["predictions"] == {"recreated"}
    assert counted(line) == all_of(29)


def test_partitions_that_are_added_are_read_from_their_beginning(live, kafka, story):
    line = live(partitions=1)
    settings = json.loads(line.config.read_text())
    settings["kafka"]["start"] = "latest"
    line.config.write_text(json.dumps(settings))
    first = line.start()
    wait(lambda: first.events("partition_taken"), lambda found: len(found) >= 3, [first])
    line.produce(story[:600])
    stopped_after(line, first)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_partitions({line.topics["predictions"]: 2})
    admin.close()
    line.partitions = 2
    line.produce(story[600:3000])
    second = line.start()
    stopped_after(line, second)
    panes = counted(line)
    assert sum(events for (partition, _), events in panes.items() if partition == 1) >= 1000
    taken = {(e["topic"], e["partition"]): e for e in second.events("partition_taken")}
    assert taken[line.topics["predictions"], 1]["position"] == 0
    assert second.events("recovery") == []


def test_other_settings_are_refused_until_the_past_is_reset_and_then_judged_anew(live, story):
    line = live()
    first = line.start()
    line.produce(story)
    line.wait_for_alerts(bool)
    wait(line.consumed, bool, [first])
    panes = line.topics["panes"]
    run(["state", "reset", "-c", str(line.config), "--topic", panes, "--yes"], expect=2)
    shown = json.loads(run(["state", "show", "-c", str(line.config), "--json"]).stdout)
    assert {(e["topic"], e["partition"]) for e in shown} == {
        *((line.topics["predictions"], i) for i in range(3)),
        *((panes, i) for i in range(2)),
    }
    assert {e["position"] for e in shown if e["topic"] != panes} == {8000}
    assert all(e["problem"] is None and e["claimed_ms_ago"] < 600_000 and e["topic_id"] for e in shown)
    assert "2026-01-01T01:" in run(["state", "show", "-c", str(line.config)]).stdout
    assert first.terminate() == 0
    before = ids(line.alerts())
    settings = json.loads(line.config.read_text())
    settings["models"][0]["false_alarm_budget"] = 5
    other = line.folder / "other.yaml"
    other.write_text(json.dumps(settings))
    refusing = line.start(config=other)
    assert refusing.ended() == 1
    line.workers.remove(refusing)
    (failed,) = refusing.events("worker_failed")
    assert "recovery.changed is fail" in failed["error"]
    nowhere = run(["state", "reset", "-c", str(other), "--topic", panes, "--partition", "9", "--yes"], expect=2)
    assert f"Kafka has no {panes}:9, and nothing is stored of it" in nowhere.stderr
    run(["state", "reset", "-c", str(other), "--topic", panes, "--yes"])
    second = line.start(config=other)
    (line.folder / "story.jsonl").write_bytes(b"\n".join(story) + b"\n")
    out = line.folder / "backtest.jsonl"
    run(["backtest", "-c", str(other), "--file", str(line.folder / "story.jsonl"), "--alerts", str(out)])
    wanted = [json.loads(text) for text in out.read_text().splitlines()]
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(before) + len(ids(wanted)))
    assert second.terminate() == 0
    assert recoveries(second) == {"panes": {"reset"}}
    assert ids(alerts) == [*before, *ids(wanted)]
