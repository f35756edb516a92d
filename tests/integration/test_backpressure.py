"""Topics that can't be written for a while: the inputs wait, the group is kept, and the same alerts come out."""

from __future__ import annotations

import os
import signal
import time

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from live import Live, Worker, ids, wait

BURST = 1_500  # Five minutes: panes that close.


def hang_while_it_writes(line: Live, worker: Worker, events: list[bytes]) -> list[bytes]:
    """The broker stands still with a burst of events just read, and again if all of it had been written; the rest."""
    producer = KafkaProducer(bootstrap_servers=line.kafka.bootstrap, linger_ms=20, batch_size=1 << 18)
    while events and not worker.events("outputs_blocked"):
        burst, events = events[:BURST], events[BURST:]
        for i, event in enumerate(burst):
            producer.send(line.topics["predictions"], event, partition=i % line.partitions)
        producer.flush()
        os.kill(line.kafka.server.pid, signal.SIGSTOP)
        time.sleep(3)
        os.kill(line.kafka.server.pid, signal.SIGCONT)
    producer.close()
    return events


def test_a_broker_that_hangs_pauses_the_inputs_and_nothing_is_lost(live, kafka, story, expected):
    line = live(outputs={"patience": "500ms"}, kafka={"session_timeout": "5m"})
    worker = line.start()
    wait(lambda: worker.events("partition_taken"), lambda found: len(found) >= 5, [worker])
    # Nothing is broken in these, so that only panes are written.
    rest = hang_while_it_writes(line, worker, story[:15_000])
    assert worker.events("outputs_blocked")
    wait(lambda: worker.events("outputs_written_again"), bool, [worker])
    assert not worker.events("partition_rewound")
    line.produce([*rest, *story[15_000:]])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert worker.terminate() == 0


def test_an_alerts_topic_that_is_gone_for_a_while_gets_all_alerts_when_it_is_back(live, kafka, story, expected):
    line = live(outputs={"patience": "500ms"})
    worker = line.start()
    line.produce(story[:14_000])
    wait(line.consumed, bool, [worker])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([line.topics["alerts"]])
    line.produce(story[14_000:])
    # A slow machine may have told of the panes topic before.
    wait(lambda: [e for e in worker.events("outputs_blocked") if line.topics["alerts"] in e["error"]], bool, [worker])
    time.sleep(3)
    kafka.create_topic(line.topics["alerts"])
    admin.close()
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert worker.events("partition_rewound")
    assert worker.terminate() == 0


def test_a_worker_that_can_not_write_for_too_long_ends_with_an_error(live, kafka, story):
    line = live(outputs={"patience": "300ms", "give_up_after": "8s"})
    worker = line.start()
    line.produce(story[:14_000])
    wait(line.consumed, bool, [worker])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([line.topics["alerts"]])
    admin.close()
    line.produce(story[14_000:])
    assert worker.ended() == 1
    (failed,) = worker.events("worker_failed")
    assert "outputs.give_up_after" in failed["error"]
    assert line.topics["alerts"] in failed["error"]
