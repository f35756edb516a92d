"""Each kind of fault put into quiet hours of the loan story gives the alert that one expects, and none gives none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.alert_view import Episodes
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.injected_faults import InjectedFaults, Outcome
from driftgauge.cli.replayed_alerts import rendered, replayed_alerts
from driftgauge.demo.story import production, training
from driftgauge.demo.training_profile import profile_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import default_model
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.sinks.jsonl import JsonLinesFile

HOURS = 5
FROM = "2026-03-15T03:00:00Z"
SOURCE = Source("applications.jsonl", 0)


class Story(NamedTuple):
    profile: Profile
    events: list[bytes]
    times: list[int]


class Found(NamedTuple):
    events: list[AlertEvent]
    outcomes: list[Outcome]


@pytest.fixture(scope="module")
def story() -> Story:
    trained = training(1)
    hours = list(islice(production(1, trained.card), HOURS))
    return Story(
        profile_of(trained),
        [event for hour in hours for event in hour.events],
        [time for hour in hours for time in hour.times.tolist()],
    )


def batches(of: Story) -> Iterator[RecordBatch]:
    for start in range(0, len(of.events), 1000):
        values = of.events[start : start + 1000]
        yield RecordBatch(SOURCE, range(start, start + len(values)), of.times[start : start + 1000], values)


def replayed(of: Story, out: Path, *faults: str) -> Found:
    models, episodes, found = [default_model(of.profile)], Episodes(), []
    injected = InjectedFaults(faults, 0, of.profile)
    source = ReplaySource(ingest_of(models, SOURCE, decoder_of(models, None)), injected.into(SOURCE, batches(of)))
    with JsonLinesFile(out) as lines:
        plan = Plan(models, "g", [], faults=injected)
        steps = replay([source], stage_of(models), ReplayTotals())
        for events in replayed_alerts(rendered(steps, plan.renderer()), lines, faults=injected):
            found += events
            for event in events:
                episodes.add(event)
    return Found(found, injected.outcomes(episodes))


def test_the_quiet_hours_are_quiet(story: Story, tmp_path: Path) -> None:
    assert replayed(story, tmp_path / "a.jsonl").events == []


@pytest.mark.parametrize(
    ("fault", "feature", "series", "minutes"),
    [
        ("null:employment_type:30%", "employment_type", {"missing"}, 3),
        ("unit:income:0.001", "income", {"location", "spread"}, 5),
        ("stuck:age", "age", {"location", "spread", "repeated"}, 20),
        ("stuck:income:n/a", "income", {"invalid"}, 3),
        ("rename:loan_purpose:car:CAR", "loan_purpose", {"unseen"}, 5),
        ("shift:debt_ratio:1sd", "debt_ratio", {"location"}, 10),
        ("ramp:debt_ratio:2sd:1h", "debt_ratio", {"location"}, 45),
        ("flip:prediction:90%", "", {"predicted_share"}, 10),
        ("null:score:20%", "", {"score_missing"}, 5),
        ("shift:score:-1sd", "", {"score_location", "score_out_of_range"}, 10),
    ],
)
def test_a_fault_is_found(
    fault: str, feature: str, series: set[str], minutes: int, story: Story, tmp_path: Path
) -> None:
    found = replayed(story, tmp_path / "a.jsonl", f"{fault}@{FROM}")
    [outcome] = found.outcomes
    assert outcome.first is not None
    assert (outcome.first.labels.feature, outcome.first.labels.series in series) == (feature, True)
    assert outcome.delay is not None
    assert 0 < outcome.delay <= minutes * 60_000
    assert {event.labels.feature for event in found.events} == {feature}


def test_an_alert_is_put_down_to_the_fault_that_is_nearest_to_its_change_point(story: Story, tmp_path: Path) -> None:
    faults = (
        "shift:income:0.01sd@2026-03-15T02:00:00Z",
        "unit:income:100@2026-03-15T03:00:00Z",
        f"null:income:1%@{FROM}",
    )
    shift, unit, null = replayed(story, tmp_path / "a.jsonl", *faults).outcomes
    assert shift.first is None
    assert unit.delay is not None
    assert unit.delay <= 3 * 60_000
    # Of two at the same time nobody can say.
    assert null.first == unit.first


def test_late_events_and_lost_ones_leave_the_distributions_alone(story: Story, tmp_path: Path) -> None:
    found = replayed(story, tmp_path / "a.jsonl", f"delay:20m:.3@{FROM}", f"drop:.3@{FROM}")
    assert found.events == []
    assert [outcome.hits > 1000 for outcome in found.outcomes] == [True, True]
    assert [outcome.first for outcome in found.outcomes] == [None, None]
