"""A loan scorecard, trained for real: weight-of-evidence encoding, logistic regression by Newton steps, a cutoff.

Training side of the story. WoE of a bin is ln(share of all good loans in it / share of all bad loans in it), after
Siddiqi, "Credit Risk Scorecards" (2006). Numbers are stored rounded, as in a model file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.demo.applicants import Applicants

BINS = 6
APPROVAL_RATE = 0.79
# The training data's NULLs become a category of their own ...
UNKNOWN = "unknown"
_DIGITS = 4
_NEWTON_STEPS = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """`categories`: WoE by value; `bins`: inner edges and WoE per bin; `weights`: one per attribute, and the base.

    A score is the probability of repayment; applications with `score >= cutoff` are approved.
    """

    categories: Mapping[str, Mapping[str, float]]
    bins: Mapping[str, tuple[Floats, Floats]]
    weights: Mapping[str, float]
    base: float
    cutoff: float


def train(applicants: Applicants) -> Scorecard:
    """Bins and their WoE, then the regression on them, then the cutoff that approves `APPROVAL_RATE`."""
    good = applicants.repays
    categories: dict[str, Mapping[str, float]] = {}
    bins: dict[str, tuple[Floats, Floats]] = {}
    encoded: dict[str, Floats] = {}
    for name, column in applicants.features.items():
        if column.dtype == object:
            # ... which is the seed of the trouble: the service has no such step (see serving.py).
            filled = [UNKNOWN if value is None else value for value in column.tolist()]
            places = {value: place for place, value in enumerate(sorted(set(filled)))}
            index = np.array([places[value] for value in filled], np.int64)
            woe = _weight_of_evidence(index, good, len(places))
            categories[name] = dict(zip(places, woe.tolist(), strict=True))
        else:
            edges = np.unique(np.quantile(column, np.arange(1, BINS) / BINS, method="inverted_cdf"))
            index = np.searchsorted(edges, column)
            woe = _weight_of_evidence(index, good, len(edges) + 1)
            bins[name] = (edges, woe)
        encoded[name] = woe[index]
    base, weights = _fit(encoded, good)
    scores = score_of(encoded, weights, base)
    cutoff = float(np.quantile(scores, 1 - APPROVAL_RATE, method="inverted_cdf"))
    return Scorecard(categories, bins, weights, base, cutoff)


def score_of(encoded: Mapping[str, Floats], weights: Mapping[str, float], base: float) -> Floats:
    """Probability of repayment from encoded attributes, four digits, float64 [n]."""
    log_odds = sum((weights[name] * woe for name, woe in encoded.items()), start=np.float64(base))
    return np.asarray(np.round(1 / (1 + np.exp(-log_odds)), _DIGITS), np.float64)


def _weight_of_evidence(index: NDArray[Any], good: NDArray[np.bool_], size: int) -> Floats:
    # Half a loan in each cell: a bin without a bad loan has no logarithm.
    goods, bads = np.bincount(index[good], minlength=size) + 0.5, np.bincount(index[~good], minlength=size) + 0.5
    return np.asarray(np.round(np.log(goods / goods.sum()) - np.log(bads / bads.sum()), _DIGITS), np.float64)


def _fit(encoded: Mapping[str, Floats], good: NDArray[np.bool_]) -> tuple[float, dict[str, float]]:
    """Logistic regression by Newton's method (iteratively reweighted least squares)."""
    design = np.column_stack([np.ones(len(good)), *encoded.values()])
    weights = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-(design @ weights)))
        curvature = design.T @ (design * (probability * (1 - probability))[:, None])
        weights += np.linalg.solve(curvature, design.T @ (good - probability))
    base, *own = np.round(weights, _DIGITS).tolist()
    return base, dict(zip(encoded, own, strict=True))
