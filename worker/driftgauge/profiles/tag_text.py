"""A tag's value as the text that names a segment: the same from a table's cell, from JSON, and in the configuration."""

from __future__ import annotations

import math
from typing import Any

import orjson

from driftgauge.profiles.profile import MAX_NAME, category_text

# Beyond it integers are read as doubles by some, and no two readers would agree.
_TOO_BIG = 1 << 63


def tag_text(value: Any) -> str | None:
    """Texts as they are, numbers and booleans in JSON's spelling, whole ones without a fraction: 7.0 is "7".

    None where it names no segment: null, "", NaN, infinity, an object, a list, or what no profile can hold.
    """
    if isinstance(value, str):
        return value if 0 < len(value) <= MAX_NAME and _is_speakable(value) else None
    if isinstance(value, bool):
        return category_text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        if not value.is_integer():
            return orjson.dumps(value).decode()
        value = int(value)
    return str(value) if isinstance(value, int) and abs(value) < _TOO_BIG else None


def _is_speakable(text: str) -> bool:
    # A lone surrogate can't be written anywhere again.
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
