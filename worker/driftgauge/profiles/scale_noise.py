"""How far means over windows of panes lie from where the *rest* of the reference says they should be.

The variance of single panes doesn't tell that of an hour's mean: wander that lasts averages out slowly or not at all.
So it is measured at several scales. It is also measured out of sample, because what is judged later is out of sample:
deviations from a level that the same data gave are too small, the more so the longer the window. All series at once:
arrays are [P, S], P panes or rows by S series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.profile import ScaleNoise
from driftgauge.profiles.season import held_out_levels, summed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SCALES = (1, 15, 60, 360)
MIN_WINDOWS = 8
DAY = 86_400_000
WEEK = 7 * DAY
# Days from which the variance of a variance between days is told at all.
_MIN_DAYS = 5


class Panes(NamedTuple):
    """Non-empty panes, or rows of several: `starts` int64 [P] ms, `sums` of values and `n` events float64 [P, S].

    Both are 0 where a series has no value.
    """

    starts: Ints
    sums: Floats
    n: Floats

    @classmethod
    def of(cls, starts: Ints, values: Floats, n: NDArray[np.float64 | np.int64]) -> Panes:
        """From mean values [P, S], NaN where there is none."""
        events = np.where((n > 0) & np.isfinite(values), n, 0.0)
        return cls(starts, events * np.where(events > 0, values, 0.0), events)


class Residuals(NamedTuple):
    """`sums` float64 [P, S]: n times (value less held-out level), 0 where none is known; `held_out`: whether it was."""

    sums: Floats
    held_out: bool


class WindowSpread(NamedTuple):
    """How the means of W windows lie about their level, float64 [S]; see `ScaleNoise` for what each is.

    `windows`: those that tell; series with none have zeros.
    """

    windows: Floats
    variance: Floats
    events: Floats
    dof: Floats
    kurtosis: Floats


def scale_noise(panes: Panes, rest: Residuals, pane: int, sd: Floats) -> list[list[ScaleNoise]]:
    """Per series, noise of the means over 1, 15, 60 and 360 panes of `pane` ms; scales of at least eight windows.

    Windows don't overlap and hold consecutive non-empty panes. `rest`: of these panes. `sd` float64 [S]: of one event.
    No way of measuring finds wander in rows whose order is random.
    """
    deviations, held_out = rest
    found: list[list[ScaleNoise]] = [[] for _ in sd]
    for scale in SCALES:
        windows = len(panes.starts) // scale
        if windows < MIN_WINDOWS:
            break
        shape = (windows, scale, len(sd))
        starts = panes.starts[: windows * scale : scale]
        spread = spread_of(
            deviations[: windows * scale].reshape(shape),
            panes.n[: windows * scale].reshape(shape),
            (starts - panes.starts[0]) // DAY,
            sd,
            held_out=held_out,
        )
        for series, told in enumerate(zip(*spread, strict=True)):
            if told[0] >= MIN_WINDOWS:
                length = format_duration(scale * pane)
                found[series].append(as_noise(length, WindowSpread(*told)))
    return found


def as_noise(length: str, told: WindowSpread) -> ScaleNoise:
    """One series' as it stands in a profile."""
    windows, variance, events, dof, kurtosis = (float(x) for x in told)
    return ScaleNoise(length=length, windows=int(windows), variance=variance, events=events, dof=dof, kurtosis=kurtosis)


def residuals(panes: Panes, pane: int, *, seasonal: Bools) -> Residuals:
    """Deviations from the mean of all events outside a pane's week (leave one week out).

    Outside its day, where the panes (of `pane` ms) span two days but not two weeks; else from the mean of all. With few
    weeks the level itself is uncertain, and this way the residuals say so. `seasonal` bool [S]: from the mean at the
    same hour of the week, as the season is known and taken off.
    """
    blocks, held_out = _held_out(panes.starts, pane)
    level = held_out_levels(panes.starts, panes.sums, panes.n, blocks, seasonal=seasonal)
    return Residuals(np.where(np.isfinite(level), panes.sums - panes.n * np.nan_to_num(level), 0.0), held_out)


