"""Is a mean over a window further from its level than sampling and wander take it? Limits with the current n.

The noise of a mean of n events is tau^2 + sigma^2 / n: wander of the series at that scale, measured in the reference,
and sampling at the n of *now* (Laney's p' chart; a collapsing n must widen the limits). Two doubts are kept: how well
tau is known and how heavy its tails are (Student's t), and that few events of a skewed share are far from normal
(Bernstein's inequality).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Array = NDArray[np.float64]


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


def degrees_of_freedom(noise: WindowNoise, variance: Array) -> Array:
    """Of Student's t for a mean with this variance; float64 [...], at least 1.

    The sampling part is known, so an error of the measured variance counts by its part of the whole (Satterthwaite
    1946). A t with v degrees of freedom has an excess kurtosis of 6 / (v - 4): heavier tails than a normal's allow no
    more than that many.
    """
    part = noise.measured / np.maximum(variance, np.finfo(np.float64).tiny)
    by_error = noise.dof / np.maximum(part, 1e-6) ** 2
    by_tails = 4 + 6 / np.maximum(noise.kurtosis * part**2, 1e-9)
    return np.asarray(np.maximum(1.0, np.minimum(by_error, by_tails)))


def p_value(distance: Array, n: Array, noise: WindowNoise, reach: Array) -> Array:
    """Bound on P(|mean - level| >= distance) for the mean of n events; float64 [...], at most 1.

    `reach`: the furthest that one event can lie from the level, in the direction of the distance. The larger of
    Student's tail and Bernstein's bound 2 exp(-x^2 / 2 (v + c x)), c = reach / 3n, which holds for the sum of a normal
    wander and a mean of independent bounded events (their log moment generating functions add up).
    """
    variance = variance_of_mean(noise, n)
    student = 2 * stdtr(degrees_of_freedom(noise, variance), -distance / np.sqrt(variance))
    bernstein = 2 * np.exp(-(distance**2) / (2 * (variance + reach * distance / (3 * n))))
    return np.asarray(np.minimum(np.maximum(student, bernstein), 1.0), np.float64)
