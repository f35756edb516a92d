"""What a person should know about a column of the reference: warnings, and hints at better choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from driftgauge.profiles.bins import whole_values
from driftgauge.profiles.profile import CategoricalField, NumericField, category_text
from driftgauge.profiles.reference import CodedColumn, Column, NumericColumn
from driftgauge.timestamps import parse_timestamp

# Integers of few values may be codes. With two values both readings tell the same.
_FEW = (3, 20)
_ROWS_PER_VALUE = 5
_LOOKED_AT = 20


class Note(NamedTuple):
    """One line for the person who builds a profile."""

    level: Literal["warning", "hint"]
    text: str


UNTIMED = Note(
    "hint",
    "the rows' time isn't given, so what a feature does by the hour is learned from production, in days; until then "
    "only large changes count: --timestamp COL says it",
)


def notes_on(
    name: str, column: Column, field: NumericField | CategoricalField | None, *, timed: bool
) -> Iterator[Note]:
    """Notes on a feature; `field` None means that nothing in the column could be used.

    `timed` says that another column gives the rows' time already.
    """
    if field is None:
        yield Note("warning", f'"{name}" is empty in every row: left out of the profile')
        return
    wrong = field.counts[field.bins + field.cell_names[field.bins :].index("invalid")]
    if wrong:
        yield Note("warning", f'"{name}" has {wrong:,} {_values(wrong)} of another type: they count as invalid')
    if isinstance(field, NumericField):
        yield from _numeric(name, column, field)
    else:
        yield from _categorical(name, column, field, timed=timed)


def _values(count: int) -> str:
    return "value" if count == 1 else "values"


def _numeric(name: str, column: Column, field: NumericField) -> Iterator[Note]:
    if field.minimum == field.maximum:
        text = f'"{name}" is constant ({field.minimum:g}): any other value will be out of range'
        yield Note("warning", text)
    if not isinstance(column, NumericColumn):
        return
    whole = whole_values(column, _FEW[1])
    rows = int(np.isfinite(column.values).sum())
    if whole is not None and len(whole) >= _FEW[0] and rows >= _ROWS_PER_VALUE * len(whole):
        text = f'"{name}" has {len(whole)} distinct integers; --categorical {name} treats it as categorical'
        yield Note("hint", text)


def _categorical(name: str, column: Column, field: CategoricalField, *, timed: bool) -> Iterator[Note]:
    known = len(field.categories) + len(field.known_other)
    present = sum(field.counts[: field.bins + 1])
    if known == 1:
        text = f'"{name}" is constant ({category_text(field.categories[0])}): any other value will be unseen'
        yield Note("warning", text)
    if isinstance(column, CodedColumn) and field.value_type == "string" and _are_times(field.categories):
        fix = f"--exclude {name} leaves it out" if timed else f"--timestamp {name} reads it as the rows' time"
        yield Note("hint", f'"{name}" looks like a time; {fix}')
    elif field.other_open or (present > _LOOKED_AT and 2 * known > present):
        text = f'"{name}" has {known:,}{"+" if field.other_open else ""} distinct values in {present:,} rows'
        yield Note("hint", f"{text}: if it is an identifier, --exclude {name}")


def _are_times(categories: list[str | int | bool]) -> bool:
    shown = [c for c in categories[:_LOOKED_AT] if isinstance(c, str)]
    try:
        return all("-" in text and parse_timestamp(text) is not None for text in shown)
    except ValueError:
        return False
