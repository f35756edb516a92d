"""Faults that put another value in a value's place: empty fields, stuck sources, other categories or classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from driftgauge.injection.fields import ABSENT
from driftgauge.profiles.kinds import EXACT
from driftgauge.profiles.profile import category_text


@dataclass(frozen=True, slots=True)
class Null:
    """Nothing is left."""

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """None, whatever was there."""
        return None


@dataclass(frozen=True, slots=True)
class Constant:
    """One value in the place of all, the missing ones too."""

    constant: Any

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """The constant, whatever was there."""
        return self.constant


@dataclass(slots=True)
class Stuck:
    """The first value that is there, in the place of all that follow: a source that is no longer refreshed."""

    first: Any = field(default=ABSENT)

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """The first value; what is missing before it stays."""
        if self.first is ABSENT:
            if value is None:
                return None
            self.first = value
        return self.first


@dataclass(frozen=True, slots=True)
class Swapped:
    """Values that became others, found by their text (JSON's spelling): renamed categories, flipped classes."""

    others: dict[str, Any]

    def of(self, value: Any, time: int) -> Any:  # noqa: ARG002 (a change may go by the time)
        """The other value; one that has none stays."""
        if not isinstance(value, str | bool | int | float):
            return value
        return self.others.get(_text(value), value)


def _text(value: str | bool | float) -> str:  # noqa: FBT001
    # JSON has one kind of number: 1.0 is the category 1. No category is as long as integers may be in JSON.
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    return category_text(value) if abs(value) < EXACT else ""
