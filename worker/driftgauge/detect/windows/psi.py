"""The population stability index of counts against reference counts, and its calibrated test.

PSI = sum over cells (q - p) ln(q / p), the symmetrised Kullback-Leibler divergence (Jeffreys 1946). Of n events it
has mean nu v even when nothing has changed, so a fixed threshold alarms by n and not by drift. Its test asks
whether PSI exceeds psi0: PSI / v ~ noncentral chi-squared(nu, psi0 / v) (as the Population Resemblance Statistic,
Potgieter et al. 2023).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ncx2, norm, t

from driftgauge.detect.windows.shares import Array, shares_of

PSEUDO_COUNT = 0.5


class NullNoise(NamedTuple):
    """PSI without drift, by Satterthwaite (1946): `scale` times chi-squared with `dof`; float64 [...]."""

    scale: Array
    dof: Array


class Wander(NamedTuple):
    """Mean and variance of the PSI that stationary reference windows have beyond what sampling explains; [...]."""

    mean: Array
    variance: Array


def psi(
    counts: NDArray[np.int64], reference: NDArray[np.int64], starts: NDArray[np.int64], pseudo: float = PSEUDO_COUNT
) -> Array:
    """PSI per window and field, float64 [P, F].

    `counts` int64 [P, K] are windows, `reference` int64 [K]; field f has the cells starts[f] .. starts[f + 1] of both.
    `pseudo` events are added to every cell, so that an empty cell is a finite surprise. A cell that is empty on both
    sides says nothing and adds nothing.
    """
    q, p = shares_of(counts, starts, pseudo), shares_of(reference[np.newaxis], starts, pseudo)
    known = (counts > 0) | (reference > 0)
    log_ratio = np.log(np.divide(q, p, out=np.ones_like(q), where=known))
    return np.asarray(np.add.reduceat((q - p) * log_ratio, starts, axis=1))


def sampling_scale(n: Array, m: Array) -> Array:
    """Multinomial noise v = 1/n + 1/m per degree of freedom, of n events against m reference events; n, m >= 1."""
    return 1.0 / n + 1.0 / m


def wander_of(mean: Array, variance: Array, scale: Array, dof: Array) -> Wander:
    """What measured reference windows (moments `mean`, `variance`) wander beyond sampling noise `scale` x chi2(dof).

    Given a wander W, PSI / v is noncentral chi-squared with noncentrality W / v, hence E PSI = v dof + W and
    var PSI = 2 v^2 dof + 4 v E W + var W; solved for the moments of W, both at least 0.
    """
    excess = np.maximum(mean - scale * dof, 0.0)
    return Wander(excess, np.maximum(variance - 2 * scale**2 * dof - 4 * scale * excess, 0.0))


def null_noise(scale: Array, dof: Array, wander: Wander) -> NullNoise:
    """Moments of PSI without drift at the *current* sampling noise, matched by a scaled chi-squared (Satterthwaite).

    Without wander it is the multinomial one, (scale, dof); with it the scale is never smaller.
    """
    mean = scale * dof + wander.mean
    variance = 2 * scale**2 * dof + 4 * scale * wander.mean + wander.variance
    return NullNoise(variance / (2 * mean), 2 * mean**2 / variance)


def debiased(statistic: Array, noise: NullNoise) -> Array:
    """max(0, PSI - its mean without drift): the effect to report."""
    return np.maximum(statistic - noise.scale * noise.dof, 0.0)


def p_value(statistic: Array, noise: NullNoise, psi0: Array, measured: Array | None = None) -> Array:
    """P(PSI at least this large | true PSI = psi0), float64 [...]; 0 where it underflows.

    `measured`: of how many numbers the noise was estimated, where these are few. Then the standard normal quantile of
    that probability is taken for Student's t with as many degrees of freedom: of one squared normal whose variance is
    a mean of so many, PSI / noise is F(1, measured), hence t squared (Student 1908).
    """
    known = np.asarray(ncx2.sf(statistic / noise.scale, noise.dof, psi0 / noise.scale), np.float64)
    return known if measured is None else np.asarray(t.sf(norm.isf(known), measured), np.float64)
