"""The loan story on a real Kafka and a real Redis while something goes wrong: the same alerts must come out."""

from __future__ import annotations

import json
import time

from kafka import KafkaProducer

from driftgauge.detect.detectors import DETECTORS
from live import ids, loan_events, wait


def test_a_worker_that_joins_in_the_middle_of_the_stream_changes_no_alert(live, story, expected):
    line = live()
    first = line.start()
    line.produce(story[:3000])
    wait(lambda: first.events("partition_taken"), bool, [first])
    second = line.start()
    wait(lambda: second.events("worker_started"), bool, [second])
    sent = 3000
    while len(second.events("partition_taken")) < 2 and sent < len(story):
        line.produce(story[sent : sent + 150])
        sent += 150
    assert sent < len(story)
    line.produce(story[sent:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert first.events("partition_given_up")
    assert first.terminate() == 0
    assert second.terminate() == 0


def test_a_broker_that_comes_back_finds_the_worker_still_at_work(live, kafka, story, expected):
    line = live()
    worker = line.start()
    line.produce(story[:16_000])
    wait(lambda: worker.events("partition_taken"), lambda found: len(found) >= 5, [worker])
    kafka.kill()
    time.sleep(3)
    kafka.start()
    line.produce(story[16_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert worker.terminate() == 0


def test_a_topic_written_in_transactions_can_fall_idle(live, kafka):
    line = live(partitions=2, panes={"length": "1s", "out_of_orderness": "1s", "idle_after": "1s", "partitions": 1})
    worker = line.start()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=line.topics["panes"])
    producer.init_transactions()
    producer.begin_transaction()
    for event in loan_events(100, every_ms=10, start=time.time_ns() // 1_000_000):
        producer.send(line.topics["predictions"], event, partition=0)
    producer.flush()
    producer.commit_transaction()
    producer.close()

    def counted():
        panes = [json.loads(r.value) for r in line.read("panes")]
        return sum(p["events"] for p in panes if p["type"] == "pane")

    assert wait(counted, lambda n: n >= 100, [worker]) == 100


def test_garbage_on_the_panes_topic_is_counted_and_passed_over(live, kafka, story, expected):
    line = live()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    for value in (b"\xff", b"{}", None, b'{"type":"pane"}', b"[" * 5000):
        for partition in range(2):
            producer.send(line.topics["panes"], value, key=b"k", partition=partition)
    producer.flush()
    producer.close()
    worker = line.start()
    line.produce(story)
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert worker.terminate() == 0
    assert sum(entry.get("rejected", 0) for entry in worker.events("progress")) == 10


def test_a_topic_that_falls_silent_is_told_of_though_nothing_comes_any_more(live):
    line = live(
        partitions=1,
        panes={"length": "10s", "out_of_orderness": "1s", "idle_after": "2s", "partitions": 1},
        detectors={name: {"enabled": False} for name in DETECTORS},
    )
    # A day and a quarter of an hour: from then on silence is judged.
    line.produce(loan_events(87_300, every_ms=1000))
    line.start()
    (alert,) = line.wait_for_alerts(bool)
    assert (alert["event"], alert["labels"]["series"]) == ("opened", "staleness")
    assert alert["annotations"]["summary"].startswith("no event since 00:15 (usually 60 a minute")
    assert alert["startsAt"] == "2026-01-02T00:15:20Z"
