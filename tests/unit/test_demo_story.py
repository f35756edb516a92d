"""The loan story: the mechanism is real, the bytes are what a Python service writes, a seed gives the same story."""

from __future__ import annotations

import json
import math
from itertools import islice

import numpy as np
import pytest

from driftgauge.demo import story
from driftgauge.demo.applicants import NULL_SHARE
from driftgauge.demo.scorecard import UNKNOWN
from driftgauge.demo.serving import decide
from driftgauge.demo.tally import Tally
from driftgauge.demo.training_profile import profile_of


@pytest.fixture(scope="module")
def trained() -> story.Training:
    return story.training(1)


@pytest.fixture(scope="module")
def served(trained: story.Training) -> list[story.Served]:
    return list(story.production(1, trained.card))


def test_the_scorecard_ranks_applicants_and_approves_its_target(trained: story.Training) -> None:
    profile = profile_of(trained)
    assert 0.7 < profile.offline_metrics["auc"] < 0.9
    filled = {**trained.applicants.features}
    known = np.array([value is not None for value in filled["employment_type"]])
    approved = decide(trained.card, filled).approved
    assert approved[known].mean() == pytest.approx(0.79, abs=0.005)


def test_training_knows_a_category_for_null_that_serving_never_asks_for(trained: story.Training) -> None:
    assert UNKNOWN in trained.card.categories["employment_type"]
    features = {name: column[:1].copy() for name, column in trained.applicants.features.items()}
    features["employment_type"][0] = None
    made = decide(trained.card, features)
    assert math.isnan(made.scores[0])
    assert not made.approved[0]


def test_only_a_missing_employment_type_makes_a_score_nan(served: list[story.Served]) -> None:
    for hour in (served[0], served[-1]):
        events = [json.loads(event) for event in hour.events]
        nulls = [event["features"]["employment_type"] is None for event in events]
        assert nulls == [math.isnan(event["prediction"]["score"]) for event in events]
        assert all(
            event["prediction"]["label"] == "rejected" for event, null in zip(events, nulls, strict=True) if null
        )


def test_events_are_the_bytes_of_json_dumps_with_a_nan_token(served: list[story.Served]) -> None:
    for event in served[-1].events[:200]:
        assert json.dumps(json.loads(event)).encode() == event
    assert any(b'"score": NaN' in event for event in served[-1].events[:200])


def test_events_are_by_time_and_numbered_without_a_gap(served: list[story.Served]) -> None:
    times = np.concatenate([hour.times for hour in served])
    assert (np.diff(times) > 0).all()
    assert times[0] >= story.START
    assert times[-1] < story.END
    last = json.loads(served[-1].events[-1])
    assert last["prediction_id"] == f"loan-{len(times):07d}"


def test_the_field_is_lost_in_steps_and_never_before_the_break(served: list[story.Served]) -> None:
    before = np.array([story.START, story.BREAK - 1])
    assert story.lost_share(before).tolist() == [0, 0]
    steps = np.array([time for time, _ in story.ROLLOUT])
    assert story.lost_share(steps).tolist() == [share for _, share in story.ROLLOUT]
    last = np.mean([b'"employment_type": null' in event for event in served[-1].events])
    assert last == pytest.approx(story.ROLLOUT[-1][1], abs=0.02)
    first = np.mean([b'"employment_type": null' in event for hour in served[:24] for event in hour.events])
    assert first == pytest.approx(NULL_SHARE, abs=0.002)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(trained: story.Training) -> None:
    again = story.training(1)
    assert again.card.cutoff == trained.card.cutoff
    assert again.card.weights == trained.card.weights
    first, second, other = (
        [hour.events for hour in islice(story.production(seed, trained.card), 3)] for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_the_profile_suggests_the_pane_the_story_is_watched_with(trained: story.Training) -> None:
    profile = profile_of(trained)
    assert profile.suggested_pane == "1m"
    field = profile.features["employment_type"]
    missing = field.counts[field.cell_names.index("missing")] / sum(field.counts)
    assert missing == pytest.approx(NULL_SHARE, abs=0.001)
    assert profile.content_hash == profile_of(story.training(1)).content_hash


def test_the_tally_counts_what_the_service_decided(served: list[story.Served]) -> None:
    tally = Tally()
    for hour in served:
        tally.add(hour)
    assert tally.applications() == sum(len(hour.events) for hour in served)
    assert tally.approval_rate(story.START, story.START + 3_600_000) == pytest.approx(served[0].approved.mean())
    scoreless = sum(int(np.isnan(hour.scores[hour.times >= story.BREAK // 60_000 * 60_000]).sum()) for hour in served)
    assert tally.scoreless_since_break() == scoreless
    assert math.isnan(tally.approval_rate(story.START, story.START))
