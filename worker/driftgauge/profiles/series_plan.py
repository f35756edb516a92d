"""Which series a layout has, and what the reference says of each: its level, its spread, its tolerance.

Of a categorical field, the shares of its most frequent categories and of all its rarer ones together: a category that
vanishes, is renamed or stuck, or two that are swapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.mid_pit import FIXED_POINT, weights
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PsiNoise,
    RepeatNoise,
    SeriesNoise,
    psi_noise_of,
    repeat_noise_of,
)
from driftgauge.profiles.repeats import repeats_in_a_pool
from driftgauge.profiles.series import Kind, Series, noise_key
from driftgauge.profiles.windows import day_against_baseline, window_lengths

# Smallest excess over the reference rate that is worth an alert (statistics: one or half a percentage point).
RATE_TOLERANCE = {"missing": 0.01, "invalid": 0.005, "unseen": 0.01, "out_of_range": 0.005}
VALUE_TOLERANCE_SD = 0.2
# While nothing is known of how values move within a day, a season of the usual size is no news.
UNKNOWN_DAY_TOLERANCE_SD = 0.8
UNKNOWN_DAY_PSI = 0.5
# A feature's share moves by a point at least: of a category of less than .25 %, .2 sd would be less. Not so for
# predicted classes, where the rare one may be what the model is for.
SHARE_TOLERANCE = 0.01
# The PSI that counts as no drift. Where enough reference windows were measured, their wander is part of the noise and
# .02 (a shift of .14 sd) is far below what half a sd gives (.25). Without any, nothing says how much a field wanders
# by itself, and .1 stands in. A few windows can't give a variance to test with, but a field that moved by more than .1
# within its own reference has to move by more than that to be worth an alert.
PSI_TOLERANCE = 0.1
PSI_TOLERANCE_MEASURED = 0.02
PSI_WINDOWS = 20
# Against production's own days: a shift of .22 sd, about what is asked of values. How these days wander is part of the
# noise, and a day is one number of it: two weeks of them are the least that tells how far the days of a week lie apart.
PSI_TOLERANCE_BASELINE = 0.05
BASELINE_DAYS = 14
SHARES = 5
# Repeats are worth an alert from what values give that come from no more than a hundred, all equally frequent.
REPEATS_POOL = 100
# Where values repeat together, as a client's do that comes several times, they do so the more among as many events the
# fewer other clients come: this many times over when traffic falls to a fifth. (What repeats anywhere doesn't.)
REPEATS_TOGETHER = 5
# Of which events an indicator is the share: 0 all, 1 those where the field is present, 2 those where it is also valid.
BASES = {"missing": 0, "invalid": 1, "unseen": 2, "out_of_range": 2, "share": 2}


class Plan(NamedTuple):
    """A series to be.

    `cell` within the slot whose share it is, where it is one cell's; `repeats`: what repeats are held against.
    """

    name: str
    kind: Kind
    category: str | None = None
    cell: int = 0
    repeats: RepeatNoise | None = None


def plans(layout: Layout, pane_length: int) -> list[tuple[Slot, Plan]]:
    """All series of a layout for panes of `pane_length` ms, in their order, with the slot of each."""
    planned = []
    for slot in layout.slots:
        planned += [(slot, plan) for plan in _plans(slot, pane_length)]
        repeats = repeat_noise_of(slot.spec, pane_length) if slot in layout.repeats else None
        if repeats is not None:
            planned.append((slot, Plan("repeated", "rate", repeats=repeats)))
    return planned


def _plans(slot: Slot, pane_length: int) -> Iterator[Plan]:
    spec = slot.spec
    numeric = isinstance(spec, NumericField)
    for name in ("missing", "invalid", "out_of_range") if numeric else ("missing", "invalid", "unseen"):
        cell = slot.cell("below" if name == "out_of_range" else name) - slot.start
        yield Plan(name, "rate", None, cell)
    if isinstance(spec, CategoricalField):
        yield from _shares(spec)
    elif spec.bins > 1:
        yield Plan("location", "value")
        yield Plan("spread", "value")
    # Of two classes the share says all that PSI could.
    if slot.role != "label" or spec.bins > 2:
        lengths = window_lengths(pane_length)
        for length in lengths:
            yield Plan(f"psi_{format_duration(length)}", "window")
        if len(lengths) > 1 and spec.bins > 1:
            yield Plan(day_against_baseline(), "window")


def _shares(spec: CategoricalField) -> Iterator[Plan]:
    """The shares of the most frequent categories, and of the rarer ones together where the reference has any.

    The shares of two categories mirror each other: the rarer one tells all. That of a single one tells what the rate of
    unseen values does, or the rarer ones.
    """
    ranked = sorted(range(spec.bins), key=lambda cell: (-spec.counts[cell], cell))
    shown = ranked[1:] if spec.bins <= 2 else ranked[:SHARES]
    names = spec.cell_names
    for cell in shown:
        yield Plan("share", "value", names[cell], cell)
    if spec.counts[spec.bins]:
        yield Plan("share", "value", other_name(spec), spec.bins)


def other_name(spec: CategoricalField) -> str:
    """What the share of all rarer categories goes by: `other`, in brackets if that is a category itself."""
    name, taken = "other", set(spec.cell_names[: spec.bins])
    while name in taken:
        name = f"({name})"
    return name


_PREFIX = {"feature": "", "score": "score_", "label": "prediction_"}


def series_of(index: int, slot: Slot, plan: Plan, *, days_known: bool) -> Series:
    """The series that was planned, number `index` of them; `days_known` as in `value_tolerance`."""
    spec = slot.spec
    shown = "predicted_share" if plan.name == "share" and slot.role == "label" else _PREFIX[slot.role] + plan.name
    feature = slot.name if slot.role == "feature" else None
    if plan.name == day_against_baseline():
        return Series(index, shown, "window", slot, feature, None, 0.0, 0.0, 0, PSI_TOLERANCE_BASELINE, None)
    if plan.kind == "window":
        valid = sum(spec.counts[: spec.bins + (0 if isinstance(spec, NumericField) else 1)])
        tolerance = psi_tolerance(psi_noise_of(spec, plan.name.removeprefix("psi_")), days_known=days_known)
        return Series(index, shown, "window", slot, feature, None, 0.0, 0.0, valid, tolerance, None)
    if plan.repeats is not None:
        return _repeated(index, slot, plan.repeats)
    n, mean, sd = _reference(slot, plan)
    noise = spec.noise.get(noise_key(plan.name, plan.category))
    rate = RATE_TOLERANCE.get(plan.name)
    tolerance = value_tolerance(shown, sd, days_known=days_known) if rate is None else rate
    return Series(index, shown, plan.kind, slot, feature, plan.category, mean, sd, n, tolerance, noise)


def _repeated(index: int, slot: Slot, noise: RepeatNoise) -> Series:
    """Its events are those drawn from a pane in whole groups, which hold as many wherever they come from."""
    together = max(0.0, noise.mean - noise.anywhere)
    often = 1 - (1 - together) ** (REPEATS_TOGETHER * noise.busier)
    tolerance = max(repeats_in_a_pool(REPEATS_POOL, noise.among), often - together)
    moved = SeriesNoise(
        length=noise.length,
        panes=noise.panes,
        mean=noise.mean,
        variance=noise.variance,
        lag1=noise.lag1,
        mean_n=noise.mean_n,
    )
    sd = math.sqrt(noise.mean * (1 - noise.mean))
    return Series(
        index,
        "repeated",
        "rate",
        slot,
        slot.name,
        None,
        noise.mean,
        sd,
        noise.drawn,
        tolerance,
        moved,
        among=noise.among,
    )


def _reference(slot: Slot, plan: Plan) -> tuple[int, float, float]:
    """Events of the reference behind a series, its level there, and the sd of one event's contribution."""
    spec, base = slot.spec, BASES.get(plan.name, 2)
    left_out = [slot.cell(name) - slot.start for name in ("missing", "invalid")[:base]]
    n = sum(spec.counts) - sum(spec.counts[cell] for cell in left_out)
    if not n:
        return 0, 0.0, 0.0
    if plan.name in BASES:
        hits = sum(spec.counts[cell] for cell in _cells(slot, plan))
        second = mean = hits / n
        if plan.name == "share" and hits in (0, n):
            # A segment may have none of a category, or nothing else. Its share is known to one event in n.
            return n, mean, math.sqrt(1 / n - 1 / n**2)
    else:
        counts, weight = np.array(spec.counts, np.int64), weights(spec, plan.name)
        mean = int((counts * weight).sum()) / (n * FIXED_POINT)
        second = float((counts * (weight / FIXED_POINT) ** 2).sum()) / n
    return n, mean, math.sqrt(max(second - mean * mean, 0.0))


def _cells(slot: Slot, plan: Plan) -> list[int]:
    above = [slot.cell("above") - slot.start] if plan.name == "out_of_range" else []
    return [plan.cell, *above]


def value_tolerance(name: str, sd: float, *, days_known: bool) -> float:
    """Smallest effect worth an alert of a value series.

    `days_known`: how it moves within a day is part of what is known as its noise or its season.
    """
    least = SHARE_TOLERANCE if name == "share" else 0.0
    return max(least, (VALUE_TOLERANCE_SD if days_known else UNKNOWN_DAY_TOLERANCE_SD) * sd)


def psi_tolerance(noise: PsiNoise | None, *, days_known: bool) -> float:
    """PSI that counts as no drift, given what windows of the reference showed; `days_known`: see `value_tolerance`."""
    if not days_known:
        return UNKNOWN_DAY_PSI
    if noise is None:
        return PSI_TOLERANCE
    if noise.windows >= PSI_WINDOWS:
        return PSI_TOLERANCE_MEASURED
    return max(PSI_TOLERANCE, noise.mean + 3 * math.sqrt(noise.variance))
