"""How far means over windows of panes lie from where the *rest* of the reference says they should be.

The variance of single panes doesn't tell that of an hour's mean: wander that lasts averages out slowly or not at all.
So it is measured at several scales. It is also measured out of sample, because what is judged later is out of sample:
deviations from a level that the same data gave are too small, the more so the longer the window.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.profile import ScaleNoise
from driftgauge.profiles.season import held_out_levels

Floats = NDArray[np.float64]

SCALES = (1, 15, 60, 360)
MIN_WINDOWS = 8
DAY = 86_400_000
WEEK = 7 * DAY
# Days from which the variance of a variance between days is told at all.
_MIN_DAYS = 5


class Panes(NamedTuple):
    """One series over the non-empty panes: `starts` int64 [P] ms, `values` float64 [P] (NaN if n is 0), `n` [P]."""

    starts: NDArray[np.int64]
    values: Floats
    n: Floats

    def sums(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Starts, sums of the values and events of each pane; both are 0 in a pane that says nothing."""
        present = (self.n > 0) & np.isfinite(self.values)
        n = np.where(present, self.n, 0.0)
        return self.starts, n * np.where(present, self.values, 0.0), n


def scale_noise(panes: Panes, pane: int, sd: float, *, seasonal: bool) -> list[ScaleNoise]:
    """Noise of the means over 1, 15, 60 and 360 panes of `pane` ms, for scales with at least eight windows.

    Windows don't overlap and hold consecutive non-empty panes. A window's residual is its mean less the mean of all
    events outside its week (leave one week out), where the reference spans two weeks; outside its day, where it spans
    two days; else less the mean of all. With few weeks the level itself is uncertain, and this way the residuals say
    so. `sd`: of one event. `seasonal`: less the mean at the same hour of the week, as the season is known and taken
    off. No way of measuring finds wander in rows whose order is random.
    """
    _, sums, n = panes.sums()
    blocks, held_out = _held_out(panes.starts, pane)
    level = held_out_levels(panes.starts, sums, n, blocks, seasonal=seasonal)
    deviations = sums - n * np.nan_to_num(level)
    found = []
    for scale in SCALES:
        windows = len(n) // scale
        if windows < MIN_WINDOWS:
            break
        first = np.arange(windows) * scale
        shape = (windows, scale)
        events = n[: windows * scale].reshape(shape)
        known = (events.sum(axis=1) > 0) & np.isfinite(level[first])
        if np.count_nonzero(known) >= MIN_WINDOWS:
            days = (panes.starts[first] - panes.starts[0]) // DAY
            length = format_duration(scale * pane)
            found.append(
                _measure(
                    length,
                    deviations[: windows * scale].reshape(shape)[known],
                    events[known],
                    days[known],
                    sd,
                    held_out=held_out,
                )
            )
    return found


def _held_out(starts: NDArray[np.int64], pane: int) -> tuple[NDArray[np.int64], bool]:
    """The week or day that each pane is left out with, and whether there is more than one."""
    since = starts - starts[0]
    span = int(since[-1]) + pane
    unit = WEEK if span >= 2 * WEEK else DAY
    whole = span // unit
    if whole < 2:
        return np.zeros(len(starts), np.int64), False
    # The rest of a week belongs to the last one: a level over some hours would be held against the others' in vain.
    return np.minimum(since // unit, whole - 1), True


def _measure(
    length: str, deviations: Floats, events: Floats, days: NDArray[np.int64], sd: float, *, held_out: bool
) -> ScaleNoise:
    """`deviations`, `events` float64 [W, scale]: n times residual, and n, of each pane of each window."""
    n = events.sum(axis=1)
    residual = deviations.sum(axis=1) / n
    windows = len(residual)
    squares = residual**2
    variance = float(squares.mean() if held_out else squares.sum() / (windows - 1))
    dof = _dof(squares, days)
    wander = max(0.0, variance - sd**2 * float((1 / n).mean()))
    # Windows that hold few events lie further off; that alone makes tails heavy in which no wander is.
    scaled = _robust(deviations, events) / np.sqrt(wander + sd**2 / _events_behind(n, len(events[0])))
    return ScaleNoise(
        length=length,
        windows=windows,
        variance=variance,
        events=float(1 / (1 / n).mean()),
        dof=dof,
        kurtosis=_excess(scaled, dof),
    )


def _dof(squares: Floats, days: NDArray[np.int64]) -> float:
    """Degrees of freedom of a mean of squares, from how it differs between days (Satterthwaite 1946).

    Windows that follow each other in a slow wander tell less than as many independent ones; a season that repeats
    itself every day tells no less.
    """
    _, day, held = np.unique(days, return_inverse=True, return_counts=True)
    most = float(len(squares) - 1)
    mean = squares.mean()
    if len(held) < _MIN_DAYS or mean == 0:
        return most
    daily = np.bincount(day, squares) / held
    spread = ((held / held.sum() * (daily - mean)) ** 2).sum() * len(held) / (len(held) - 1)
    return most if spread == 0 else min(most, max(1.0, float(2 * mean**2 / spread)))


def _robust(deviations: Floats, events: Floats) -> Floats:
    """Window residuals as the detector takes them: without the most extreme pane either way; medians of 3 of panes."""
    if deviations.shape[1] > 1:
        return np.asarray((deviations.sum(axis=1) - deviations.max(axis=1) - deviations.min(axis=1)) / events.sum(1))
    panes = deviations[:, 0] / events[:, 0]
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(panes, 3), axis=1))


def _events_behind(n: Floats, panes: int) -> Floats:
    """Events behind each residual of `_robust`: a median of three panes is nearly as good as the mean of two."""
    return n if panes > 1 else np.lib.stride_tricks.sliding_window_view(n, 3).mean(axis=1)


def _excess(x: Floats, dof: float) -> float:
    """Excess kurtosis, less two standard errors of a normal sample's; at least 0."""
    deviation = x - x.mean()
    second = float((deviation**2).mean())
    if second <= 0:
        return 0.0
    return max(0.0, float((deviation**4).mean()) / second**2 - 3 - 2 * math.sqrt(24 / max(dof, 1.0)))
