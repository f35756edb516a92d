"""Reads the reference for `profile build`: two passes, one to learn what the columns hold, one to gather them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from driftgauge.errors import InputError
from driftgauge.profiles.build import Reference
from driftgauge.profiles.kinds import Kind
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import MAX_FEATURES, MAX_NAME
from driftgauge.profiles.reference import ColumnGatherer, NumericColumn, Tags
from driftgauge.profiles.tag_text import tag_text
from driftgauge.sources.columns import Columns
from driftgauge.sources.reference_kinds import Choices, chosen_kinds
from driftgauge.sources.table_paths import reader_of, table_files
from driftgauge.sources.tables import Table, guess_kinds, open_tables


def read_reference(
    paths: Sequence[str | Path],
    columns: Columns,
    choices: Choices,
    *,
    sort: bool = False,
    rows: int | None = None,
    progress: Callable[[str, float], None] = lambda _name, _done: None,
) -> tuple[Reference, list[Note]]:
    """The first `rows` rows (None: all) of the files, as columns. `progress` gets a file's name and share read.

    InputError for files that aren't tables, for events instead of rows, for feature columns that a profile can't hold,
    and for choices that don't fit the columns.
    """
    for path in table_files(paths):
        if reader_of(path).canonical:
            raise InputError(f"{path.name}: holds events; a profile is built from rows, one flat object a line")
    unread = open_tables(paths, columns, kinds={}, sort=sort)
    _check_names(unread, columns)
    guesses = guess_kinds([table.reader for table in unread], columns)
    kinds, notes = chosen_kinds(guesses.columns, choices, score=columns.score)
    tables = open_tables(paths, columns, kinds=kinds, sort=sort)
    return _gather(tables, columns, kinds, rows, progress), notes


def _check_names(tables: Sequence[Table], columns: Columns) -> None:
    for table in tables:
        for name in (*table.feature_names, *([columns.segment] if columns.segment is not None else ())):
            if not name:
                position = list(table.reader.columns).index(name) + 1
                raise InputError(
                    f"{table.name}: column {position} has no name; give it one in the file, or name the features "
                    "with --features a,b,c"
                )
            if len(name) > MAX_NAME:
                raise InputError(
                    f"{table.name}: the name of column {name[:40] + '…'!r} has {len(name)} characters, at most "
                    f"{MAX_NAME} are possible; rename it in the file, or name the features with --features a,b,c"
                )
    features = {name for table in tables for name in table.feature_names}
    if len(features) > MAX_FEATURES:
        raise InputError(
            f"{len(features):,} feature columns, a profile holds at most {MAX_FEATURES:,}; "
            "name those to watch with --features a,b,c, or --exclude some"
        )


def _gather(
    tables: Sequence[Table],
    columns: Columns,
    kinds: dict[str, Kind],
    rows: int | None,
    progress: Callable[[str, float], None],
) -> Reference:
    gatherers = {name: ColumnGatherer(kind) for name, kind in kinds.items()}
    tags = ColumnGatherer("string")
    times, files, read = [], [], 0
    for table in tables:
        if rows is not None and read >= rows:
            break
        files.append(table.name)
        for chunk in table.chunks():
            taken = len(chunk) if rows is None else min(len(chunk), rows - read)
            times.append(chunk.timestamps[:taken])
            for name, gatherer in gatherers.items():
                values = chunk.columns.get(name)
                gatherer.extend(values[:taken] if values is not None else [None] * taken)
            if columns.segment is not None:
                tags.extend(map(tag_text, chunk.columns[columns.segment][:taken]))
            read += taken
            progress(table.name, chunk.done)
            if read == rows:
                break
    gathered = {name: gatherer.column() for name, gatherer in gatherers.items()}
    names = dict.fromkeys(name for table in tables for name in table.feature_names)
    score = gathered[columns.score] if columns.score is not None else None
    return Reference(
        files,
        np.concatenate(times),
        {name: gathered[name] for name in names},
        gathered[columns.prediction] if columns.prediction is not None else None,
        score if isinstance(score, NumericColumn) else None,
        gathered[columns.actual] if columns.actual is not None else None,
        timed=columns.timed,
        tags=Tags(columns.segment, tags.coded()) if columns.segment is not None else None,
    )
