"""The whole line on a real Kafka and a real Redis: one loan story, told live, restarted, shared, and from a file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jsonschema

from live import ids, loan_events, wait

SCHEMAS = Path(__file__).parents[2] / "schemas"


def test_the_loan_story_is_told_soon_once_with_its_cause_and_stops_gracefully(live, story, expected):
    line = live()
    line.produce(story)
    worker = line.start()
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert worker.terminate() == 0
    assert worker.events("worker_stopped")
    assert ids(alerts) == ids(expected)
    first = alerts[0]
    assert first["labels"]["feature"] == "employment_type"
    assert first["labels"]["series"] == "missing"
    assert first["detail"]["change_point"]["at"] == "2026-01-01T00:50:00Z"
    assert first["startsAt"] == "2026-01-01T00:51:00Z"
    assert first["run"]["mode"] == "live"
    assert set(first["source"]["offsets"]) == {"0", "1", "2"}
    schema = json.loads((SCHEMAS / "alert.v1.schema.json").read_text())
    for alert in alerts:
        jsonschema.validate(alert, schema)
    for record in line.read("alerts"):
        alert = json.loads(record.value)
        assert record.key.decode() == alert["fingerprint"]
        assert dict(record.headers)["event_id"].decode() == alert["event_id"]
    without_run = [{k: v for k, v in a.items() if k not in ("run", "source")} for a in alerts]
    assert without_run == [{k: v for k, v in a.items() if k not in ("run", "source")} for a in expected]


def test_restarts_in_the_middle_give_the_same_alerts(live, story, expected):
    line = live()
    first = line.start()
    line.produce(story[:9000])
    wait(line.consumed, bool, [first])
    assert first.terminate() == 0
    second = line.start()
    line.produce(story[9000:16_000])
    wait(lambda: second.events("partition_taken"), bool, [second])
    second.kill()
    third = line.start()
    line.produce(story[16_000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    # The alerts may all be there before it has started.
    taken = wait(lambda: third.events("partition_taken"), bool, [third])
    assert all(partition["restored"] for partition in taken)
    assert third.terminate() == 0


def test_a_crash_after_publishing_panes_repeats_them_and_changes_no_alert(live, story, expected):
    line = live(checkpoint={"interval": "10m"})
    # Nothing is broken yet: an alert would be followed by a checkpoint at once.
    line.produce(story[:14_900])
    first = line.start()

    def panes() -> list[bytes]:
        return [r.value for r in line.read("panes", 2) if json.loads(r.value)["type"] == "pane"]

    wait(panes, lambda found: len(found) > 100, [first])
    first.kill()
    before = panes()
    line.produce(story[14_900:])
    settings = json.loads(line.config.read_text())
    quick = line.folder / "quick.yaml"
    quick.write_text(json.dumps(settings | {"checkpoint": {"interval": "300ms"}}))
    second = line.start(config=quick)

    published = wait(panes, lambda found: all(found.count(pane) > 1 for pane in before), [second])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert second.terminate() == 0
    assert ids(alerts) == ids(expected)
    # Repeated panes are the same, byte for byte.
    places = {(p["start"], p["source"]["partition"]) for p in map(json.loads, published)}
    assert len(places) == len(set(published))


def test_a_second_worker_takes_partitions_with_their_state(live, story, expected):
    line = live()
    first = line.start()
    line.produce(story[:9000])
    wait(line.consumed, bool, [first])
    second = line.start()
    taken = wait(lambda: second.events("partition_taken"), lambda found: len(found) >= 2, [first, second])
    assert all(entry["restored"] for entry in taken)
    line.produce(story[9000:])
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)
    assert first.terminate() == 0
    assert second.terminate() == 0


def test_poison_lands_in_the_dead_letters_and_the_partition_goes_on(live, story):
    line = live(partitions=1)
    poison = [
        b"\xff\xfe not json",
        b"[1, 2]",
        b'{"timestamp": 5}',
        b'{"model_id": "loan-approval", "timestamp": "soon"}',
    ]
    line.produce([*story[:500], *poison, *story[500:1000]])
    worker = line.start()
    letters = wait(lambda: line.read("dead_letters"), lambda found: len(found) >= 4, [worker])
    assert [letter.value for letter in letters] == poison
    headers = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    codes = [next(v for k, v in h.items() if "code" in k or "reason" in k) for h in headers]
    assert codes == ["malformed_json", "not_an_object", "no_model_id", "bad_timestamp"]
    assert [next(v for k, v in h.items() if "offset" in k) for h in headers] == ["500", "501", "502", "503"]
    wait(line.consumed, bool, [worker])
    assert worker.terminate() == 0


def test_an_empty_partition_costs_the_idle_time_and_no_stall(live, story, expected):
    line = live(partitions=3, panes={"idle_after": "2s"})
    line.produce(story, partition=0)
    line.start()
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert ids(alerts) == ids(expected)


def test_a_burst_after_a_silence_neither_stalls_nor_loses_events(live):
    # What is stamped now may take `idle_after` until it is there.
    line = live(partitions=2, panes={"length": "1s", "out_of_orderness": "1s", "idle_after": "5s", "partitions": 1})
    worker = line.start()
    wait(lambda: worker.events("partition_taken"), lambda found: len(found) >= 3, [worker])

    def counted():
        panes = [json.loads(r.value) for r in line.read("panes")]
        return sum(p["events"] for p in panes if p["type"] == "pane")

    for burst in (1, 2):
        line.produce(loan_events(200, every_ms=1, start=time.time_ns() // 1_000_000, seed=burst))
        # Counted in full means that the wall clock has closed its panes, and event time goes on with it.
        assert wait(counted, lambda n, sent=200 * burst: n >= sent, [worker]) == 200 * burst
    assert worker.terminate() == 0
