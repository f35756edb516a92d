"""Reading JSON the tolerant way: what one odd value must not cost the event.

NaN and Infinity tokens, integers of any length and lone surrogates are values here, as in the encoders that emit them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import repeat
from operator import contains, methodcaller
from typing import Any, Final

from pydantic_core import from_json

# Nesting is bounded by counting brackets: a limit on depth would move with the interpreter's stack.
MAX_BRACKETS: Final = 150
_at_braces = methodcaller("split", b"{", MAX_BRACKETS)
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
    """Whether all of a batch are plain ASCII of up to `max_bytes` for sure, found out at a tenth of the cost."""
    try:
        return (
            max(map(len, values), default=0) <= max_bytes  # type: ignore[arg-type]
            and all(map(bytes.isascii, values))  # type: ignore[arg-type]
            # Splitting at a rare byte is several times faster than counting it; arrays are rarer still.
            and max(map(len, map(_at_braces, values)), default=0) <= MAX_BRACKETS
            and not any(map(contains, values, repeat(b"[")))  # type: ignore[arg-type]
        )
    except TypeError:  # A record without a value.
        return False


def _brackets(value: bytes) -> int:
    return value.count(b"{") + value.count(b"[")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; as a float they are infinite, hence invalid.
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
