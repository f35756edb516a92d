"""Input topics that change while a worker runs, on a real Kafka."""

from __future__ import annotations

import threading
import time

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from driftgauge.panes.codec import decode_message
from driftgauge.panes.merge import PaneMerge
from driftgauge.profiles.layout import Layout
from live import ids, loan_events, wait


def add_partitions(kafka, topic: str, count: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_partitions({topic: count})
    admin.close()


def test_added_partitions_take_part_from_their_first_record_on(live, kafka, story, expected):
    line = live(partitions=2, kafka={"start": "latest", "metadata_max_age": "1s"})
    workers = [line.start(), line.start()]
    wait(lambda: [w.events("partition_taken") for w in workers], all, workers)
    time.sleep(1)
    line.produce(story[:9_000])
    wait(line.consumed, bool, workers)
    add_partitions(kafka, line.topics["predictions"], 5)
    wait(lambda: [w.events("partitions_added") for w in workers], all, workers)
    line.partitions = 5
    line.produce(story[9_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    # Not the first: `start: latest` has cut the panes at the beginning.
    assert ids(alerts) == ids(expected)
    taken = [entry for worker in workers for entry in worker.events("partition_taken")]
    assert {entry["position"] for entry in taken if entry["partition"] >= 2 and not entry["restored"]} == {0}
    assert [worker.terminate() for worker in workers] == [0, 0]


def test_no_event_of_an_added_partition_misses_its_pane_while_producers_go_on(live, kafka, profile):
    panes = {"length": "2s", "out_of_orderness": "6s", "idle_after": "3s", "partitions": 1}
    line = live(partitions=2, panes=panes, kafka={"metadata_max_age": "1s"})
    worker = line.start()
    wait(lambda: worker.events("partition_taken"), lambda found: len(found) >= 3, [worker])
    sent, stop = [0], threading.Event()

    def produce() -> None:
        producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, metadata_max_age_ms=200)
        while not stop.is_set():
            partitions = sorted(producer.partitions_for(line.topics["predictions"]))
            for i, event in enumerate(loan_events(20, every_ms=5, start=time.time_ns() // 1_000_000, seed=sent[0])):
                producer.send(line.topics["predictions"], event, partition=partitions[i % len(partitions)])
                sent[0] += 1
            time.sleep(0.1)
        producer.flush()
        producer.close()

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        time.sleep(4)
        add_partitions(kafka, line.topics["predictions"], 4)
        time.sleep(8)
    finally:
        stop.set()
        thread.join()

    layout = Layout.of(profile)

    def merged() -> tuple[int, int, int]:
        """Events in panes that have closed, partials that came too late, sources that gate."""
        merge, events = PaneMerge(), 0
        for record in line.read("panes"):
            merge.take(decode_message(record.value, {layout.profile_hash: layout}))
            events += sum(pane.events for panes in merge.close().values() for pane in panes)
        return events, merge.duplicates, len(merge.sources or ())

    assert wait(merged, lambda found: found[0] >= sent[0], [worker]) == (sent[0], 0, 4)
    assert worker.terminate() == 0


def test_an_input_topic_that_is_deleted_ends_the_worker_with_its_name(live, kafka, story):
    line = live(kafka={"metadata_max_age": "1s", "missing_topic_after": "3s"})
    worker = line.start()
    line.produce(story[:3_000])
    wait(line.consumed, bool, [worker])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([line.topics["predictions"]])
    admin.close()
    assert worker.ended() == 1
    assert worker.events("input_topic_missing")
    (failed,) = worker.events("worker_failed")
    assert failed["code"] == "missing_topic"
    assert line.topics["predictions"] in failed["error"]
