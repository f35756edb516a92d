"""The reference rows as columns, gathered chunk by chunk: what a profile is built from.

Eight bytes a cell: numbers as doubles, everything else as codes of its distinct values. Promises: the same columns
wherever chunks end, and no value is lost or turned into another: what is no number in a numeric column is ±inf there,
which is how invalid values are counted.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.kinds import Kind

MISSING_CODE = -1


class NumericColumn(NamedTuple):
    """float64 [n]; NaN is missing, ±inf invalid."""

    values: NDArray[np.float64]

    def take(self, rows: NDArray[Any]) -> NumericColumn:
        """Those rows, by number or by mask."""
        return NumericColumn(self.values[rows])


class CodedColumn(NamedTuple):
    """int64 [n] codes into `values` (distinct, typed, in order of appearance); -1 is missing."""

    kind: Kind
    codes: NDArray[np.int64]
    values: list[Any]

    def take(self, rows: NDArray[Any]) -> CodedColumn:
        """Those rows, by number or by mask; all values stay known."""
        return self._replace(codes=self.codes[rows])


Column = NumericColumn | CodedColumn


class Tags(NamedTuple):
    """Which segment each row belongs to: the tag's name, and the texts of its values (see `tag_text`)."""

    name: str
    column: CodedColumn


class ColumnGatherer:
    """Takes a column's values in pieces; `column()` is what was gathered."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._numbers = array("d")
        self._codes = array("q")
        # True == 1 == 1.0 to a dict: the type belongs to the key. 3.0 and 3 are one number, as in JSON.
        self._known: dict[tuple[type, Any], int] = {}

    def extend(self, values: Iterable[Any]) -> None:
        """Append values: None, bool, int, float or str."""
        if self._kind == "numeric":
            self._numbers.extend(map(_number, values))
        else:
            self._codes.extend(map(self._code, values))

    def column(self) -> Column:
        """All values so far."""
        if self._kind == "numeric":
            return NumericColumn(np.array(self._numbers, np.float64))
        return self.coded()

    def coded(self) -> CodedColumn:
        """The same of a column that isn't numeric."""
        return CodedColumn(self._kind, np.array(self._codes, np.int64), [value for _, value in self._known])

    def _code(self, value: Any) -> int:
        if value is None:
            return MISSING_CODE
        if type(value) is float:
            if math.isnan(value):
                return MISSING_CODE
            if value.is_integer():
                value = int(value)
        return self._known.setdefault((type(value), value), len(self._known))


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    if value is None:
        return math.nan
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return math.inf
