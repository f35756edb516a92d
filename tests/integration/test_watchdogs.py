"""What a worker notices beside errors, on a real Kafka: damaged batches, a clock that is off."""

from __future__ import annotations

import json
import os
import signal
import struct
import time
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from live import ids, wait

SHIFTED_CLOCK = Path(__file__).parent / "shifted_clock"


def damage_batch(kafka, topic: str, partition: int, number: int) -> tuple[int, int]:
    """Flip a byte in a batch, as a broken disk does; its first offset and the next batch's. The broker is down."""
    segment = kafka.properties.parent / "data" / f"{topic}-{partition}" / f"{0:020}.log"
    data, at = bytearray(segment.read_bytes()), 0
    for _ in range(number):
        at += 12 + struct.unpack_from(">i", data, at + 8)[0]
    first, length = struct.unpack_from(">qi", data, at)
    data[at + 100] ^= 0xFF
    segment.write_bytes(data)
    return first, struct.unpack_from(">q", data, at + 12 + length)[0]


def test_a_damaged_batch_stops_the_worker_and_is_left_out_by_name_when_it_may_be(live, kafka, story):
    line = live(partitions=1)
    for part in range(0, 2_000, 500):
        line.produce(story[part : part + 500])
    kafka.stop()
    first, after = damage_batch(kafka, line.topics["predictions"], 0, 2)
    kafka.start()
    worker = line.start()
    assert worker.ended() == 1
    (failed,) = worker.events("worker_failed")
    assert failed["code"] == "damaged_records"
    assert f"offsets {first} to {after - 1} can't be read" in failed["error"]
    settings = json.loads(line.config.read_text())
    willing = line.folder / "willing.yaml"
    willing.write_text(json.dumps(settings | {"watchdog": {"damaged_records": "skip"}}))
    second = line.start(config=willing)
    wait(line.consumed, bool, [second])
    assert second.terminate() == 0
    (skipped,) = second.events("damaged_records_skipped")
    assert (skipped["first_offset"], skipped["last_offset"]) == (first, after - 1)
    counted = sum(entry.get("events", 0) for entry in second.events("progress") if entry["partition"] == 0)
    assert counted + (after - first) >= 2_000 - first


def test_records_that_are_deleted_before_they_are_read_are_never_passed_over_silently(live, kafka, story):
    line = live(partitions=1, kafka={"session_timeout": "5m"})
    worker = line.start()
    line.produce(story[:500])
    wait(line.consumed, bool, [worker])
    worker.process.send_signal(signal.SIGSTOP)
    # The first of these are the answer to the fetch that waits at the broker.
    line.produce(story[500:510])
    line.produce(story[510:1_000])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(line.topics["predictions"], 0): 900})
    admin.close()
    worker.process.send_signal(signal.SIGCONT)
    wait(line.consumed, bool, [worker])
    assert worker.terminate() == 0
    (met,) = worker.events("position_out_of_range")
    assert f"{line.topics['predictions']}:0" in met["error"]
    (told,) = worker.events("recovery")
    assert (told["case"], told["lost_to"]) == ("retention_gap", 899)


@pytest.mark.parametrize("ahead", [3660, -3660])
def test_a_clock_an_hour_off_changes_no_alert_and_is_told_of(live, story, expected, ahead):
    line = live()
    line.produce(story)
    path = os.pathsep.join([str(SHIFTED_CLOCK), *filter(None, [os.environ.get("PYTHONPATH")])])
    worker = line.start(before=["env", f"PYTHONPATH={path}", f"SHIFTED_CLOCK_S={ahead}"])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    (told, *_) = [entry for entry in worker.events("clock_skew") if entry["clock"] == "the broker"]
    assert abs(told["ahead_s"] + ahead) < 300
    # Kafka stamps what we write: a record from an hour ahead would be refused, one from the past deleted.
    stamps = [record.timestamp / 1000 for record in line.read("alerts")]
    assert all(abs(stamp - time.time()) < 300 for stamp in stamps)
    assert worker.terminate() == 0
