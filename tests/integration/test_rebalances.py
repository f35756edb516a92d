"""Members that come, go and come back, on a real Kafka: what must not move doesn't, and no alert changes."""

from __future__ import annotations

import time

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from driftgauge.runtime.group import members
from live import Live, Worker, ids, wait


def start_static(line: Live, instance: str) -> Worker:
    return line.start(before=["env", f"DRIFTGAUGE_KAFKA__GROUP_INSTANCE_ID={instance}"])


def held_by(worker: Worker) -> set[tuple[str, int]]:
    held: set[tuple[str, int]] = set()
    for entry in worker.lines():
        if entry["event"] == "partition_taken":
            held.add((entry["topic"], entry["partition"]))
        elif entry["event"] in ("partition_given_up", "partition_lost"):
            held.discard((entry["topic"], entry["partition"]))
    return held


def taken(worker: Worker) -> set[tuple[str, int]]:
    return {(entry["topic"], entry["partition"]) for entry in worker.events("partition_taken")}


def test_a_static_member_that_restarts_comes_back_to_its_partitions_and_moves_nobody_elses(live, story, expected):
    # For as long as this it may be away. Ten heartbeats: a rebalance waits for them.
    line = live(kafka={"session_timeout": "60s"})
    first, second = start_static(line, "a"), start_static(line, "b")
    line.produce(story[:9_000])
    workers = [first, second]
    wait(lambda: [held_by(w) for w in workers], lambda held: all(held) and len(held[0] | held[1]) == 5, workers)
    time.sleep(2)
    held, kept = held_by(first), held_by(second)
    before = len(second.lines())
    assert first.terminate() == 0
    again = start_static(line, "a")
    wait(lambda: taken(again), lambda found: len(found) >= len(held), [again, second])
    assert held_by(again) == held
    names = {entry["event"] for entry in second.lines()[before:]}
    assert not names & {"partition_taken", "partition_given_up", "partition_lost", "partition_fenced"}
    assert held_by(second) == kept
    line.produce(story[9_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert [again.terminate(), second.terminate()] == [0, 0]


def test_two_workers_with_one_instance_id_are_told_so(live, story):
    line = live(kafka={"session_timeout": "20s"})
    line.produce(story[:300])
    first = start_static(line, "same")
    wait(lambda: taken(first), lambda found: len(found) == 5, [first])
    second = start_static(line, "same")
    line.produce(story[300:600])
    assert first.ended() == 1
    (failed,) = first.events("worker_failed")
    assert "same kafka.group_instance_id" in failed["error"]
    wait(line.consumed, bool, [second])
    assert second.terminate() == 0


def test_a_stopping_worker_leaves_the_group_and_the_others_take_over_at_once(live, kafka, story, expected):
    line = live(kafka={"session_timeout": "20s"})
    workers = [line.start(), line.start()]
    line.produce(story[:9_000])
    wait(lambda: [taken(w) for w in workers], lambda held: all(held) and len(held[0] | held[1]) == 5, workers)
    wait(line.consumed, bool, workers)
    assert workers[0].terminate() == 0
    # Not only when its session ends.
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    assert len(members(admin, line.group)) == 1
    admin.close()
    wait(lambda: taken(workers[1]), lambda found: len(found) == 5, workers)
    line.produce(story[9_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert workers[1].terminate() == 0


def test_a_worker_that_waits_for_the_session_of_a_dead_one_says_so(live, story):
    line = live(kafka={"session_timeout": "20s"})
    dead = line.start()
    line.produce(story[:300])
    wait(lambda: taken(dead), lambda found: len(found) == 5, [dead])
    heir = line.start()
    # Before it is in the group, and no sooner: what it takes to start may be longer than the session.
    wait(lambda: heir.events("worker_starting"), bool, [heir])
    dead.kill()
    (told, *_) = wait(lambda: heir.events("partitions_awaited"), bool, [heir])
    assert told["members"] >= 1
    assert "kafka.session_timeout" in told["waits_for"]
    assert not taken(heir)
    wait(lambda: taken(heir), lambda found: len(found) == 5, [heir])
    assert heir.terminate() == 0


def test_a_storm_of_members_that_join_and_leave_changes_no_alert_and_loses_nothing(live, kafka, story, expected):
    line = live()
    workers = [line.start(), line.start()]
    wait(lambda: [taken(w) for w in workers], lambda held: all(held) and len(held[0] | held[1]) == 5, workers)
    topics = [line.topics["predictions"], line.topics["panes"]]
    sent = 0
    for _ in range(10):
        # It takes partitions and does nothing with them.
        member = KafkaConsumer(
            bootstrap_servers=kafka.bootstrap,
            group_id=line.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=3_000,
            heartbeat_interval_ms=300,
            partition_assignment_strategy=[CooperativeStickyAssignor()],
        )
        member.subscribe(topics)
        line.produce(story[sent : sent + 800])
        sent += 800
        until = time.monotonic() + 0.8
        while time.monotonic() < until:
            member.poll(timeout_ms=100)
        member.close(autocommit=False)
    line.produce(story[sent:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    given_up = sum(len(worker.events("partition_given_up")) for worker in workers)
    assert given_up >= 3
    assert all(len(worker.events("commit_refused")) <= 1 for worker in workers)
    wait(line.consumed, bool, workers)
    assert [worker.terminate() for worker in workers] == [0, 0]
