"""Arrow columns as lists of plain values (None, bool, int, float, str), the form that events are made of.

CSV cells come as text and are read by their column's kind; Parquet keeps its types. Promises: the value of a cell
depends on the cell and the column's kind only, never on its neighbours or on where a chunk ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftgauge.profiles.kinds import EXACT, Kind, value_of_text

Values = list[Any]
_INFINITY = float("inf")


def values_of_text(array: Any, kind: Kind | None) -> Values:
    """A CSV column (Arrow strings) as values; text that doesn't fit `kind` stays text."""
    if kind in {"numeric", "integer"}:
        numbers = _numbers(array, kind == "integer")
        if numbers is not None:
            return numbers
    texts: Values = array.to_pylist()
    if kind == "string":
        return texts
    # Cells of one column repeat; reading each distinct text once keeps odd columns off the hot path.
    read = {None: None, **{text: value_of_text(text, kind) for text in set(texts) - {None}}}
    return [read[text] for text in texts]


def _numbers(array: Any, exact: bool) -> Values | None:  # noqa: FBT001
    """All cells as numbers, or None if one isn't or a fast cast could differ from `value_of_text`."""
    try:
        if exact:
            whole: Values = pc.cast(array, pa.int64()).to_pylist()
            return whole
        floats = pc.cast(array, pa.float64())
    except pa.ArrowInvalid:
        return None
    return with_whole_numbers(floats.to_numpy(zero_copy_only=False), floats.null_count)


def with_whole_numbers(floats: NDArray[np.float64], nulls: int) -> Values:
    """Doubles as JSON writes them best: 3.0 is 3, NaN stays (a missing value either way)."""
    with np.errstate(invalid="ignore"):
        whole = (np.floor(floats) == floats) & (np.abs(floats) < EXACT)
    if nulls == 0 and whole.all():
        integers: Values = floats.astype(np.int64).tolist()
        return integers
    if not whole.any():
        plain: Values = floats.tolist()
        return plain
    mixed = floats.astype(object)
    mixed[whole] = floats[whole].astype(np.int64)
    merged: Values = mixed.tolist()
    return merged


def kind_of_type(arrow_type: Any) -> Kind | None:
    """What a Parquet column holds. None for a column of nulls; TypeError for one that no event can carry."""
    types = pa.types
    if types.is_dictionary(arrow_type):
        return kind_of_type(arrow_type.value_type)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_decimal(arrow_type):
        return "numeric"
    if types.is_boolean(arrow_type):
        return "boolean"
    if types.is_null(arrow_type):
        return None
    textual = (types.is_string, types.is_large_string, types.is_string_view, types.is_temporal)
    if any(test(arrow_type) for test in textual) and not types.is_duration(arrow_type):
        return "string"
    raise TypeError(f"a column of type {arrow_type} is no plain value")


def values_of_typed(array: Any) -> Values:
    """A Parquet column as values: decimals as numbers, dates and times as ISO text, dictionaries resolved."""
    types, arrow_type = pa.types, array.type
    if types.is_dictionary(arrow_type):
        return values_of_typed(array.dictionary_decode())
    if types.is_decimal(arrow_type):
        array = pc.cast(array, pa.float64())
    elif types.is_float16(arrow_type) or types.is_float32(arrow_type):
        # The shortest decimal that means this float32 is what a client would send: .1, not .10000000149011612.
        texts = [None if v is None else float(str(v)) for v in array.to_numpy(zero_copy_only=False)]
        return list(texts)
    elif types.is_temporal(arrow_type):
        return [
            None if v is None else v.isoformat() for v in pc.cast(array, _coarser(arrow_type), safe=False).to_pylist()
        ]
    if types.is_floating(array.type):
        floats: Values = array.to_numpy(zero_copy_only=False).tolist()
        return floats
    if array.null_count == 0 and types.is_integer(arrow_type):
        integers: Values = array.to_numpy(zero_copy_only=False).tolist()
        return integers
    values: Values = array.to_pylist()
    return values


def _coarser(arrow_type: Any) -> Any:
    """Nanoseconds don't fit Python's own times; microseconds do."""
    if pa.types.is_timestamp(arrow_type):
        return pa.timestamp("us", arrow_type.tz)
    return pa.time64("us") if pa.types.is_time(arrow_type) else arrow_type


def unspeakable(values: Values) -> bool:
    """Whether a column holds ±inf, for which JSON has no word. Equality in C: this looks at every cell of a file."""
    return values.count(_INFINITY) > 0 or values.count(-_INFINITY) > 0
