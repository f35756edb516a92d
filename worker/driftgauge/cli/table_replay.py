"""Tables as replay sources for `backtest`: named apart, with the share read, and checked against the profile."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from driftgauge.engine.model import Model
from driftgauge.errors import InputError
from driftgauge.profiles.profile import Profile
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import Chunk, Table

_SHOWN = 5


@dataclass(slots=True)
class _Share:
    """In [0, 1], how much of a file has been taken."""

    done: float = 0.0


@dataclass(frozen=True)
class _WatchedTable(Table):
    """A table that tells how much of it has been taken, which of a sorted one is none while it is read."""

    share: _Share

    def chunks(self) -> Iterator[Chunk]:
        """See Table."""
        for chunk in super().chunks():
            self.share.done = chunk.done
            yield chunk


class WatchedTables:
    """Tables whose reading can be followed. Their names are made distinct: a name is a source's identity."""

    def __init__(self, tables: Sequence[Table]) -> None:
        """Nothing read yet."""
        names = _distinct([table.name for table in tables])
        self.tables = [_watched(table, name) for table, name in zip(tables, names, strict=True)]

    @property
    def done(self) -> float:
        """Share of all bytes whose rows were taken so far."""
        total = sum(table.size_bytes for table in self.tables)
        taken = sum(table.size_bytes * table.share.done for table in self.tables)
        return taken / total if total else 1.0


def _watched(table: Table, name: str) -> _WatchedTable:
    return _WatchedTable(
        name,
        table.size_bytes,
        table.canonical,
        table.feature_names,
        table.reader,
        table.columns,
        table.kinds,
        table.sort,
        _Share(),
    )


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


def unheeded(tables: Sequence[Table], columns: Columns) -> list[str]:
    """What is to know of options that name columns where no file has any."""
    lists = {"--features": columns.features, "--exclude": columns.exclude}
    named = [*columns.named, *(option for option, names in lists.items() if names)]
    if not named or not all(table.canonical for table in tables):
        return []
    return [f"{', '.join(named)}: not heeded, since what is read are events, in which each field has its name"]


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
