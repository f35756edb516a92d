"""Is a mean over a window further from its level than sampling and wander take it? Limits with the current n.

The noise of a mean of n events is tau^2 + sigma^2 / n: wander of the series at that scale, measured in the reference,
and sampling at the n of *now* (Laney's p' chart; a collapsing n must widen the limits). Three doubts are kept: how well
tau is known, how heavy its tails are, and that few events of a skewed share are far from normal (Bernstein's
inequality).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, stdtr

Array = NDArray[np.float64]
_TINY = np.finfo(np.float64).tiny
# Trapezoids over a normal density: half a unit apart they are exact to more digits than a double has.
_SCORES = np.arange(-8.0, 4.25, 0.5)
_WEIGHTS = 0.5 * np.exp(-(_SCORES**2) / 2) / np.sqrt(2 * np.pi)


class WindowNoise(NamedTuple):
    """How the mean of a window of one length moves without drift; float64 [...].

    `measured`: variance between reference windows; `tau2`: that without sampling; `dof` of `measured`; `kurtosis`:
    excess of the wander's part; `sigma2`: variance of one event; `level2`: of the reference level itself.
    """

    measured: Array
    tau2: Array
    dof: Array
    kurtosis: Array
    sigma2: Array
    level2: Array

    def at(self, column: NDArray[np.int64]) -> WindowNoise:
        """The noise of some series."""
        return WindowNoise(*(part[column] for part in self))


def variance_of_mean(noise: WindowNoise, n: Array) -> Array:
    """tau^2 + sigma^2 / n + variance of the reference level, float64 [...]; n >= 1."""
    return np.asarray(noise.tau2 + noise.sigma2 / n + noise.level2)


def doubt_of(dof: Array) -> Array:
    """By how much a variance measured with so many degrees of freedom may be off: variance / measured, [..., nodes].

    At the quantiles of a chi-squared variable that belong to the normal scores _SCORES (a Bayesian's inverse
    chi-squared, Jeffreys' prior). The doubts of a mean of squares are so made that averaging a normal's tail over them
    gives Student's t.
    """
    half = np.asarray(dof, np.float64)[..., np.newaxis] / 2
    return np.asarray(half / np.maximum(gammaincinv(half, ndtr(_SCORES)), _TINY))


def p_value(distance: Array, n: Array, noise: WindowNoise, reach: Array, doubt: Array | None = None) -> Array:
    """Bound on P(|mean - level| >= distance) for the mean of n events; float64 [...], at most 1.

    `reach`: the furthest that one event can lie from the level, in the direction of the distance. `doubt`: that of
    noise.dof (`doubt_of`), if it is at hand. The larger of two: the tail of a normal (of a t, if wander has a heavy
    one), averaged over what the measured variance may be, less the reference's known sampling part and never below
    the sampling of now; and Bernstein's bound 2 exp(-x^2 / 2 (v + c x)), c = reach / 3n, which holds for the sum of a
    normal wander and a mean of independent bounded events (their log moment generating functions add up).
    """
    variance = variance_of_mean(noise, n)
    doubt = doubt_of(noise.dof) if doubt is None else doubt
    sampling = noise.measured - noise.tau2
    wander = np.maximum(noise.measured[..., np.newaxis] * doubt - sampling[..., np.newaxis], 0.0)
    part = noise.measured / np.maximum(variance, _TINY)
    # A t with v degrees of freedom has an excess kurtosis of 6 / (v - 4).
    tails = 4 + 6 / np.maximum(noise.kurtosis * part**2, 1e-9)
    scores = -distance[..., np.newaxis] / np.sqrt((variance - noise.tau2)[..., np.newaxis] + wander)
    averaged = 2 * (stdtr(tails[..., np.newaxis], scores) * _WEIGHTS).sum(axis=-1)
    bernstein = 2 * np.exp(-(distance**2) / (2 * (variance + reach * distance / (3 * n))))
    return np.asarray(np.minimum(np.maximum(averaged, bernstein), 1.0), np.float64)
