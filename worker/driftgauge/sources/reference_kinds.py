"""What the columns of a reference are: by guess, unless the user says so. The same for files and for topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.profiles.notes import Note
from driftgauge.sources.kind_guess import KindGuess

# A text column of which this share are numbers was probably meant to be numeric.
_MOSTLY = 0.9


class Choices(NamedTuple):
    """Columns whose kind the user forces."""

    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()


def chosen_kinds(
    guesses: Mapping[str, KindGuess], choices: Choices, *, score: str | None
) -> tuple[dict[str, Kind], list[Note]]:
    """Kind by column, and notes on doubtful ones; the column `score` is numeric in any case.

    InputError for choices that don't fit the columns.
    """
    _check_choices(choices, guesses)
    kinds: dict[str, Kind] = {}
    notes: list[Note] = []
    for name, guess in guesses.items():
        kinds[name] = _kind(name, guess, choices, score)
        notes += _note_on_guess(name, guess, choices)
    return kinds, notes


def _kind(name: str, guess: KindGuess, choices: Choices, score: str | None) -> Kind:
    if name in choices.numeric or name == score:
        return "numeric"
    if name in choices.categorical and guess.kind == "numeric":
        return "integer"
    # A column without any value fits every kind; as numeric it is plainly missing.
    return guess.kind or "numeric"


def _check_choices(choices: Choices, guesses: Mapping[str, KindGuess]) -> None:
    for option, names in (("--categorical", choices.categorical), ("--numeric", choices.numeric)):
        for name in names:
            if name not in guesses:
                raise InputError(f"{option} {name}: no such feature column; there are {', '.join(guesses)}")
    both = set(choices.categorical) & set(choices.numeric)
    if both:
        raise InputError(f"--categorical and --numeric both name {', '.join(sorted(both))}")
    for name in choices.categorical:
        if guesses[name].kind == "numeric" and guesses[name].fractions:
            raise InputError(f"--categorical {name}: the column holds fractions; only whole numbers can be categories")
    for name in choices.numeric:
        if not guesses[name].numeric:
            raise InputError(f"--numeric {name}: the column holds no number")


def _note_on_guess(name: str, guess: KindGuess, choices: Choices) -> list[Note]:
    total = guess.numeric + guess.boolean + guess.string
    meant = guess.kind == "string" and guess.numeric >= _MOSTLY * total and guess.example != ""
    if not meant or name in (*choices.categorical, *choices.numeric):
        return []
    text = f'"{name}" is taken as text: {guess.string:,} of {total:,} cells are no numbers, e.g. {guess.example[:40]!r}'
    return [Note("warning", f"{text}; --numeric {name} takes it as numeric and those as invalid")]
