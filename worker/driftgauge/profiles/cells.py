"""From values to cells: which bin or special cell of a field a value falls into.

The one place that knows it. decode (live events) and `profile build` (the reference) both call it, so the reference is
counted exactly as production is. Promises: no value raises, and no two JSON types leak into each other: `true` is
never the integer 1, `"1"` is never 1; 3.0 is the integer 3, because JSON has one kind of number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.profile import CategoricalField, NumericField

Category = str | int | bool | None


class NumericIndex(NamedTuple):
    """Cells of a numeric field, looked up by one binary search.

    `bounds` float64 [B + 5], ascending: a value x has the position `searchsorted(bounds, x, side="left")`, which tells
    -inf, below, the bins, above, +inf and NaN apart without looking at x again. `cells` int64 [B + 6] gives the cell
    of each position, so that a histogram over positions can be folded into one over cells afterwards.
    """

    bounds: NDArray[np.float64]
    cells: NDArray[np.int64]


def numeric_index(spec: NumericField) -> NumericIndex:
    """The lookup table of a field; built once per profile."""
    return _index_of(np.array(spec.edges, np.float64), spec.low, spec.high)


def bin_values(edges: NDArray[np.float64], low: float, high: float, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cells within the slot, int64 [n], of float64 [n] values in natural units.

    NaN is missing, ±inf invalid; below `low` and above `high` have cells of their own; the rest goes to the bin b with
    edges[b-1] < x <= edges[b]. There need be no field yet: `profile build` counts with it what then makes the field.
    """
    index = _index_of(edges, low, high)
    return index.cells[np.searchsorted(index.bounds, values, side="left")]


def _index_of(edges: NDArray[np.float64], low: float, high: float) -> NumericIndex:
    bins = len(edges) + 1
    missing, invalid, below, above = range(bins, bins + 4)
    with np.errstate(over="ignore"):  # Below the smallest double is -inf, which is a bound already.
        just_below = np.nextafter(low, -np.inf)
    bounds = np.array([-np.inf, just_below, *edges, high, np.finfo(np.float64).max, np.inf])
    return NumericIndex(bounds, np.array([invalid, below, *range(bins), above, invalid, missing], np.int64))


class CategoryIndex(NamedTuple):
    """Cells of a categorical field.

    `cells` maps the known values (and None) to their cell within the slot; a value of the right type that isn't in it
    goes to `default` (unseen, or other where the reference had more than are listed), one of another type to `invalid`.

    Beware when looking up directly: Python's dict takes True for 1 and 1.0 for 1. Either the values' types are known
    to be `value_type` (a typed decoder), or ask `cell_of`.
    """

    value_type: str
    cells: dict[Category, int]
    default: int
    missing: int
    invalid: int

    def cell_of(self, value: object) -> int:
        """The cell of any Python value that JSON or a table can hold."""
        if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN is a missing value
            return self.missing
        if self.value_type == "string":
            return self.cells.get(value, self.default) if isinstance(value, str) else self.invalid
        if self.value_type == "boolean":
            return self.cells.get(value, self.default) if isinstance(value, bool) else self.invalid
        if isinstance(value, bool):
            return self.invalid
        if isinstance(value, float) and value.is_integer():
            # Not by the dict's own 3.0 == 3: beyond 2**53 only the exact integer counts, as text would give it.
            value = int(value)
        return self.cells.get(value, self.default) if isinstance(value, int) else self.invalid


def category_index(spec: CategoricalField) -> CategoryIndex:
    """The lookup table of a field; built once per profile."""
    other, missing, invalid, unseen = range(spec.bins, spec.bins + 4)
    cells: dict[Category, int] = {value: i for i, value in enumerate(spec.categories)}
    cells.update(dict.fromkeys(spec.known_other, other))
    cells[None] = missing
    return CategoryIndex(spec.value_type, cells, other if spec.other_open else unseen, missing, invalid)
