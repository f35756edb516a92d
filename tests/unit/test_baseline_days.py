"""The day's window against production's own days: what the profile's doesn't show, told once, and from when on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftgauge.alerts.event import Run as EventRun
from driftgauge.alerts.stage import Raised
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.transition import Transition
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import default_model
from driftgauge.engine.publish import renderer_of
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.reference import NumericColumn
from driftgauge.profiles.season import DAY
from driftgauge.records import Source

MONDAY = 1_767_571_200_000  # 2026-01-05T00:00:00Z
HALF = 30 * 60_000
A_DAY = DAY // HALF
EVENTS = 500
KEY = "amount|psi_1d_baseline|"
SOURCE = Source("t", 0)


def model_of(days: int = 15) -> Model:
    """One numeric feature; its reference are the mornings of so many days, too few to measure the short window by."""
    values, at = np.random.default_rng(7).standard_normal(20_000), np.arange(20_000, dtype=np.int64)
    per_day = 20_000 // days + 1
    times = MONDAY + (at // per_day - days) * DAY + at % per_day * (DAY // 2 // per_day)
    reference = Reference(["r"], times, {"amount": NumericColumn(values)}, timed=True)
    return default_model(build_profile(reference, model_id="m", model_version="1").profile, pane="30m")


MODEL = model_of()
SERIES = next(s for s in MODEL.contrasts.series if s.key == KEY)


def panes_of(comb: NDArray[np.float64], missing: Sequence[int] = (), model: Model = MODEL) -> list[Pane]:
    """One pane half an hour from Monday on.

    `comb`, by pane: by what part every other bin holds more than in the reference and the next one less, so that
    neither location nor spread moves. `missing`: panes in which half of the events are NULL.
    """
    rng, slot = np.random.default_rng(1), model.layout.slots[0]
    teeth = np.where(np.arange(slot.spec.bins) % 2, 1.0, -1.0)
    out = []
    for i, part in enumerate(comb):
        counts = np.zeros(model.layout.size, np.int64)
        counts[: slot.spec.bins] = rng.multinomial(EVENTS, (1 + part * teeth) / slot.spec.bins)
        if i in missing:
            counts[slot.cell("missing")] = EVENTS
        start = MONDAY + i * HALF
        out.append(Pane(model.subject, model.layout.profile_hash, start, HALF, counts, EVENTS, {SOURCE: (i, i)}))
    return out


def course(*stretches: tuple[float, float]) -> NDArray[np.float64]:
    """Stretches of so many days with such a comb, and days that wander by themselves."""
    level = np.concatenate([np.full(round(days * A_DAY), comb) for days, comb in stretches])
    by_day = 0.02 * np.random.default_rng(2).standard_normal(len(level) // A_DAY + 1)
    return np.asarray(level + np.repeat(by_day, A_DAY)[: len(level)])


def run(comb: NDArray[np.float64], missing: Sequence[int] = (), model: Model = MODEL) -> list[Transition]:
    return [
        step
        for step in SubjectWatch(watch_plan(model)).advance(panes_of(comb, missing, model))
        if isinstance(step, Transition)
    ]


def day_of(step: Transition) -> float:
    return (step.at - MONDAY) / DAY


def told(steps: Sequence[Transition]) -> list[tuple[str, str]]:
    return [(step.event, step.series.key) for step in steps if step.event in ("opened", "resolved")]


# .06 from the reference on both sides of it, hence .24 from each other.
BEFORE, AFTER = -0.24, 0.24


def test_a_drift_from_one_side_of_the_reference_to_the_other_is_told_by_it_alone() -> None:
    steps = run(course((20.5, BEFORE), (4, AFTER)))
    assert told(steps) == [("opened", KEY)]
    opened = steps[0]
    assert 21.5 < day_of(opened) < 22.5
    assert opened.evidence.onset_earliest <= MONDAY + 20.5 * DAY <= opened.evidence.onset


def test_a_reference_of_few_days_leaves_room_for_it_too() -> None:
    """There the short window is held against production as well, and is the first to tell: once."""
    model = model_of(10)
    assert model.layout.told_days < 14
    steps = run(course((20.5, BEFORE), (4, AFTER)), model=model)
    assert told(steps) == [("opened", "amount|psi_12h|")]


def test_the_alert_says_what_it_was_compared_with() -> None:
    dress = renderer_of([MODEL], EventRun(mode="backtest", run_id="r"))
    event = dress(Raised(MODEL.subject, run(course((20.5, BEFORE), (4, AFTER)))[0]))
    assert event.labels.series == "psi_1d_baseline"
    assert event.labels.alertname == "FeatureDrift"
    assert event.detail.baseline == "2026-01-26T00:00:00Z"
    assert event.detail.n_before > 15 * A_DAY * EVENTS
    assert event.detail.detectors[0].window == "1d"
    moved = event.detail.cells[0]
    assert sorted([moved.from_, moved.to]) == pytest.approx([0.05 * 0.76, 0.05 * 1.24], abs=0.002)
    assert "is not that of production's last clean days: PSI 0.2" in event.annotations.summary
    assert "days without an alert before 2026-01-26T00:00:00Z, and not with" in event.annotations.description


def test_what_the_profile_shows_as_well_is_told_by_that_alone() -> None:
    """The baseline's limit is the lower one: it is off that first, and for a while after the profile's is over."""
    steps = told(run(course((20.5, 0.0), (3, 0.45), (6, 0.0))))
    assert ("opened", "amount|psi_1d|") in steps
    assert ("resolved", "amount|psi_1d|") in steps
    assert not [step for step in steps if step[1] == KEY]


def test_a_single_odd_day_is_not_told() -> None:
    assert not run(course((20, BEFORE), (1, AFTER), (5, BEFORE)))


def test_it_is_over_when_production_is_back_at_what_it_was() -> None:
    steps = run(course((20.5, BEFORE), (3, AFTER), (6, BEFORE)))
    assert told(steps) == [("opened", KEY), ("resolved", KEY)]
    assert steps[-1].is_over
    assert 24 < day_of(steps[-1]) < 25.5


def test_it_ends_when_too_few_days_are_left_to_compare_with_and_then_what_is_new_is_what_is_usual() -> None:
    panes = panes_of(course((20.5, BEFORE), (35, AFTER)))
    watch = SubjectWatch(watch_plan(MODEL))
    steps = watch.advance(panes)
    assert told(steps) == [("opened", KEY), ("resolved", KEY)]
    ended = steps[-1]
    assert ended.reason == "level_expired"
    assert 32 < day_of(ended) < 36
    event = renderer_of([MODEL], EventRun(mode="backtest", run_id="r"))(Raised(MODEL.subject, ended))
    assert "no days without it are left" in event.annotations.summary
    assert event.detail.cells == []
    held = next(s for s in watch.detection.baseline.series if s.key == KEY)
    shares = np.array(held.slot.spec.counts[:2]) / held.reference_n
    assert shares == pytest.approx([0.05 * 0.76, 0.05 * 1.24], abs=0.002)


def test_before_two_weeks_of_days_are_measured_nothing_is_judged() -> None:
    watch, at = SubjectWatch(watch_plan(MODEL)), SERIES.index
    panes = panes_of(course((17, 0.0)))
    watch.advance(panes[: 16 * A_DAY])
    history = watch.detection.history
    assert np.isnan(history.values.rows()[:, at]).all()
    assert not history.n.rows()[:, at].any()
    watch.advance(panes[16 * A_DAY :])
    assert not np.isnan(history.values.rows()[-A_DAY:, at]).any()
    assert (history.n.rows()[-A_DAY:, at] == A_DAY * EVENTS).all()
    assert not [s for s in run(course((10, BEFORE), (3, AFTER))) if s.series.key == KEY]


def test_days_with_an_alert_on_the_field_are_none_of_those_it_is_held_against() -> None:
    watch = SubjectWatch(watch_plan(MODEL))
    watch.advance(panes_of(course((18, 0.0)), missing=range(8 * A_DAY + 1, 8 * A_DAY + 5)))
    version = watch.detection.baseline.version
    assert version is not None
    # Of the seventeen: the first has none before it, the last reaches into what is judged.
    assert version.whole.moments[0].tolist() == [14]
    held = next(s for s in watch.detection.baseline.series if s.key == KEY)
    assert held.reference_n == 15 * A_DAY * EVENTS
    assert held.baseline == MONDAY + 16 * DAY


def test_panes_of_an_hour_have_no_such_series_and_a_baseline_all_the_same() -> None:
    hourly = default_model(model_of(10).profile, pane="1h")
    assert not [s for s in hourly.contrasts.series if s.name.endswith("_baseline")]
    watch = SubjectWatch(watch_plan(hourly))
    watch.advance(
        [replace(pane, start=2 * pane.start - MONDAY, length=2 * HALF) for pane in panes_of(course((3, 0.0)))]
    )
    version = watch.detection.baseline.version
    assert version is not None
    assert version.whole.moments.shape == (3, 0)


LONG = panes_of(course((20.5, BEFORE), (3, AFTER), (3, BEFORE)), missing=range(300, 310))


@given(
    cuts=st.lists(st.integers(1, len(LONG) - 1), max_size=6, unique=True),
    restart=st.integers(1, len(LONG) - 1),
    gap=st.sampled_from([0, 3, 60]),
)
@settings(max_examples=12)
def test_blocks_and_restarts_change_nothing(cuts: list[int], restart: int, gap: int) -> None:
    panes = [*LONG[: 18 * A_DAY], *LONG[18 * A_DAY + gap :]]
    whole = SubjectWatch(watch_plan(MODEL))
    expected = _shown(whole.advance(panes))
    watch, fields, found = SubjectWatch(watch_plan(MODEL)), {}, []
    for begin, end in pairwise(sorted({0, min(restart, len(panes)), *(c for c in cuts if c < len(panes)), len(panes)})):
        if begin == restart:
            watch = SubjectWatch(watch_plan(MODEL))
            watch.restore(fields)
        found += _shown(watch.advance(panes[begin:end]))
        _checkpoint(watch, fields)
    stored: dict[str, bytes] = {}
    _checkpoint(whole, stored)
    assert found == expected
    assert ("opened", KEY) in [step[:2] for step in found]
    assert fields == {name: stored[name] for name in fields}


def _shown(steps: Sequence[Transition | TrafficStep]) -> list[tuple[object, ...]]:
    return [
        (s.event, s.series.key, s.at, s.evidence.onset, s.evidence.after, s.evidence.n_before)
        for s in steps
        if isinstance(s, Transition)
    ]


def _checkpoint(watch: SubjectWatch, fields: dict[str, bytes]) -> None:
    fresh, gone = watch.changes()
    fields.update(fresh)
    for name in gone:
        fields.pop(name, None)


def test_what_an_older_version_has_learned_is_refused() -> None:
    watch, fields = SubjectWatch(watch_plan(MODEL)), {}
    watch.advance(panes_of(course((3, 0.0))))
    _checkpoint(watch, fields)
    parts = msgspec.msgpack.decode(fields["baseline"])
    older = {**fields, "baseline": msgspec.msgpack.encode([1, *parts[1:-2]])}
    with pytest.raises(StateError, match="baseline"):
        SubjectWatch(watch_plan(MODEL)).restore(older)
    with pytest.raises(StateError, match="version 1"):
        SubjectWatch(watch_plan(MODEL)).restore({**fields, "baseline": msgspec.msgpack.encode([1, *parts[1:]])})


@pytest.mark.parametrize("number", [-1.0, 0.5, 2.0**50, np.nan, np.inf])
def test_impossible_counts_of_a_day_are_refused(number: float) -> None:
    watch, fields = SubjectWatch(watch_plan(MODEL)), {}
    watch.advance(panes_of(course((2, 0.0))))
    _checkpoint(watch, fields)
    name = f"cells/{MONDAY}"
    numbers = np.frombuffer(fields[name], "<f8").copy()
    numbers[0] = number
    with pytest.raises(StateError, match="stored day"):
        SubjectWatch(watch_plan(MODEL)).restore({**fields, name: numbers.tobytes()})
