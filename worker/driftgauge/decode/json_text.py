"""Reading JSON the tolerant way: what one odd value must not cost the event.

NaN and Infinity tokens, integers of any length and lone surrogates are values here, as in the encoders that emit them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from pydantic_core import from_json

# Nesting is bounded by counting brackets: a limit on depth would move with the interpreter's stack.
MAX_BRACKETS: Final = 150
_MAX_DIGITS = 400


def read_json(value: bytes) -> Any:
    """The JSON value in UTF-8 bytes, the last of duplicate keys winning. ValueError if it is none or nested deeply."""
    try:
        return from_json(value, allow_inf_nan=True)
    except ValueError:
        # It refuses whole documents for a lone surrogate (JavaScript writes them) or a number of 5,000 digits.
        if _brackets(value) > MAX_BRACKETS:
            raise
    return json.loads(value.decode(), parse_int=_integer)


def is_plain(value: bytes) -> bool:
    """Whether a decoder that skips what it doesn't need sees what a full parse would: UTF-8, and nested little."""
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            return False
    return _brackets(value) <= MAX_BRACKETS


def all_plain(values: Sequence[bytes | None], max_bytes: int) -> bool:
    """Whether all of a batch are plain ASCII of up to `max_bytes` for sure, found out in one sweep over their bytes."""
    if not all(values):  # A record without a value.
        return False
    text = b"".join(values)  # type: ignore[arg-type]
    if not text.isascii() or b"[" in text:  # Arrays are rare in events, and lists of braces are short.
        return False
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))  # type: ignore[arg-type]
    braces = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("{"))
    by_value = np.bincount(np.searchsorted(ends, braces, side="right"), minlength=1)
    return bool(by_value.max() <= MAX_BRACKETS and np.diff(ends, prepend=0).max() <= max_bytes)


def _brackets(value: bytes) -> int:
    return value.count(b"{") + value.count(b"[")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; as a float they are infinite, hence invalid.
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
