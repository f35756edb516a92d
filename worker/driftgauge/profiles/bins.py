"""A column of the reference as a profile's field: bins or categories, counts and mean scores per cell.

Bins are 20 reference quantiles (inverted distribution function, so every edge is a value that occurred; ties collapse
bins): the counts depend on the order of the values only, hence not on their unit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.cells import bin_values, category_index
from driftgauge.profiles.kinds import EXACT
from driftgauge.profiles.profile import (
    CATEGORICAL_SPECIALS,
    NUMERIC_SPECIALS,
    CategoricalField,
    NumericField,
    category_text,
)
from driftgauge.profiles.reference import CodedColumn, NumericColumn

BINS = 20
TOP_CATEGORIES = 50
KNOWN_OTHER = 1000
_LARGEST = float(np.finfo(np.float64).max)


class Counted(NamedTuple):
    """A field, and the cell of every reference row, int64 [n]."""

    field: NumericField | CategoricalField
    cells: NDArray[np.int64]


def numeric_field(column: NumericColumn, score: NDArray[np.float64] | None, margin: float) -> Counted | None:
    """The numeric field of a column; None if no value is a finite number. `margin`: see `Margins`."""
    values = column.values
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    minimum, maximum = float(finite.min()), float(finite.max())
    quantiles = np.quantile(finite, np.arange(1, BINS) / BINS, method="inverted_cdf")
    edges = np.unique(quantiles)
    # The last bin reaches to the maximum: an edge there would leave a bin that nothing falls into.
    edges = edges[edges < maximum]
    low, high = _range(minimum, maximum, margin)
    cells = bin_values(edges, low, high, values)
    mean, sd = _moments(finite)
    size = len(edges) + 1 + len(NUMERIC_SPECIALS)
    field = NumericField(
        edges=edges.tolist(),
        low=low,
        high=high,
        minimum=minimum,
        maximum=maximum,
        mean=min(max(mean, minimum), maximum),
        sd=sd,
        counts=np.bincount(cells, minlength=size).tolist(),
        score_means=score_means(cells, size, score),
    )
    return Counted(field, cells)


# From here on values are thought of by their order of magnitude.
_DECADES = 100.0


def _range(minimum: float, maximum: float, margin: float) -> tuple[float, float]:
    """The reference's range, wider by `margin` of its width on each side that is no natural bound (0, 1, 100).

    What is positive throughout stays above 0. Over more than two decades the width says nothing about the low end:
    there it is `margin` of the decades.
    """
    # Halves first: the width of the whole range of doubles is no double.
    width = 2 * margin * (maximum / 2 - minimum / 2)
    low = minimum if minimum == 0 else max(minimum - width, -_LARGEST)
    if minimum > 0:
        decades = maximum / minimum
        low = minimum * decades**-margin if decades >= _DECADES and math.isfinite(decades) else max(low, 0.0)
    high = maximum if minimum >= 0 and maximum in {1.0, 100.0} else min(maximum + width, _LARGEST)
    return min(low, minimum), max(high, maximum)


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation; scaled first, because squares of large doubles overflow."""
    if values.min() == values.max():
        # Rounding would give a constant column a spread.
        return float(values[0]), 0.0
    scale = float(np.abs(values).max()) or 1.0
    scaled = values / scale if math.isfinite(1.0 / scale) else values
    factor = scale if math.isfinite(1.0 / scale) else 1.0
    return float(scaled.mean()) * factor, float(min(scaled.std() * factor, _LARGEST))


def categorical_field(column: CodedColumn, score: NDArray[np.float64] | None) -> Counted | None:
    """The categorical field of a column; None if no value is of the column's kind."""
    kind = {"string": str, "integer": int, "boolean": bool}[column.kind]
    counts = np.bincount(column.codes + 1, minlength=len(column.values) + 1)[1:]
    right = [i for i, value in enumerate(column.values) if type(value) is kind]
    if not right:
        return None
    ranked = sorted(right, key=lambda i: (-int(counts[i]), category_text(column.values[i])))
    others = ranked[TOP_CATEGORIES:]
    listed = others[:KNOWN_OTHER]
    known = sorted((column.values[i] for i in listed), key=category_text)
    categories = [column.values[i] for i in ranked[:TOP_CATEGORIES]]
    size = len(categories) + len(CATEGORICAL_SPECIALS)
    bare = CategoricalField(
        value_type="string" if kind is str else "integer" if kind is int else "boolean",
        categories=categories,
        known_other=known,
        other_open=len(others) > KNOWN_OTHER,
        # Any counts do for the index; the real ones follow from it.
        counts=[1] * size,
    )
    index = category_index(bare)
    cell_by_code = np.array([*(index.cell_of(value) for value in column.values), index.missing], np.int64)
    cells = cell_by_code[column.codes]
    counted = np.bincount(cells, minlength=size).tolist()
    return Counted(bare.model_copy(update={"counts": counted, "score_means": score_means(cells, size, score)}), cells)


def score_means(cells: NDArray[np.int64], size: int, score: NDArray[np.float64] | None) -> list[float | None]:
    """Mean score of the rows in each of `size` cells, None where none has one; empty without scores."""
    if score is None:
        return []
    scored = np.isfinite(score)
    count = np.bincount(cells[scored], minlength=size)
    total = np.bincount(cells[scored], weights=score[scored], minlength=size)
    means = [float(t) / int(c) if c else math.nan for t, c in zip(total, count, strict=True)]
    return [mean if math.isfinite(mean) else None for mean in means]


def whole_values(column: NumericColumn, limit: int) -> list[int] | None:
    """The distinct values if they are at most `limit` whole numbers, else None."""
    finite = column.values[np.isfinite(column.values)]
    distinct = np.unique(finite)
    if not 0 < distinct.size <= limit or (distinct != np.floor(distinct)).any() or np.abs(distinct).max() >= EXACT:
        return None
    whole: list[int] = distinct.astype(np.int64).tolist()
    return whole
