"""A detector's settings: documented defaults, overridden from the configuration.

Settings arrive as plain JSON values that someone typed. What is unknown, of another type or not finite is refused
here, with the names that would have been right, so that a detector's own file only states its ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

_TYPE_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a text", list: "a list of texts"}

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
    fits = type(number) is kind and not (isinstance(number, float) and not math.isfinite(number))
    if not fits or (isinstance(number, list) and not all(isinstance(entry, str) for entry in number)):
        raise ValueError(f"setting {name!r} must be {_TYPE_NAMES[kind]}, not {value!r}")
    return number


def require(condition: bool, message: str) -> None:  # noqa: FBT001
    """ValueError with `message` unless `condition` holds: a detector's ranges, one line each."""
    if not condition:
        raise ValueError(message)


def place(settings: Mapping[str, Any]) -> tuple[Literal["pane", "event"], dict[str, Any]]:
    """What a detector that can do both is to look at, by the setting `on` (default pane); and the other settings."""
    others = dict(settings)
    on = others.pop("on", "pane")
    require(on in ("pane", "event"), f"on must be pane or event, not {on!r}")
    require(on == "event" or "confirm" not in others, "confirm goes with on: event; on panes it is always confirmed")
    return on, others