def _held_out(starts: Ints, pane: int) -> tuple[Ints, bool]:
    """The week or day that each pane is left out with, and whether there is more than one."""
    since = starts - starts[0]
    span = int(since[-1]) + pane
    unit = WEEK if span >= 2 * WEEK else DAY
    whole = span // unit
    if whole < 2:
        return np.zeros(len(starts), np.int64), False
    # The rest of a week belongs to the last one: a level over some hours would be held against the others' in vain.
    return np.minimum(since // unit, whole - 1), True


def spread_of(deviations: Floats, events: Floats, days: Ints, sd: Floats, *, held_out: bool) -> WindowSpread:
    """Of W windows: `deviations`, `events` float64 [W, scale, S] are n times residual, and n, of each pane of each.

    `days` int64 [W]: the day in which each window starts. `sd` float64 [S]: of one event.
    """
    n = events.sum(axis=1)
    known = n > 0
    windows = known.sum(axis=0).astype(np.float64)
    residual = np.divide(deviations.sum(axis=1), n, out=np.zeros(n.shape), where=known)
    squares = residual**2
    variance = squares.sum(axis=0) / np.maximum(windows if held_out else windows - 1, 1)
    inverse = np.divide(1.0, n, out=np.zeros(n.shape), where=known).sum(axis=0) / np.maximum(windows, 1)
    dof = degrees_of_freedom(squares, known, days)
    wander = np.maximum(0.0, variance - sd**2 * inverse)
    return WindowSpread(
        windows,
        variance,
        np.divide(1.0, inverse, out=np.zeros(len(sd)), where=inverse > 0),
        dof,
        _excess(*robust(deviations, events, wander, sd), dof),
    )


def degrees_of_freedom(squares: Floats, known: Bools, days: Ints) -> Floats:
    """Of a mean of squares [W, S], from how it differs between days (Satterthwaite 1946); float64 [S].

    Windows that follow each other in a slow wander tell less than as many independent ones; a season that repeats
    itself every day tells no less.
    """
    _, day = np.unique(days, return_inverse=True)
    size = int(day.max()) + 1
    held = summed(day, known.astype(np.float64), size)
    daily = np.divide(summed(day, squares, size), held, out=np.zeros(held.shape), where=held > 0)
    return degrees_of_freedom_by_day(daily, held)


def degrees_of_freedom_by_day(daily: Floats, windows: Floats) -> Floats:
    """The same from the mean squares of D days, float64 [D, S], and the windows behind each of them."""
    whole = windows.sum(axis=0)
    most = np.maximum(whole - 1.0, 1.0)
    mean = (daily * windows).sum(axis=0) / np.maximum(whole, 1)
    told = (windows > 0).sum(axis=0)
    spread = ((windows / np.maximum(whole, 1) * (daily - mean)) ** 2).sum(axis=0) * told / np.maximum(told - 1, 1)
    by_days = np.divide(2 * mean**2, spread, out=most.copy(), where=spread > 0)
    few = (told < _MIN_DAYS) | (mean == 0)
    return np.asarray(np.where(few, most, np.minimum(most, np.maximum(1.0, by_days))))


def robust(deviations: Floats, events: Floats, wander: Floats, sd: Floats) -> tuple[Floats, Bools]:
    """Window residuals as the detector takes them, in units of their own noise, [.., S], and which of them are known.

    Without the most extreme pane either way; medians of three of single panes. Windows that hold few events lie further
    off; that alone would make tails heavy in which no wander is.
    """
    n = events.sum(axis=1)
    if deviations.shape[1] > 1:
        known = n > 0
        kept = deviations.sum(axis=1) - deviations.max(axis=1) - deviations.min(axis=1)
        x = np.divide(kept, n, out=np.zeros(n.shape), where=known)
    else:
        # A median of three panes is nearly as good as the mean of two. Panes without events are passed over.
        order = np.argsort(n == 0, axis=0, kind="stable")
        n = np.take_along_axis(n, order, axis=0)
        told = np.take_along_axis(deviations[:, 0], order, axis=0)
        means = np.divide(told, n, out=np.zeros(n.shape), where=n > 0)
        x = np.median(np.lib.stride_tricks.sliding_window_view(means, 3, axis=0), axis=-1)
        known = n[2:] > 0
        n = np.lib.stride_tricks.sliding_window_view(n, 3, axis=0).mean(axis=-1)
    noise = wander + sd**2 / np.maximum(n, 1e-9)
    known = known & (noise > 0)
    return np.divide(x, np.sqrt(noise), out=np.zeros(x.shape), where=known), known


def _excess(x: Floats, known: Bools, dof: Floats) -> Floats:
    """Excess kurtosis, less two standard errors of a normal sample's; at least 0; float64 [S]."""
    told = np.maximum(known.sum(axis=0), 1)
    deviation = np.where(known, x - x.sum(axis=0, where=known) / told, 0.0)
    second = (deviation**2).sum(axis=0) / told
    fourth = (deviation**4).sum(axis=0) / told
    return excess_kurtosis(second, fourth, dof)


def excess_kurtosis(second: Floats, fourth: Floats, dof: Floats) -> Floats:
    """From central moments; less two standard errors of a normal sample's, at least 0; float64 [S]."""
    raw = np.divide(fourth, second**2, out=np.full(np.shape(second), 3.0), where=second > 0) - 3
    return np.asarray(np.maximum(0.0, raw - 2 * np.sqrt(24 / np.maximum(dof, 1.0))))
