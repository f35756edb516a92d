"""A detector's settings: documented defaults, overridden from the configuration.

Settings arrive as plain JSON values that someone typed. What is unknown, of another type or not finite is refused
here, with the names that would have been right, so that a detector's own file only states its ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_TYPE_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}

_LARGEST = 1 << 53


def override(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with `settings` put over them, each of its default's type. ValueError names what doesn't fit."""
    resolved = dict(defaults)
    for name, value in settings.items():
        if name not in defaults:
            raise ValueError(f"unknown setting {name!r}; known: {', '.join(defaults) or 'none'}")
        resolved[name] = _typed(name, value, type(defaults[name]))
    return resolved


def _typed(name: str, value: Any, kind: type) -> Any:
    # JSON has one kind of number, so 1 is a fine float; but true is no number.
    number = value
    if kind is float and type(value) is int and abs(value) <= _LARGEST:
        number = float(value)
    if type(number) is not kind or (isinstance(number, float) and not math.isfinite(number)):
        raise ValueError(f"setting {name!r} must be {_TYPE_NAMES[kind]}, not {value!r}")
    return number


def require(condition: bool, message: str) -> None:  # noqa: FBT001
    """ValueError with `message` unless `condition` holds: a detector's ranges, one line each."""
    if not condition:
        raise ValueError(message)
