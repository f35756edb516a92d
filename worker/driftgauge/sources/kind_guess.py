"""A guess at each column's kind, from every value of the reference.

Used by `profile build` (and by `produce` without a profile). Text of CSV cells must fit without exception, or the
column is text; typed values (JSONL) go by majority, and the others count as invalid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind, kind_of_text


@dataclass(slots=True)
class KindGuess:
    """What was seen of one column: how many values looked like what, whether numbers had fractions, an odd example."""

    numeric: int = 0
    boolean: int = 0
    string: int = 0
    fractions: bool = False
    text_source: bool = False
    example: str = ""

    @property
    def kind(self) -> Kind | None:
        """The guess; None if every value was null."""
        counts: dict[Kind, int] = {"numeric": self.numeric, "boolean": self.boolean, "string": self.string}
        total = sum(counts.values())
        if total == 0:
            return None
        kind = max(counts, key=lambda k: counts[k])
        return "string" if self.text_source and counts[kind] < total else kind

    def see(self, value: object, count: int = 1) -> None:
        """Count a value of a typed source."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return
        if isinstance(value, bool):
            self.boolean += count
        elif isinstance(value, int | float):
            self.numeric += count
            self.fractions = self.fractions or (isinstance(value, float) and not value.is_integer())
        else:
            self.string += count
            self.example = self.example or str(value)


class KindGuesses:
    """The guesses of all columns of all files."""

    def __init__(self) -> None:
        self.columns: dict[str, KindGuess] = {}

    def see_texts(self, name: str, array: Any) -> None:
        """Count a CSV column's cells (Arrow strings)."""
        guess = self.columns.setdefault(name, KindGuess(text_source=True))
        if self._see_numbers(guess, array):
            return
        for entry in pc.value_counts(array.drop_null()).to_pylist():
            text, count = entry["values"], entry["counts"]
            match kind_of_text(text):
                case "numeric":
                    guess.see(float(text), count)
                case "boolean":
                    guess.boolean += count
                case _:
                    guess.string += count
                    guess.example = guess.example or text

    def see_values(self, name: str, values: list[Any], where: str) -> None:
        """Count a column of typed values. InputError for a nested one."""
        guess = self.columns.setdefault(name, KindGuess())
        kinds = set(map(type, values))
        if kinds <= {float, int}:
            # The fast way: most columns hold nothing else.
            present = [value for value in values if value == value]  # noqa: PLR0124 (NaN is not itself)
            guess.numeric += len(present)
            guess.fractions = guess.fractions or any(type(v) is float and not v.is_integer() for v in present)
            return
        for value in values:
            if isinstance(value, list | dict):
                raise InputError(f"{where}: column {name!r} holds nested values; flatten it or --exclude {name}")
            guess.see(value)

    def see_type(self, name: str, kind: Kind | None, *, whole: bool) -> None:
        """Note a column whose type the file declares."""
        guess = self.columns.setdefault(name, KindGuess())
        if kind is not None:
            setattr(guess, kind, getattr(guess, kind) + 1)
        guess.fractions = guess.fractions or not whole

    @staticmethod
    def _see_numbers(guess: KindGuess, array: Any) -> bool:
        """The fast way for a column that is all numbers; False if it isn't (nothing counted then)."""
        try:
            numbers = pc.cast(array, pa.float64())
        except pa.ArrowInvalid:
            return False
        if pc.any(pc.match_substring_regex(array, r"^\s*[+-]?0\d")).as_py():
            return False
        present = pc.drop_null(numbers)
        guess.numeric += len(present)
        whole = pc.all(pc.equal(pc.floor(present), present), min_count=0).as_py()
        guess.fractions = guess.fractions or not whole
        return True
