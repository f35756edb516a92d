"""Exact confidence intervals of counts: none of them relies on there being many."""

from __future__ import annotations

from scipy.special import betaincinv, gammaincinv

LEVEL = 0.95


def poisson_interval(count: int, exposure: float, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a rate per unit of exposure from a Poisson count (Garwood 1936).

    From chi2(tail, 2 count) / 2 to chi2(1 - tail, 2 count + 2) / 2, where half of a chi-squared quantile of 2 k degrees
    of freedom is the quantile of a gamma variable of shape k. Of no event the lower end is 0, the upper -ln(tail).
    """
    tail = (1 - level) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low / exposure, float(gammaincinv(count + 1, 1 - tail)) / exposure


def binomial_interval(count: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share from `count` among `of` (Clopper & Pearson 1934), by quantiles of beta variables."""
    tail = (1 - level) / 2
    low = float(betaincinv(count, of - count + 1, tail)) if count else 0.0
    return low, float(betaincinv(count + 1, of - count, 1 - tail)) if count < of else 1.0
