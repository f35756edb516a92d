"""How single panes and short windows of them move within their hour: what rows of an hour can't tell.

The mean square of a pane's deviation from its level is that of its hour's mean plus that from the hour's mean, and the
second part needs no level that is known only later. So a few sums a day are enough, exact in any split into blocks.
The same sums over steps between neighbouring windows of an hour say how far those lie apart; its season counts as
theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.rows import row_length
from driftgauge.profiles.scale_noise import SCALES, robust
from driftgauge.profiles.step_noise import STEPS, steps_of

Floats = NDArray[np.float64]


def short_scales(pane_length: int) -> tuple[int, ...]:
    """The scales (in panes) that are shorter than a row; none where a pane is a row."""
    return tuple(w for w in SCALES if w * pane_length < row_length(pane_length))


def short_steps(pane_length: int) -> tuple[tuple[int, int], ...]:
    """Those of STEPS (in panes) that find room within a row."""
    return tuple(
        (after, before) for after, before in STEPS if (after + before) * pane_length <= row_length(pane_length)
    )


class Movement(NamedTuple):
    """Sums over windows of one scale, or steps between such, float64 [V] each.

    `windows`: how many; `squares`: of their means' deviations from the mean of their row's; `inverse`: 1 / events.
    `robust`: windows as the detector takes them (see `scale_noise.robust`), with `second` and `fourth` powers of their
    deviations, in units of their noise.
    """

    windows: Floats
    squares: Floats
    inverse: Floats
    robust: Floats
    second: Floats
    fourth: Floats


def movement(n: Floats, sums: Floats, scale: int, wander: Floats, sd: Floats) -> Movement:
    """Of one row's panes: `n`, `sums` float64 [P, V] are events and sums of values.

    `wander`, `sd` float64 [V]: variance of such a mean beyond sampling as far as it was known, and sd of one event.
    """
    windows, series = len(n) // scale, n.shape[1]
    nothing = Movement(*(np.zeros(series) for _ in Movement._fields))
    if windows < 2:
        return nothing
    events = n[: windows * scale].reshape(windows, scale, series)
    summed = sums[: windows * scale].reshape(windows, scale, series)
    held = events.sum(axis=1)
    known = held > 0
    means = np.divide(summed.sum(axis=1), held, out=np.zeros(held.shape), where=known)
    count = known.sum(axis=0).astype(np.float64)
    level = means.sum(axis=0) / np.maximum(count, 1)
    inverse = np.divide(1.0, held, out=np.zeros(held.shape), where=known)
    squares = (np.where(known, means - level, 0.0) ** 2).sum(axis=0)
    if windows < 4:
        return nothing._replace(windows=count, squares=squares, inverse=inverse.sum(axis=0))
    x, told = robust(summed - events * level, events, wander, sd)
    many = told.sum(axis=0)
    deviation = np.where(told, x - x.sum(axis=0, where=told) / np.maximum(many, 1), 0.0)
    return Movement(
        count,
        squares,
        inverse.sum(axis=0),
        many.astype(np.float64),
        (deviation**2).sum(axis=0),
        (deviation**4).sum(axis=0),
    )


def step_movement(n: Floats, sums: Floats, step: tuple[int, int], wander: Floats, sd: Floats) -> Movement:
    """The same of the steps within one row: `squares` are theirs, `inverse` is 1 / n1 + 1 / n2 of the events."""
    after, before = step
    first = np.arange(before, len(n) - after + 1, after)
    if not len(first):
        return Movement(*(np.zeros(n.shape[1]) for _ in Movement._fields))
    steps = steps_of(n, sums, first, after, before)
    count = (steps.inverse > 0).sum(axis=0).astype(np.float64)
    x = steps.in_noise(wander, sd)
    squares, inverse = (steps.step**2).sum(axis=0), steps.inverse.sum(axis=0)
    return Movement(count, squares, inverse, count, (x**2).sum(axis=0), (x**4).sum(axis=0))
