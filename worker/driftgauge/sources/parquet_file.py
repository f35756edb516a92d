"""Parquet files, streamed in batches of rows; the file's types are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.sources.arrow_values import kind_of_type, unspeakable, values_of_typed
from driftgauge.sources.kind_guess import KindGuesses
from driftgauge.sources.rows import Rows

_BATCH_ROWS = 8192
# Each cell becomes a Python object. What a batch takes is fetched anew from the kernel for the next one.
_BATCH_CELLS = 1 << 20


class ParquetFile:
    """A Parquet file of flat columns."""

    canonical = False
    reads_text = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self._schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path.name}: can't be read as Parquet: {error}") from None
        self.columns = list(self._schema.names)

    def rows(
        self,
        used: Sequence[str],
        timestamp: str | None,
        kinds: Mapping[str, Kind],  # noqa: ARG002 - Parquet has types of its own; a misfit must stay visible
    ) -> Iterator[Rows]:
        """The file's rows."""
        self._check_types([name for name in used if name != timestamp])
        wanted = list(dict.fromkeys([*used, *([timestamp] if timestamp is not None else [])]))
        size = max(1, min(_BATCH_ROWS, _BATCH_CELLS // max(len(wanted), 1)))
        read = 0
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(batch_size=size, columns=wanted):
                    if not batch.num_rows:
                        continue
                    read += batch.num_rows
                    values = {name: values_of_typed(batch.column(name)) for name in used if name != timestamp}
                    odd = frozenset(name for name, column in values.items() if unspeakable(column))
                    times = batch.column(timestamp) if timestamp is not None else None
                    yield Rows(batch.num_rows, values, times, read / max(file.metadata.num_rows, 1), odd)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self._path.name}: can't be read as Parquet: {error}") from None

    def guess_kinds(self, used: Sequence[str], guesses: KindGuesses) -> None:
        """The schema says it all, but for whole numbers in columns of doubles, which the values tell."""
        self._check_types(used)
        doubles = [name for name in used if pa.types.is_floating(self._schema.field(name).type)]
        for name in used:
            if name not in doubles:
                arrow_type = self._schema.field(name).type
                guesses.see_type(name, kind_of_type(arrow_type), whole=not pa.types.is_decimal(arrow_type))
        for rows in self.rows(doubles, None, {}) if doubles else ():
            for name in doubles:
                guesses.see_values(name, list(rows.values[name]), self._path.name)

    def _check_types(self, used: Sequence[str]) -> None:
        for name in used:
            try:
                kind_of_type(self._schema.field(name).type)
            except TypeError as error:
                raise InputError(
                    f"{self._path.name}: column {name!r}: {error}; flatten it or --exclude {name}"
                ) from None
