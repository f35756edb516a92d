"""Event times of a batch, in bulk.

Producers write all their times in one layout, so the usual RFC 3339 ones are read as a matrix of digits; anything else
goes through `parse_timestamp`, one by one, and both give the same integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.timestamps import parse_timestamp

_BODY = 19  # YYYY-MM-DDTHH:MM:SS
_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]
_SEPARATORS = {4: ord("-"), 7: ord("-"), 10: ord("T"), 13: ord(":"), 16: ord(":")}
_ZONES = (b"Z", b"+00:00", b"")  # without a zone it is UTC
_LONGEST = _BODY + len(".123456789+00:00")
_MAX_MESSAGE = 300


def event_times(values: Sequence[Any], fallback: Sequence[int]) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Milliseconds since the epoch int64 [n], and what is wrong by position (their time is 0).

    `values` are as JSON gave them; where None, the record's own time in `fallback` counts.
    """
    times = np.zeros(len(values), np.int64)
    by_length, single = _layouts(values)
    for length, positions in by_length.items():
        texts = values if len(positions) == len(values) else [values[i] for i in positions]
        read, good = _rfc3339(texts, length)
        chosen = np.array(positions)
        times[chosen[good]] = read[good]
        single.extend(chosen[~good].tolist())
    wrong: dict[int, str] = {}
    for i in single:
        try:
            times[i] = fallback[i] if values[i] is None else parse_timestamp(values[i])
        except ValueError as error:
            wrong[i] = f"timestamp: {error}"[:_MAX_MESSAGE]
    return times, wrong


def _layouts(values: Sequence[Any]) -> tuple[dict[int, Sequence[int]], list[int]]:
    """Positions of what may be plain RFC 3339, by the length of the text, and positions of everything else."""
    if set(map(type, values)) == {str} and len(lengths := set(map(len, values))) == 1 and "".join(values).isascii():
        [length] = lengths
        if _BODY <= length <= _LONGEST:
            return {length: range(len(values))}, []
    by_length: dict[int, list[int]] = {}
    other: list[int] = []
    for i, value in enumerate(values):
        if type(value) is str and _BODY <= len(value) <= _LONGEST and value.isascii():
            by_length.setdefault(len(value), []).append(i)
        else:
            other.append(i)
    return dict(by_length), other


def _rfc3339(texts: Sequence[str], length: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of texts that all have `length` ASCII characters, and which of them are plain RFC 3339 in UTC."""
    rows = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(-1, length)
    zone = next(z for z in _ZONES if rows[0].tobytes().endswith(z))
    fraction = np.arange(_BODY + 1, length - len(zone))
    good = np.all(rows[:, length - len(zone) :] == np.array(list(zone), np.uint8), axis=1)
    for at, separator in _SEPARATORS.items():
        good &= rows[:, at] == separator
    if length - len(zone) > _BODY:
        good &= (rows[:, _BODY] == ord(".")) & (len(fraction) > 0)
    # Unsigned: whatever isn't a digit becomes more than 9.
    digits = rows - np.uint8(ord("0"))
    good &= np.all(digits[:, _DIGITS] <= 9, axis=1) & np.all(digits[:, fraction] <= 9, axis=1)
    good &= np.any(digits[:, :4] != 0, axis=1)
    times = np.zeros(len(rows), np.int64)
    try:
        seconds = np.ascontiguousarray(rows[good, :_BODY]).view(f"S{_BODY}").ravel().astype("datetime64[ms]")
    except ValueError:
        # Some second is a 60th or some day a 30th of February: the careful parser says which.
        return times, np.zeros(len(rows), np.bool_)
    times[good] = seconds.astype(np.int64)
    for column, scale in zip(fraction[:3], (100, 10, 1), strict=False):
        times[good] += digits[good, column].astype(np.int64) * scale
    return times, good
