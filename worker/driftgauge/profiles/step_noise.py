"""How far the mean over some panes lay from that over the panes just before, in the reference.

A slow wander that makes an hour's level uncertain hardly shows between two neighbouring quarters of an hour: what a
step stands out from is much less than what a level does. All series at once: arrays are [P, S], P panes by S series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from driftgauge.durations import format_duration
from driftgauge.profiles.profile import StepNoise
from driftgauge.profiles.scale_noise import (
    DAY,
    MIN_WINDOWS,
    Floats,
    Ints,
    Panes,
    degrees_of_freedom,
    excess_kurtosis,
)
from driftgauge.profiles.season import HOUR

# Panes after a step and before it; the first looks for what shows in a pane or two.
STEPS = ((2, 15), (15, 15), (30, 30), (120, 120))
SHORTEST = 2
# Panes that reach over more time than this many times their number are no neighbours.
MOST_STRETCH = 1.5


def step_noise(panes: Panes, deviations: Floats, pane: int, sd: Floats) -> list[list[StepNoise]]:
    """Per series, one entry for each of STEPS of which the reference holds at least eight.

    None for panes from an hour on. `deviations` float64 [P, S]: n times what is left of each pane's value without the
    season. `pane` ms; `sd` float64 [S]: of one event. The means after the steps don't overlap.
    """
    found: list[list[StepNoise]] = [[] for _ in sd]
    if pane >= HOUR:
        # Two days against the fortnight before are no neighbours: they are a weekend, or a holiday.
        return found
    for after, before in STEPS:
        first = np.arange(before, len(panes.starts) - after + 1, after)
        whole = panes.starts[first + after - 1] - panes.starts[first - before] + pane
        first = first[whole <= MOST_STRETCH * (after + before) * pane]
        if len(first) < MIN_WINDOWS:
            continue
        for series, noise in enumerate(_measured(panes, deviations, first, after, before, sd)):
            windows, variance, events, dof, kurtosis = (float(x) for x in noise)
            if windows >= MIN_WINDOWS:
                found[series].append(
                    StepNoise(
                        length=format_duration(after * pane),
                        before=format_duration(before * pane),
                        windows=int(windows),
                        variance=variance,
                        events=events,
                        dof=dof,
                        kurtosis=kurtosis,
                    )
                )
    return found


class Steps(NamedTuple):
    """W steps, float64 [W, S] each, 0 where a series has no events on one side.

    `step`: difference of the means; `inverse`: 1 / n1 + 1 / n2; `robust`: the step as the detector takes it, without
    the most extreme panes.
    """

    step: Floats
    inverse: Floats
    robust: Floats

    def in_noise(self, wander: Floats, sd: Floats) -> Floats:
        """The robust ones in units of their noise, of a wander's variance and sd of one event, float64 [S]."""
        noise = np.where(self.inverse > 0, wander + sd**2 * self.inverse, 0.0)
        return np.divide(self.robust, np.sqrt(noise), out=np.zeros(noise.shape), where=noise > 0)


def steps_of(n: Floats, sums: Floats, first: Ints, after: int, before: int) -> Steps:
    """Steps whose second part begins at the panes `first` of panes with `n` events and `sums` of values, [P, S]."""
    n_after, n_before = _sums(n, first, after), _sums(n, first - before, before)
    known = (n_after > 0) & (n_before > 0)
    ahead, behind = np.maximum(n_after, 1), np.maximum(n_before, 1)
    level = _sums(sums, first - before, before) / behind
    step = np.where(known, _sums(sums, first, after) / ahead - level, 0.0)
    inverse = np.where(known, 1 / ahead + 1 / behind, 0.0)
    extreme = _most_extreme(n, sums, first, after, level) / ahead if after > SHORTEST else 0.0
    return Steps(step, inverse, np.where(known, step - extreme, 0.0))


def _measured(panes: Panes, deviations: Floats, first: Ints, after: int, before: int, sd: Floats) -> Floats:
    """Float64 [S, 5]: windows, variance, events, dof, kurtosis of the steps whose second part begins at `first`."""
    steps = steps_of(panes.n, deviations, first, after, before)
    known = steps.inverse > 0
    windows = known.sum(axis=0).astype(np.float64)
    many = np.maximum(windows, 1)
    variance, sampling = (steps.step**2).sum(axis=0) / many, steps.inverse.sum(axis=0) / many
    dof = degrees_of_freedom(steps.step**2, known, (panes.starts[first] - panes.starts[0]) // DAY)
    x = steps.in_noise(np.maximum(0.0, variance - sd**2 * sampling), sd)
    kurtosis = excess_kurtosis((x**2).sum(axis=0) / many, (x**4).sum(axis=0) / many, dof)
    events = np.divide(1.0, sampling, out=np.zeros(len(sd)), where=sampling > 0)
    return np.stack([windows, variance, events, dof, kurtosis], axis=1)


def _sums(values: Floats, first: Ints, width: int) -> Floats:
    """Sums over `width` panes from each of `first` on; float64 [W, S]."""
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray(running[first + width] - running[first], np.float64)


def _most_extreme(n: Floats, deviations: Floats, first: Ints, width: int, level: Floats) -> Floats:
    """What the pane that goes furthest in either direction adds to each window, and the one in the other, [W, S]."""
    off = deviations[first] - n[first] * level
    highest, lowest = off.copy(), off.copy()
    for i in range(1, width):
        off = deviations[first + i] - n[first + i] * level
        np.maximum(highest, off, out=highest)
        np.minimum(lowest, off, out=lowest)
    return np.asarray(highest + lowest, np.float64)
