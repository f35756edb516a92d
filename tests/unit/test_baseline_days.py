"""The day's window against production's own days: what the profile's doesn't show, told once, and from when on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.transition import Transition
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.engine import Model, default_model, watch_plan
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
    return SubjectWatch(watch_plan(model)).advance(panes_of(comb, missing, model))


def day_of(step: Transition) -> float:
    return (step.at - MONDAY) / DAY


def told(steps: Sequence[Transition]) -> list[tuple[str, str]]:
    return [(step.event, step.series.key) for step in steps if step.event in ("opened", "resolved")]


# .06 from the reference on both sides of it, hence .24 from each other.
SKEW = course((20.5, -0.24), (4, 0.24))


def test_a_drift_from_one_side_of_the_reference_to_the_other_is_told_by_it_alone() -> None:
    steps = run(SKEW)
    assert told(steps) == [("opened", KEY)]
    opened = steps[0]
    assert 21.5 < day_of(opened) < 22.2
    assert opened.evidence.onset_earliest <= MONDAY + 20.5 * DAY <= opened.evidence.onset
