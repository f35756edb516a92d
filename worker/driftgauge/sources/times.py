"""A table's time column as integer milliseconds since the epoch.

Promises: the same instants as `timestamps.parse_timestamp` gives cell by cell, only faster where the whole column is
of one form; and an unreadable cell is named by its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftgauge.errors import InputError
from driftgauge.timestamps import FIRST_MS, LAST_MS, format_timestamp, parse_timestamp

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# "2026-03-15T10" is a time to Arrow and none to RFC 3339.
_HOUR_ONLY = 13


def times_of(column: Any, first_row: int, where: str) -> NDArray[np.int64]:
    """Milliseconds, int64 [n]; `column` is an Arrow array or a list. InputError names `where`, the row and the text."""
    fast = None if isinstance(column, list) else _arrow_times(column)
    if fast is not None:
        return fast
    values: Sequence[object] = column if isinstance(column, list) else column.to_pylist()
    times = np.empty(len(values), np.int64)
    for i, value in enumerate(values):
        try:
            times[i] = parse_timestamp(value)
        except ValueError as error:
            text = "the time is empty" if value is None else str(error)
            raise InputError(f"{where}: row {first_row + i + 1}: {text}") from None
    return times


def _arrow_times(column: Any) -> NDArray[np.int64] | None:
    """The whole column at once, or None where that can't be or might differ."""
    if column.null_count or pa.types.is_dictionary(column.type):
        return None
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("ms"))
    if pa.types.is_timestamp(column.type):
        # Floor, not truncation, so that fractions are cut the same way before 1970.
        ticks: NDArray[np.int64] = pc.cast(column, pa.int64()).to_numpy().astype(np.int64)
        per_second = _PER_SECOND[column.type.unit]
        return ticks * (1000 // per_second) if per_second <= 1000 else ticks // (per_second // 1000)
    if pa.types.is_integer(column.type):
        return epoch_times(column.to_numpy().astype(np.int64))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _text_times(column)
    return None


def _text_times(column: Any) -> NDArray[np.int64] | None:
    if pc.any(pc.equal(pc.utf8_length(column), _HOUR_ONLY)).as_py():
        return None
    for target in (pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.int64()):
        try:
            return _arrow_times(pc.cast(column, target))
        except pa.ArrowInvalid:
            continue
    return None


def epoch_times(numbers: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Integers since the epoch, the unit of each going by its size; None if one is far from any time."""
    size = np.abs(numbers)
    if (size < 0).any():  # The one int64 without a positive twin.
        return None
    return np.select(
        [size < 10**11, size < 10**14, size < 10**17],
        [numbers * 1000, numbers, numbers // 1000],
        numbers // 1_000_000,
    )


def check_years(times: NDArray[np.int64], first_row: int, where: str) -> None:
    """InputError unless all `times` lie in the years 1 to 9999, those that can be written down."""
    beyond = np.flatnonzero((times < FIRST_MS) | (times > LAST_MS))
    if beyond.size:
        raise InputError(f"{where}: row {first_row + int(beyond[0]) + 1}: the time lies beyond the years 1 to 9999")


def check_order(times: NDArray[np.int64], before: int | None, first_row: int, where: str) -> None:
    """InputError unless `times` ascend (ties allowed) from `before`, the last time of the chunk before."""
    previous = np.concatenate([[times[0] if before is None else before], times[:-1]])
    back = np.flatnonzero(times < previous)
    if back.size:
        row = first_row + int(back[0])
        now, then = format_timestamp(int(times[back[0]])), format_timestamp(int(previous[back[0]]))
        raise InputError(
            f"{where}: row {row + 1} ({now}) is earlier than row {row} ({then}); a file must be by time: "
            "sort it, or let --sort do it in memory"
        )
