"""Detectors on single events on a real Kafka and Redis: the same alerts over restarts and from the same partitions."""

from __future__ import annotations

import json

import pytest

from driftgauge.alerts.event import Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from live import ids, loan_events, wait

MINUTE = 60_000
PARTITIONS = 3
SHIFT = 9_000
DETECTORS = {
    "adwin": {"on": "event"},
    "page_hinkley": {"on": "event", "confirm": False},
    "ddm": {"series": ["predicted_share|rejected"]},
    **{name: {"enabled": False} for name in ("shiryaev_roberts", "multiscale", "psi")},
}


@pytest.fixture(scope="module")
def shifted() -> list[bytes]:
    """Incomes half as much again from 00:30 on, and every second applicant rejected."""
    events = [json.loads(event) for event in loan_events(18_000)]
    for i, event in enumerate(events[SHIFT:]):
        event["features"]["income"] *= 1.5
        event["prediction"] = "rejected" if i % 2 else event["prediction"]
    return [json.dumps(event).encode() for event in events]


@pytest.fixture(scope="module")
def expected(profile, shifted) -> list[dict]:
    """The same partitions, each as a file of its own, in one process."""
    settings = EngineSettings.of(PanesConfig(out_of_orderness="5s"), AlertsConfig(), LimitsConfig(), DETECTORS)
    models = [model_of(profile, settings, pane_length=MINUTE, budget=1.0)]
    sources = []
    for partition in range(PARTITIONS):
        log = shifted[partition::PARTITIONS]
        source = Source("predictions", partition)
        batches = [RecordBatch(source, range(i, i + len(log[i : i + 700])), [0] * 700, log[i : i + 700])
                   for i in range(0, len(log), 700)]  # fmt: skip
        sources.append(ReplaySource(ingest_of(models, source, decoder_of(models, None)), batches))
    render = renderer_of(models, Run(mode="backtest", run_id="test"))
    raised = [r for step in replay(sources, stage_of(models), ReplayTotals()) for r in step]
    return [json.loads(render(r).to_json()) for r in raised]


def names(alert: dict) -> set[str]:
    return {detector["name"] for detector in alert["detail"]["detectors"]}


def without_topic(alert: dict) -> list[dict]:
    """The detectors' evidence, partitions by their numbers: a test's topic has a name of its own."""
    return [
        detector | {"partitions": [name.rpartition(":")[2] for name in detector.get("partitions", [])]}
        for detector in alert["detail"]["detectors"]
    ]


def test_alerts_of_detectors_on_events_are_those_of_the_same_partitions_over_restarts(live, shifted, expected):
    line = live(partitions=PARTITIONS, detectors=DETECTORS)
    first = line.start()
    # In multiples of the partitions, or else what follows would begin with another one.
    line.produce(shifted[:7998])
    wait(line.consumed, bool, [first])
    assert first.terminate() == 0
    second = line.start()
    line.produce(shifted[7998:12_000])
    wait(lambda: second.events("partition_taken"), bool, [second])
    second.kill()
    third = line.start()
    line.produce(shifted[12_000:])
    # The last minute is closed by the end of a file only.
    wanted = [alert for alert in expected if alert["updatedAt"] < "2026-01-01T00:59:30Z"]
    alerts = line.wait_for_alerts(lambda found: len(ids(found)) >= len(wanted))
    assert ids(alerts) == ids(wanted)
    # The alerts may all be there before it has started.
    taken = wait(lambda: third.events("partition_taken"), bool, [third])
    assert all(partition["restored"] for partition in taken)
    assert third.terminate() == 0
    last = {alert["event_id"]: alert for alert in alerts}
    assert [without_topic(last[alert["event_id"]]) for alert in wanted] == [without_topic(alert) for alert in wanted]


def test_the_shift_is_told_by_every_detector_with_its_partitions(expected):
    """Keeps the test above from holding because nothing is detected."""
    opened = [alert for alert in expected if alert["event"] == "opened"]
    assert {name for alert in opened for name in names(alert)} == {"adwin", "page_hinkley", "ddm"}
    assert {alert["labels"].get("feature", alert["labels"]["series"]) for alert in opened} >= {
        "income",
        "predicted_share",
    }
    assert all(alert["startsAt"] >= "2026-01-01T00:31:00Z" for alert in opened)
    assert opened[0]["startsAt"] <= "2026-01-01T00:33:00Z"
    assert {name for alert in opened for d in alert["detail"]["detectors"] for name in d["partitions"]} == {
        f"predictions:{i}" for i in range(PARTITIONS)
    }
