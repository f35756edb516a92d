"""The baseline that production teaches: season and noise, never the level, from clean days, in versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftgauge.alerts.event import Run as EventRun
from driftgauge.alerts.stage import Raised
from driftgauge.alerts.transition import Transition
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.detect.baseline.learn import learn
from driftgauge.detect.baseline.rows import completed
from driftgauge.detect.baseline.within import movement
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import by_rows, default_model
from driftgauge.engine.publish import renderer_of
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.reference import NumericColumn
from driftgauge.profiles.scale_noise import Panes, residuals, scale_noise
from driftgauge.profiles.season import DAY, HOUR
from driftgauge.records import Source

MONDAY = 1_767_571_200_000  # 2026-01-05T00:00:00Z
QUARTER = 15 * 60_000
EVENTS = 600
SOURCE = Source("t", 0)


def model_of(*, timed: bool = False) -> Model:
    """One numeric feature; the reference in random order, without times."""
    values = np.random.default_rng(7).standard_normal(10_000)
    reference = Reference(
        ["r"], MONDAY + 1000 * np.arange(10_000, dtype=np.int64), {"amount": NumericColumn(values)}, timed=timed
    )
    return default_model(build_profile(reference, model_id="m", model_version="1").profile, pane="15m")


MODEL = model_of()


def panes_of(shift: np.ndarray, seed: int = 1, missing: Sequence[int] = ()) -> list[Pane]:
    """One pane a quarter of an hour from Monday on; `shift`: in sd, by pane. `missing`: panes in which half is NULL."""
    rng, slot = np.random.default_rng(seed), MODEL.layout.slots[0]
    edges = np.array(slot.spec.edges)
    out = []
    for i, moved in enumerate(shift):
        counts = np.zeros(MODEL.layout.size, np.int64)
        values = rng.standard_normal(EVENTS) + moved
        counts[: slot.spec.bins] = np.bincount(np.searchsorted(edges, values), minlength=slot.spec.bins)
        if i in missing:
            counts[slot.cell("missing")] = EVENTS
        start = MONDAY + i * QUARTER
        out.append(Pane(MODEL.subject, MODEL.layout.profile_hash, start, QUARTER, counts, EVENTS, {SOURCE: (i, i)}))
    return out


def daily(days: float, size: float) -> np.ndarray:
    return size * np.sin(2 * np.pi * np.arange(round(days * 96)) / 96)


def opened(steps: Sequence[Transition], since: float = 0.0) -> list[str]:
    """Keys of what was opened from so many days on."""
    return [s.series.key for s in steps if s.event == "opened" and s.at > MONDAY + since * DAY]


@dataclass
class Run:
    watch: SubjectWatch
    steps: list[Transition]


def run(panes: Sequence[Pane], model: Model = MODEL) -> Run:
    watch = SubjectWatch(watch_plan(model))
    return Run(watch, watch.advance(panes))


def test_while_no_day_is_known_only_large_differences_count() -> None:
    location = next(s for s in MODEL.contrasts.series if s.name == "location")
    assert location.tolerance == pytest.approx(0.8 * location.sd)
    assert not opened(run(panes_of(daily(1, 0.35))).steps)
    assert "amount|location|" in opened(run(panes_of(np.full(96, 1.0))).steps)


def test_after_a_day_what_production_does_is_its_noise_and_small_changes_of_a_quiet_one_count() -> None:
    shift = np.concatenate([np.zeros(192), np.full(96, 0.4)])
    assert "amount|location|" in opened(run(panes_of(shift)).steps, since=2)


def test_a_season_is_learned_in_five_days_and_then_a_shift_on_top_of_it_is_found_at_once() -> None:
    season = daily(8, 0.6)
    quiet = run(panes_of(season))
    assert not opened(quiet.steps, since=5)
    offsets = quiet.watch.detection.baseline.season(np.array([MONDAY + 6 * HOUR, MONDAY + 18 * HOUR]))
    location = next(s for s in MODEL.contrasts.series if s.name == "location").index
    assert offsets[:, location] == pytest.approx([0.15, -0.15], abs=0.03)
    season[6 * 96 + 40 :] += 0.5
    found = [s for s in run(panes_of(season)).steps if s.event == "opened" and s.at > MONDAY + 5 * DAY]
    onset = MONDAY + 6 * DAY + 40 * QUARTER
    assert found[0].series.key == "amount|location|"
    assert onset < found[0].at <= onset + 3 * HOUR
    assert abs(found[0].evidence.onset - onset) <= QUARTER


def test_an_alert_says_up_to_when_its_baseline_was_learned() -> None:
    season = daily(8, 0.6)
    season[6 * 96 + 40 :] += 0.5
    dress = renderer_of([MODEL], EventRun(mode="backtest", run_id="r"))
    events = [dress(Raised(MODEL.subject, step)) for step in run(panes_of(season)).steps]
    late = [e for e in events if e.event == "opened" and e.startsAt > "2026-01-11"]
    assert late[0].detail.baseline == "2026-01-11T00:00:00Z"
    first = next(dress(Raised(MODEL.subject, step)) for step in run(panes_of(np.full(96, 1.0))).steps)
    assert first.detail.baseline is None


def test_the_level_stays_the_profiles() -> None:
    steps = run(panes_of(np.full(20 * 96, 1.0))).steps
    location = [s.event for s in steps if s.series.key == "amount|location|"]
    assert location[0] == "opened"
    assert "resolved" not in location


def test_a_day_with_an_alert_on_a_rate_teaches_nothing() -> None:
    clean = run(panes_of(daily(8, 0.3)))
    struck = run(panes_of(daily(8, 0.3), missing=range(300, 310)))
    days = [r.watch.detection.baseline.version.days[0] for r in (clean, struck)]
    assert days == [7.0, 6.0]


def test_before_a_season_is_known_a_daily_alert_does_not_keep_it_from_being_learned() -> None:
    steps = run(panes_of(daily(10, 0.8)))
    assert opened(steps.steps)
    assert steps.watch.detection.baseline.version.days[0] == 9.0
    assert not opened(steps.steps, since=6)


def test_what_lies_off_for_more_than_a_day_is_no_season() -> None:
    shift = np.concatenate([np.zeros(96), np.full(3 * 96, 1.5), np.zeros(96)])
    assert run(panes_of(shift)).watch.detection.baseline.version.days[0] == 1.0


def test_the_short_window_is_held_against_production_once_it_has_told_of_two_days() -> None:
    watch = run(panes_of(daily(4, 0.3))).watch
    series = next(s for s in watch.detection.baseline.series if s.name == "psi_6h")
    profile = next(s for s in MODEL.contrasts.series if s.name == "psi_6h")
    assert series.reference_n > 2 * 96 * EVENTS > profile.reference_n
    assert series.tolerance < profile.tolerance


def test_noise_of_hours_and_more_is_what_profile_build_measures_of_the_same_panes() -> None:
    rng = np.random.default_rng(3)
    starts = MONDAY + QUARTER * np.arange(20 * 96, dtype=np.int64)
    wander = np.convolve(rng.standard_normal(len(starts) + 40), np.ones(41) / 41, "valid")
    values = (0.5 + 0.1 * wander + 0.01 * rng.standard_normal(len(starts)))[:, None]
    panes = Panes.of(starts, values, np.full((len(starts), 1), EVENTS))
    sd, none = np.array([0.29]), np.array([False])
    hours = Panes(starts[::4], panes.sums.reshape(-1, 4, 1).sum(axis=1), panes.n.reshape(-1, 4, 1).sum(axis=1))
    days = starts[::96] - starts[::96] % DAY
    moved = np.zeros((20, 1, 6, 1))
    for row, inside in completed(np.append(starts, starts[-1] + QUARTER), HOUR):
        part = movement(panes.n[inside], panes.sums[inside], 1, np.zeros(1), sd)
        moved[(row - MONDAY) // DAY, 0] += np.stack(part)
    clean = np.ones((20, 1), np.bool_)
    found = learn(hours, HOUR, (days, moved), told=np.zeros(1), clean=clean, sd=sd, pane_length=QUARTER)
    wanted = {s.length: s for s in scale_noise(panes, residuals(panes, QUARTER, seasonal=none), QUARTER, sd)[0]}
    assert found.lengths == (QUARTER, HOUR, 3 * HOUR, 15 * HOUR, 90 * HOUR)[: len(found.lengths)]
    for length, name in ((QUARTER, "15m"), (15 * HOUR, "15h")):
        spread, profile = found.spreads[found.lengths.index(length)], wanted[name]
        assert float(spread.variance[0]) == pytest.approx(profile.variance, rel=0.02)
        assert float(spread.events[0]) == pytest.approx(profile.events)
        assert float(spread.windows[0]) == profile.windows
    assert float(found.spreads[0].dof[0]) == pytest.approx(wanted["15m"].dof, rel=0.1)


@given(cuts=st.lists(st.integers(1, 12 * 96 - 1), max_size=8, unique=True), restart=st.integers(1, 12 * 96 - 1))
@settings(max_examples=8)
def test_blocks_and_restarts_change_nothing(cuts: list[int], restart: int) -> None:
    shift = daily(12, 0.6)
    shift[700:760] += 1.2
    panes = panes_of(shift, missing=range(500, 505))
    whole = run(panes)
    watch, fields, steps = SubjectWatch(watch_plan(MODEL)), {}, []
    bounds = sorted({0, restart, *cuts, len(panes)})
    for begin, end in pairwise(bounds):
        if begin == restart:
            watch = SubjectWatch(watch_plan(MODEL))
            watch.restore(fields)
        steps += watch.advance(panes[begin:end])
        _checkpoint(watch, fields)
    told = [
        [(s.at, s.event, s.series.key, s.evidence.onset, s.evidence.before) for s in of] for of in (whole.steps, steps)
    ]
    assert told[0] == told[1]
    stored: dict[str, bytes] = {}
    _checkpoint(whole.watch, stored)
    assert fields == {name: stored[name] for name in fields}


def _checkpoint(watch: SubjectWatch, fields: dict[str, bytes]) -> None:
    fresh, gone = watch.changes()
    fields.update(fresh)
    for name in gone:
        fields.pop(name, None)


@given(data=st.data())
@settings(max_examples=150)
def test_damaged_state_is_refused_or_harmless(data: st.DataObject) -> None:
    fields = dict(STORED)
    name = data.draw(st.sampled_from([n for n in fields if n.split("/")[0] in PARTS]))
    value = bytearray(fields[name])
    for _ in range(data.draw(st.integers(1, 4))):
        match data.draw(st.sampled_from(["flip", "cut", "grow", "fill"])):
            case "flip" if value:
                value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
            case "cut":
                del value[data.draw(st.integers(0, len(value))) :]
            case "grow":
                value += data.draw(st.binary(min_size=1, max_size=16))
            case _:
                value = bytearray(data.draw(st.sampled_from([b"\xff", b"\x7f\xf0"])) * (len(value) // 2 + 1))
    fields[name] = bytes(value)
    watch = SubjectWatch(watch_plan(MODEL))
    try:
        watch.restore(fields)
    except StateError:
        return
    later = [replace(pane, start=pane.start + 6 * DAY) for pane in panes_of(daily(2, 0.3))]
    with np.errstate(all="ignore"):
        watch.advance(later)


PARTS = {"hourly", "within", "cells", "spoiled", "baseline"}
STORED: dict[str, bytes] = {}
_checkpoint(run(panes_of(daily(6, 0.3), missing=range(100, 104))).watch, STORED)


def test_rows_without_times_on_either_side_have_no_hours() -> None:
    location = next(s for s in by_rows(MODEL).contrasts.series if s.name == "location")
    assert location.tolerance == pytest.approx(0.2 * location.sd)
    assert by_rows(model_of(timed=True)).contrasts.layout.told_days < 1
