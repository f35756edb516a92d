"""Tables as replay sources for `backtest`: named apart, with the share read, and checked against the profile."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from driftgauge.engine.model import Model
from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.profiles.profile import Profile
from driftgauge.sources.columns import Columns
from driftgauge.sources.rows import Reader, Rows
from driftgauge.sources.tables import Table

_SHOWN = 5


class Reading:
    """A reader that remembers how much of its file has been read: `done` in [0, 1]. Otherwise the reader it wraps."""

    def __init__(self, reader: Reader) -> None:
        """Nothing read yet."""
        self._reader = reader
        self.done = 0.0

    @property
    def columns(self) -> Sequence[str]:
        """See Reader."""
        return self._reader.columns

    @property
    def canonical(self) -> bool:
        """See Reader."""
        return self._reader.canonical

    @property
    def reads_text(self) -> bool:
        """See Reader."""
        return self._reader.reads_text

    def rows(self, used: Sequence[str], timestamp: str | None, kinds: Mapping[str, Kind]) -> Iterator[Rows]:
        """See Reader."""
        for rows in self._reader.rows(used, timestamp, kinds):
            self.done = rows.done
            yield rows

    def guess_kinds(self, used: Sequence[str], guesses: Any) -> None:
        """See Reader."""
        self._reader.guess_kinds(used, guesses)


class WatchedTables:
    """Tables whose reading can be followed. Their names are made distinct: a name is a source's identity."""

    def __init__(self, tables: Sequence[Table]) -> None:
        """Nothing read yet."""
        self._readings = [Reading(table.reader) for table in tables]
        names = _distinct([table.name for table in tables])
        self.tables = [
            dataclasses.replace(table, name=name, reader=reading)
            for table, name, reading in zip(tables, names, self._readings, strict=True)
        ]

    @property
    def done(self) -> float:
        """Share of all bytes read so far."""
        total = sum(table.size_bytes for table in self.tables)
        read = sum(table.size_bytes * r.done for table, r in zip(self.tables, self._readings, strict=True))
        return read / total if total else 1.0


def _distinct(names: Sequence[str]) -> list[str]:
    """`a.csv, a.csv` (of two folders) become `a.csv, a.csv (2)`."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def mismatches(tables: Sequence[Table], columns: Columns, profile: Profile) -> list[str]:
    """What the profile expects and a table lacks, in words.

    InputError if a table has none of the features, or `--exclude` takes one away.
    """
    out = []
    for table in tables:
        if table.canonical:
            continue
        excluded = [name for name in columns.exclude if name in profile.features]
        if excluded:
            names = ",".join(excluded)
            raise InputError(
                f"--exclude {names}: the profile holds what this leaves out, so it would count as missing in every "
                f"row, which is an alert; leave the option out, or build the profile with --exclude {names} too"
            )
        absent = [name for name in profile.features if name not in table.feature_names]
        if len(absent) == len(profile.features):
            expected = ", ".join(absent[:_SHOWN]) + (" …" if len(absent) > _SHOWN else "")
            raise InputError(
                f"{table.name}: has none of the profile's features ({expected}){_meant(absent, table)}; "
                f"is it a file of {profile.model_id}?"
            )
        out += [
            f"{table.name} has no column {name!r}: it counts as missing in every row{_meant([name], table)}"
            for name in absent
        ]
        out += _output_mismatches(table, columns, profile)
    return out


def _output_mismatches(table: Table, columns: Columns, profile: Profile) -> Iterator[str]:
    output = profile.prediction
    if output is None:
        return
    if columns.prediction is None and columns.score is None:
        yield f"{table.name}: no column is named as the model's output, so it isn't watched; name --prediction, --score"
    elif columns.score is None and output.score is not None and output.label is not None:
        yield f"{table.name}: the profile has a score too; name its column with --score to watch it"


def segment_mismatch(tables: Sequence[Table], columns: Columns, model: Model) -> str | None:
    """What is to know of `--segment` beside the segments that are watched; None if it is as it should be."""
    if all(table.canonical for table in tables) or columns.segment == (model.tag or None):
        return None
    if model.tag:
        return f"no row is in a segment, since those watched are by {model.tag}: name its column, --segment {model.tag}"
    return f"no segment is watched: build the profile with --segment {columns.segment} too"


def _meant(names: Sequence[str], table: Table) -> str:
    for name in names:
        near = difflib.get_close_matches(name.lower(), [column.lower() for column in table.feature_names], n=1)
        if near:
            exact = next(column for column in table.feature_names if column.lower() == near[0])
            return f"; did you mean {exact!r}?"
    return ""
