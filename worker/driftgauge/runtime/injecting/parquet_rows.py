"""A Parquet file with faults in it. Its columns keep their types, but for whole numbers that get a fraction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftgauge.errors import InputError
from driftgauge.runtime.injecting.table_rows import TableFaults
from driftgauge.sources.arrow_values import values_of_typed
from driftgauge.sources.times import times_of

_BATCH = 8192


def write_injected_parquet(path: Path, out: Path, faults: TableFaults, fractions: Collection[str]) -> None:
    """Write the file again. `fractions`: columns of which whole numbers and decimals become doubles.

    InputError for what can't be read, and for a value that its column can't hold.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = _schema(file.schema_arrow, fractions, faults)
            with pq.ParquetWriter(out, schema) as writer:
                first = 0
                for batch in file.iter_batches(batch_size=_BATCH):
                    writer.write_batch(_injected(batch, first, schema, faults))
                    first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path.name}: {error}") from None


def _schema(schema: Any, fractions: Collection[str], faults: TableFaults) -> Any:
    for column in faults.places.values():
        place = schema.get_field_index(column)
        held = schema.field(place)
        if pa.types.is_dictionary(held.type):
            held = held.with_type(held.type.value_type)
        if column in fractions and (pa.types.is_integer(held.type) or pa.types.is_decimal(held.type)):
            held = held.with_type(pa.float64())
        schema = schema.set(place, held)
    return schema


def _injected(batch: Any, first: int, schema: Any, faults: TableFaults) -> Any:
    columns = {name: values_of_typed(batch.column(name)) for name in set(faults.places.values())}
    times = _times(batch, first, faults)
    kept = np.ones(batch.num_rows, np.bool_)
    changed: dict[str, dict[int, Any]] = {name: {} for name in columns}
    for i in range(batch.num_rows):
        row = {name: values[i] for name, values in columns.items()}
        changes = faults.changes(first + i, int(times[i]), row)
        if changes is None:
            kept[i] = False
            continue
        for name, value in changes.items():
            changed[name][i] = value
    arrays = [
        _column(batch.column(held.name), held, changed.get(held.name, {}), faults.name)
        if held.name in changed
        else batch.column(held.name)
        for held in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema).filter(pa.array(kept))


def _column(array: Any, held: Any, changed: Mapping[int, Any], where: str) -> Any:
    """The column with what changed in it, by row."""
    array = pc.cast(array, held.type)
    if not changed:
        return array
    mask = np.zeros(len(array), np.bool_)
    mask[list(changed)] = True
    try:
        values = pc.cast(pa.array([changed.get(i) for i in range(len(array))]), held.type)
    except pa.ArrowException as error:
        raise InputError(f"{where}: column {held.name!r} is of type {held.type}: {error}") from None
    return pc.if_else(pa.array(mask), values, array)


def _times(batch: Any, first: int, faults: TableFaults) -> Any:
    columns = faults.columns
    if columns.timestamp is None:
        return columns.start + columns.interval * np.arange(first, first + batch.num_rows, dtype=np.int64)
    return times_of(batch.column(columns.timestamp), first, faults.name)
