"""Files as tables: CSV, JSONL and Parquet, streamed in chunks of rows with their event times.

`profile build`, `produce` and `backtest` all read through here. Promises: bounded memory (but with `sort`), times in
order within each file or an error that names the rows, and the same values wherever a chunk ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.errors import ConfigError, InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.sources.columns import Columns
from driftgauge.sources.events_in_files import event_time
from driftgauge.sources.kind_guess import KindGuesses
from driftgauge.sources.rows import Reader, Rows
from driftgauge.sources.table_paths import reader_of, table_files
from driftgauge.sources.times import check_order, check_years, times_of
from driftgauge.timestamps import LAST_MS, format_timestamp

# Few enough that progress moves on, and a multiple of what a batch of records holds.
_SORTED_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first_row`... of a table (counted from 0): `timestamps` int64 ms [n], the used columns' values by name.

    `raw` holds the lines instead where the file is one of canonical events; its `timestamps` then are those of rows
    without a time column, for events that carry none. `odd`: see `Rows`. `done` is the share of the file up to here: of
    its bytes, or of its rows where they were sorted, since then all are read before the first is there.
    """

    first_row: int
    timestamps: NDArray[np.int64]
    columns: Mapping[str, list[Any]]
    done: float
    odd: frozenset[str] = frozenset()
    raw: Sequence[bytes] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.timestamps)

    def part(self, start: int, stop: int) -> Chunk:
        """Rows `start` to `stop` of a table that is in this one chunk."""
        return Chunk(
            start,
            self.timestamps[start:stop],
            {name: values[start:stop] for name, values in self.columns.items()},
            min(stop / len(self), 1.0),
            self.odd,
            self.raw[start:stop] if self.raw is not None else None,
        )


@dataclass(frozen=True)
class Table:
    """One file. `feature_names` are its feature columns, in the file's order; empty for a file of events."""

    name: str
    size_bytes: int
    canonical: bool
    feature_names: tuple[str, ...]
    reader: Reader
    columns: Columns
    kinds: Mapping[str, Kind]
    sort: bool

    def chunks(self) -> Iterator[Chunk]:
        """The table's rows from the first on; may be called again. InputError for what can't be read."""
        if not self.sort:
            yield from self._in_file_order()
            return
        whole = _sorted(list(self._in_file_order()))
        for start in range(0, len(whole), _SORTED_ROWS):
            yield whole.part(start, start + _SORTED_ROWS)

    def _in_file_order(self) -> Iterator[Chunk]:
        columns, first, last = self.columns, 0, None
        for rows in self.reader.rows(columns.used(self.reader.columns), columns.timestamp, self.kinds):
            times = self._times(rows, first)
            if not self.sort and not self.canonical:
                check_order(times, last, first, self.name)
            yield Chunk(first, times, rows.values, rows.done, rows.odd, rows.raw)
            first, last = first + rows.size, int(times[-1])
        if first == 0:
            raise InputError(f"{self.name}: has no rows")

    def _times(self, rows: Rows, first: int) -> NDArray[np.int64]:
        if rows.times is not None:
            times = times_of(rows.times, first, self.name)
            check_years(times, first, self.name)
            return times
        self._check_counted(first + rows.size - 1)
        counted = self.columns.start + self.columns.interval * np.arange(first, first + rows.size, dtype=np.int64)
        if rows.raw is None or not self.sort:
            return counted
        found = [event_time(line) for line in rows.raw]
        return np.array([t if t is not None else int(c) for t, c in zip(found, counted, strict=True)], np.int64)

    def _check_counted(self, last_row: int) -> None:
        start, interval = self.columns.start, self.columns.interval
        if start + interval * last_row > LAST_MS:
            raise InputError(
                f"{self.name}: row {last_row + 1} would lie beyond the year 9999 with --start "
                f"{format_timestamp(start)} and --interval {format_duration(interval)}; "
                "give an earlier start or a shorter interval"
            )


def _sorted(chunks: Sequence[Chunk]) -> Chunk:
    """All rows as one chunk, by time; rows of the same time stay in the file's order."""
    times = np.concatenate([chunk.timestamps for chunk in chunks])
    order = np.argsort(times, kind="stable")
    names = dict.fromkeys(name for chunk in chunks for name in chunk.columns)
    columns: dict[str, list[Any]] = {}
    for name in names:
        values = [value for chunk in chunks for value in chunk.columns[name]]
        columns[name] = [values[i] for i in order]
    raw = [line for chunk in chunks for line in chunk.raw or ()]
    odd = frozenset().union(*(chunk.odd for chunk in chunks))
    return Chunk(0, times[order], columns, 1.0, odd, [raw[i] for i in order] if raw else None)


def open_tables(
    paths: Sequence[str | Path], columns: Columns, *, kinds: Mapping[str, Kind] | None, sort: bool = False
) -> Sequence[Table]:
    """The tables behind files, folders and globs, columns checked; nothing but heads is read yet.

    `kinds` says how the text of CSV cells is read (`kinds_of_profile`); None guesses it over all files, which reads
    CSV files once more. ConfigError for options that say nothing of such files.
    """
    readers = [(path, reader_of(path)) for path in table_files(paths)]
    _check_options(columns, [reader for _, reader in readers], sort=sort)
    for path, reader in readers:
        if not reader.canonical:
            columns.check(reader.columns, path.name)
    if kinds is None:
        guesses = guess_kinds([reader for _, reader in readers if reader.reads_text], columns)
        kinds = {name: guess.kind for name, guess in guesses.columns.items() if guess.kind is not None}
    kinds = {**kinds, **_text_of_tags(columns)}
    return [
        Table(
            path.name,
            path.stat().st_size,
            reader.canonical,
            () if reader.canonical else tuple(columns.features_of(reader.columns)),
            reader,
            columns,
            kinds,
            sort,
        )
        for path, reader in readers
    ]


def _check_options(columns: Columns, readers: Sequence[Reader], *, sort: bool) -> None:
    if sort and columns.timestamp is None and not any(reader.canonical for reader in readers):
        raise ConfigError("--sort puts rows in the order of their times: name the column, --timestamp COL")


def _text_of_tags(columns: Columns) -> dict[str, Kind]:
    """A tag is the text that stands in the cell (07 is no 7), unless its column is a feature too."""
    if columns.segment is None or columns.segment in (columns.features or ()):
        return {}
    return {columns.segment: "string"}


def guess_kinds(readers: Sequence[Reader], columns: Columns) -> KindGuesses:
    """What the used columns of all files hold, the time column aside."""
    guesses = KindGuesses()
    for reader in readers:
        reader.guess_kinds([name for name in columns.used(reader.columns) if name != columns.timestamp], guesses)
    return guesses
