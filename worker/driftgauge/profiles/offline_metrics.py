"""How good the model was on its reference, where the truth is known: the yardstick for production.

Classes: accuracy and prevalence, with two classes also precision, recall, F1 of the positive one, AUC (Mann-Whitney,
ties count half), and Brier score and log loss if the score is a probability. Numbers: MAE and RMSE.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.profile import category_text
from driftgauge.profiles.reference import CodedColumn, NumericColumn

_EPSILON = 1e-15


def offline_metrics(
    actual: CodedColumn | NumericColumn,
    label: CodedColumn | None,
    score: NumericColumn | None,
    positive: str | None = None,
) -> dict[str, float]:
    """Metrics over the rows where both sides are known; empty if nothing can be compared.

    `positive` is the text of the positive class of two; None takes the greater one (true, 1, or the last by alphabet).
    """
    if isinstance(actual, NumericColumn):
        return _regression(actual.values, score.values) if score is not None else {}
    metrics: dict[str, float] = {}
    truth = _texts(actual)
    classes = sorted({category_text(v) for v in actual.values}, key=_order)
    positive_text = positive if positive is not None else (classes[-1] if classes else "")
    binary = len(classes) == 2 and positive_text in classes
    known = actual.codes >= 0
    if binary:
        metrics["prevalence"] = _share(truth[known] == positive_text)
    if label is not None:
        predicted = _texts(label)
        both = known & (label.codes >= 0)
        metrics |= _classes(truth[both], predicted[both], positive_text if binary else None)
    if score is not None and binary:
        both = known & np.isfinite(score.values)
        metrics |= _scores(truth[both] == positive_text, score.values[both])
    return metrics


def _order(text: str) -> tuple[int, float, str]:
    """Numbers by value, before texts by alphabet; true after false."""
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def _texts(column: CodedColumn) -> NDArray[Any]:
    # An empty text at the end is where the code -1 of a missing value points.
    return np.array([*(category_text(v) for v in column.values), ""], dtype=object)[column.codes]


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if hits.size else 0.0


def _classes(truth: NDArray[Any], predicted: NDArray[Any], positive: str | None) -> dict[str, float]:
    if not truth.size:
        return {}
    metrics = {"accuracy": _share(truth == predicted)}
    if positive is not None:
        hit = int(((truth == positive) & (predicted == positive)).sum())
        said, true = int((predicted == positive).sum()), int((truth == positive).sum())
        metrics["precision"] = hit / said if said else 0.0
        metrics["recall"] = hit / true if true else 0.0
        metrics["f1"] = 2 * hit / (said + true) if said + true else 0.0
    return metrics


def _scores(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if ones and zeros:
        _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
        metrics["auc"] = (float(ranks[positive].sum()) - ones * (ones + 1) / 2) / (ones * zeros)
    if score.size and score.min() >= 0 and score.max() <= 1:
        metrics["brier"] = float(((score - positive) ** 2).mean())
        clipped = np.clip(score, _EPSILON, 1 - _EPSILON)
        metrics["log_loss"] = float(-np.where(positive, np.log(clipped), np.log1p(-clipped)).mean())
    return metrics


def _regression(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    both = np.isfinite(truth) & np.isfinite(predicted)
    if not both.any():
        return {}
    with np.errstate(over="ignore"):
        error = predicted[both] - truth[both]
        found = {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}
    return {name: value for name, value in found.items() if np.isfinite(value)}
