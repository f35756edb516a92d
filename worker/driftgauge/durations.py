"""Durations as people write them: `10s`, `5m`, `1h`, `1d`; inside the program always integer milliseconds."""

from __future__ import annotations

import re
from functools import lru_cache

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PATTERN = re.compile(r"(\d+)\s*(ms|s|m|h|d)", re.ASCII)


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> int:
    """`"90s"` -> 90000. ValueError, with an example in it, for anything but a whole number and a unit."""
    match = _PATTERN.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no duration; write a whole number and a unit: 10s, 5m, 1h, 1d")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(ms: int) -> str:
    """The shortest exact text: 60000 -> `1m`, 86400000 -> `1d`, 90000 -> `90s`."""
    unit = next(u for u in ("d", "h", "m", "s", "ms") if ms % _UNITS[u] == 0)
    return f"{ms // _UNITS[unit]}{unit}"
