"""A CSV file with faults in it. Lines that nothing changes in keep their bytes."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from driftgauge.counted import counted
from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind, value_of_text
from driftgauge.profiles.profile import category_text
from driftgauge.runtime.injecting.table_rows import TableFaults
from driftgauge.sources.csv_file import CsvFile


def injected_csv(path: Path, reader: CsvFile, faults: TableFaults) -> Iterator[bytes]:
    """The file in pieces. InputError for rows that can't be read."""
    names, number = reader.columns, -1
    for cells, raw in _rows(path, reader.delimiter):
        if number < 0 or not cells:  # The header; an empty line is no row.
            number += bool(cells)
            yield raw.encode()
            continue
        if len(cells) != len(names):
            raise InputError(
                f"{path.name}: row {number + 1} has {counted(len(cells), 'cells')}, the header has {len(names)}"
            )
        values = _Cells(dict(zip(names, cells, strict=True)), faults.kinds)
        changes = faults.changes(number, faults.time(number, values.text(faults.columns.timestamp)), values)
        number += 1
        if changes:
            texts = [_text(changes[name]) if name in changes else cell for name, cell in zip(names, cells, strict=True)]
            yield _line(texts, reader.delimiter, raw)
        elif changes is not None:
            yield raw.encode()


class _Cells(Mapping[str, Any]):
    """The values of a row, each made of its text when it is asked for."""

    def __init__(self, texts: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
        self._texts, self._kinds = texts, kinds

    def text(self, name: str | None) -> str | None:
        return self._texts[name] if name is not None else None

    def __getitem__(self, name: str) -> Any:
        text = self._texts[name]
        return value_of_text(text, self._kinds.get(name)) if text else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _rows(path: Path, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Cells and text of each row, of which a quoted cell may make several lines."""
    taken: list[str] = []

    def lines(text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            taken.append(line)
            yield line

    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
            for cells in csv.reader(lines(text), delimiter=delimiter):
                yield cells, "".join(taken)
                taken.clear()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: can't be read as CSV: {error}") from None


def _line(texts: Sequence[str], delimiter: str, raw: str) -> bytes:
    """The row's line, ended as it was in `raw`."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator=raw[len(raw.rstrip("\r\n")) :]).writerow(texts)
    return line.getvalue().encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return category_text(value) if isinstance(value, bool) else str(value)
