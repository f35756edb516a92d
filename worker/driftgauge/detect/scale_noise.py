"""The noise of a mean over some time, from what the profile measured at its own scales."""

from __future__ import annotations

from typing import NamedTuple

from driftgauge.durations import parse_duration
from driftgauge.profiles.profile import ScaleNoise
from driftgauge.profiles.series import Series


class NoiseAt(NamedTuple):
    """As `windows.means.WindowNoise` has them: measured variance, tau^2, degrees of freedom, excess kurtosis."""

    measured: float
    tau2: float
    dof: float
    kurtosis: float


def noise_at(series: Series, panes: int, pane_length: int, min_windows: int) -> NoiseAt | None:
    """Noise of the series' mean over so many panes of `pane_length` ms; None if it isn't known.

    From the longest scale that is no longer than `length`, because means over shorter windows wander more: also right,
    if cautious, where the worker's panes are longer than those the profile was measured at. For windows shorter than
    any measured one, nothing is known. A scale with fewer than `min_windows` windows counts as not measured. A profile
    that tells the variance of single panes only is taken at its word for those, unless they are longer than the
    worker's.
    """
    noise, length = series.noise, panes * pane_length
    if noise is None:
        return None
    known = noise.panes >= min_windows and noise.mean_n > 0 and parse_duration(noise.length) <= length
    if not noise.scales and panes == 1 and known:
        wander = max(0.0, noise.variance - series.sd**2 / noise.mean_n)
        return NoiseAt(noise.variance, wander, noise.panes - 1.0, 0.0)
    fitting = [x for x in noise.scales if x.windows >= min_windows and parse_duration(x.length) <= length]
    if not fitting:
        return None
    return _of(max(fitting, key=lambda x: parse_duration(x.length)), series)


def noise_of_step(series: Series, step: tuple[int, int], pane_length: int, min_windows: int) -> NoiseAt | None:
    """Noise of the mean over so many panes against that over so many before them; None if it isn't known.

    Only from steps of the very same lengths: a slow wander takes longer ones further, a quick one shorter ones.
    """
    lengths = [panes * pane_length for panes in step]
    for known in series.noise.steps if series.noise is not None else ():
        if known.windows >= min_windows and [parse_duration(known.length), parse_duration(known.before)] == lengths:
            return _of(known, series)
    return None


def _of(scale: ScaleNoise, series: Series) -> NoiseAt:
    sampling = series.sd**2 / scale.events
    # A mean of n bounded events is itself heavy-tailed where the events are skewed, by at most this (kurtosis <=
    # (furthest / sd)^2); Bernstein's bound takes care of that part, at the n of now.
    furthest = max(series.reference, 1 - series.reference)
    skewed = max(0.0, (furthest / series.sd) ** 2 - 3) / scale.events
    return NoiseAt(scale.variance, max(0.0, scale.variance - sampling), scale.dof, max(0.0, scale.kurtosis - skewed))
