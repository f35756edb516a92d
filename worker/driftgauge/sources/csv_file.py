"""CSV files, streamed by pyarrow in blocks of a megabyte. Cells are text; an empty cell is null."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv

from driftgauge.counted import counted
from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.sources.arrow_values import unspeakable, values_of_text
from driftgauge.sources.kind_guess import KindGuesses
from driftgauge.sources.rows import Rows

_BLOCK = 1 << 20
_DELIMITERS = (",", ";", "\t", "|")


class CsvFile:
    """A CSV file with a header line; the delimiter is the one of `, ; tab |` that the header holds most."""

    canonical = False
    reads_text = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns, self.delimiter = _header(path)

    def rows(self, used: Sequence[str], timestamp: str | None, kinds: Mapping[str, Kind]) -> Iterator[Rows]:
        """The file's rows; a column without a kind is read cell by cell for what it looks like."""
        wanted = list(dict.fromkeys([*used, *([timestamp] if timestamp is not None else [])]))
        for batch, done in self._batches(wanted):
            values = {name: values_of_text(batch.column(name), kinds.get(name)) for name in used if name != timestamp}
            odd = frozenset(name for name, column in values.items() if unspeakable(column))
            times = batch.column(timestamp) if timestamp is not None else None
            yield Rows(batch.num_rows, values, times, done, odd)

    def guess_kinds(self, used: Sequence[str], guesses: KindGuesses) -> None:
        """Show every cell's text to `guesses`."""
        for batch, _ in self._batches(used):
            for name in used:
                guesses.see_texts(name, batch.column(name))

    def _batches(self, wanted: Sequence[str]) -> Iterator[tuple[Any, float]]:
        bad: list[Any] = []

        def remember(row: Any) -> str:
            bad.append(row)
            return "error"

        size = max(self._path.stat().st_size, 1)
        file = pa.OSFile(str(self._path))
        stream = pa.CompressedInputStream(file, "gzip") if self._path.suffix == ".gz" else file
        try:
            reader = pcsv.open_csv(
                stream,
                read_options=pcsv.ReadOptions(use_threads=False, block_size=_BLOCK),
                parse_options=pcsv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=remember
                ),
                convert_options=pcsv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=list(wanted),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            for batch in reader:
                if batch.num_rows:
                    yield batch, min(file.tell() / size, 1.0)
        except pa.ArrowInvalid as error:
            raise InputError(f"{self._path.name}: {_explained(error, bad)}") from None
        finally:
            file.close()


def _explained(error: Exception, bad: Sequence[Any]) -> str:
    if bad:
        row = bad[0]
        number = f"line {row.number}" if row.number is not None else f"the line {row.text[:60]!r}"
        return f"{number} has {counted(row.actual_columns, 'cells')}, the header has {row.expected_columns}"
    if "UTF8" in str(error):
        return "is not UTF-8 text; convert it first, e.g. iconv -f latin1 -t utf-8"
    return f"is no CSV that can be read: {error}"


def _header(path: Path) -> tuple[list[str], str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            first = text.readline()
            # A quoted header cell may hold line ends, so the reader gets the rest of the file too.
            delimiter = max(_DELIMITERS, key=first.count)
            names = next(csv.reader(_and_rest(first, text), delimiter=delimiter), [])
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is not UTF-8 text; convert it first, e.g. iconv -f latin1 -t utf-8") from None
    except (OSError, csv.Error) as error:
        raise InputError(f"{path.name}: can't be read as CSV: {error}") from None
    if not names:
        raise InputError(f"{path.name}: is empty; a table needs a header line and rows")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{path.name}: the header names {twice[0]!r} twice; rename one of them")
    return names, delimiter


def _and_rest(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest
