"""`models[].minimum_effect`: how small a change may be that is worth an alert."""

from __future__ import annotations

import numpy as np
import pytest

from driftgauge.alerts.watch import SubjectWatch
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import by_rows, model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.merge import Pane
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import NumericColumn

START, QUARTER = 1_767_571_200_000, 15 * 60_000
SETTINGS = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})


@pytest.fixture(scope="module")
def profile() -> Profile:
    values = np.random.default_rng(7).standard_normal(10_000)
    reference = Reference(
        ["r"], START + 1000 * np.arange(10_000, dtype=np.int64), {"amount": NumericColumn(values)}, timed=False
    )
    return build_profile(reference, model_id="m", model_version="1").profile


def model(profile: Profile, minimum_effect: float = 1.0) -> Model:
    return model_of(profile, SETTINGS, pane_length=QUARTER, budget=1.0, minimum_effect=minimum_effect)


def run(of: Model, days: int, shift: float) -> tuple[SubjectWatch, list[str]]:
    """A shift of so many sd in the last day; the keys of what was opened then."""
    rng, slot, panes = np.random.default_rng(1), of.layout.slots[0], []
    for i in range(96 * days):
        counts = np.zeros(of.layout.size, np.int64)
        values = rng.standard_normal(600) + (shift if i >= 96 * (days - 1) else 0.0)
        counts[: slot.spec.bins] = np.bincount(
            np.searchsorted(np.array(slot.spec.edges), values), minlength=slot.spec.bins
        )
        panes.append(Pane(of.subject, of.layout.profile_hash, START + i * QUARTER, QUARTER, counts, 600, {}))
    watch = SubjectWatch(watch_plan(of))
    steps = watch.advance(panes)
    return watch, [step.series.key for step in steps if step.event == "opened"]


def test_all_tolerances_are_so_many_times_what_they_were(profile):
    plain, doubled = model(profile), by_rows(model(profile, 2.0))
    pairs = list(zip(by_rows(plain).contrasts.series, doubled.contrasts.series, strict=True))
    assert [d.tolerance for _, d in pairs] == [2 * p.tolerance for p, _ in pairs]


def test_only_another_one_makes_other_alert_ids(profile):
    assert model(profile).analysis == model_of(profile, SETTINGS, pane_length=QUARTER, budget=1.0).analysis
    assert model(profile, 2.0).analysis != model(profile).analysis


def test_what_production_teaches_is_multiplied_too(profile):
    plain, doubled = (run(model(profile, times), 3, 0.0)[0].detection.baseline.series for times in (1.0, 2.0))
    taught = [(p.tolerance, d.tolerance) for p, d in zip(plain, doubled, strict=True) if p.baseline is not None]
    assert len(taught) >= 2
    assert [d for _, d in taught] == pytest.approx([2 * p for p, _ in taught])


@pytest.mark.parametrize(("minimum_effect", "found"), [(0.5, True), (1.0, True), (4.0, False)])
def test_a_change_below_it_is_not_told(profile, minimum_effect, found):
    _, opened = run(model(profile, minimum_effect), 4, 0.5)
    assert ("amount|location|" in opened) == found
