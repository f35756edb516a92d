"""Kinds of columns, and how text that stands for a value is read.

A CSV file holds nothing but text: what a cell means is decided per column, by the profile or by a guess over the whole
reference. Promises: a cell that doesn't fit its column's kind stays text, so that it is seen as invalid later and is
never silently turned into something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from driftgauge.profiles.profile import NumericField, Profile, ProfileField

Kind = Literal["numeric", "string", "integer", "boolean"]

# Python's float() also takes "1_000"; people who write that mean text.
_NUMBER = re.compile(r"\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE)
# What fits 64 bits; JSON libraries read longer ones as doubles.
_WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
_ZERO_LED = re.compile(r"\s*[+-]?0\d", re.ASCII)
_BOOLEANS = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
# Up to here every whole double is one integer and the other way round.
EXACT = 1 << 53


def kind_of_text(text: str) -> Kind:
    """What a cell's text looks like on its own: numeric, boolean, else string ("01234" is a code, no number)."""
    if text in _BOOLEANS:
        return "boolean"
    return "numeric" if _NUMBER.fullmatch(text) and not _ZERO_LED.match(text) else "string"


def value_of_text(text: str, kind: Kind | None) -> str | float | bool:
    """A cell's value in a column of `kind` (None: whatever it looks like); the text itself where it doesn't fit."""
    kind = kind or kind_of_text(text)
    if kind == "boolean":
        return _BOOLEANS.get(text, text)
    if kind == "string" or not _NUMBER.fullmatch(text):
        return text
    if kind == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def kind_of_field(field: ProfileField) -> Kind:
    """The kind of column that a profile's field expects."""
    return "numeric" if isinstance(field, NumericField) else field.value_type


def kinds_of_profile(
    profile: Profile, *, prediction: str | None = None, score: str | None = None, actual: str | None = None
) -> Mapping[str, Kind]:
    """Kinds of a file's columns by name; `prediction`, `score`, `actual` name the columns of the model's output."""
    kinds: dict[str, Kind] = {name: kind_of_field(field) for name, field in profile.features.items()}
    output = profile.prediction
    if output is None:
        return kinds
    scalar = output.label if output.scalar == "label" else output.score
    for column in (prediction, actual):
        if column is not None and scalar is not None and (column == prediction or output.scalar == "label"):
            kinds[column] = kind_of_field(scalar)
    if score is not None:
        kinds[score] = "numeric"
    return kinds
