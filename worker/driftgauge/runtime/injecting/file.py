"""A file written again with faults in it: CSV, JSONL or Parquet, of rows or of events, in the format that it has.

Promises: the file of the old name stays as it is until the new one is complete, and the same records are hit as in a
backtest of the file that is given the same faults.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from driftgauge.errors import ConfigError
from driftgauge.injection.event_row import shape_of
from driftgauge.injection.faults import Fault, faults_of
from driftgauge.injection.fields import fields_of_profile
from driftgauge.injection.injector import Injector
from driftgauge.injection.records import injected
from driftgauge.profiles.kinds import kinds_of_profile
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.runtime.injecting.csv_rows import injected_csv
from driftgauge.runtime.injecting.jsonl_rows import injected_jsonl
from driftgauge.runtime.injecting.parquet_rows import write_injected_parquet
from driftgauge.runtime.injecting.table_rows import TableFaults, fields_of_table
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.csv_file import CsvFile
from driftgauge.sources.parquet_file import ParquetFile
from driftgauge.sources.rows import Reader
from driftgauge.sources.table_paths import reader_of, table_name
from driftgauge.sources.tables import open_tables

# What may give whole numbers a fraction.
_OF_NUMBERS = ("unit", "shift", "ramp")


class Hit(NamedTuple):
    """A fault, and how many records it changed, dropped or delayed."""

    fault: Fault
    records: int


def inject_file(
    path: Path, out: Path, texts: Sequence[str], *, seed: int, columns: Columns, profile: Profile | None
) -> list[Hit]:
    """Write `path` to `out` with the faults of `texts`. ConfigError or InputError for what doesn't fit together."""
    if path.suffixes[-1:] != out.suffixes[-1:] or _inner(path) != _inner(out):
        raise ConfigError(
            f"--out {out}: is of another format than {path.name}, and formats are kept; name it like that"
        )
    reader = reader_of(path)
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        partial.touch()
        if reader.canonical:
            injector, faults = _write_events(path, partial, texts, seed, columns, profile)
        else:
            injector, faults = _write_table(path, partial, texts, seed, columns, profile, reader)
        os.replace(partial, out)  # noqa: PTH105 (says better what it does)
    except OSError as error:
        raise ConfigError(f"--out {out}: can't be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return [Hit(fault, records) for fault, records in zip(faults, injector.hits, strict=True)]


def _write_events(
    path: Path, out: Path, texts: Sequence[str], seed: int, columns: Columns, profile: Profile | None
) -> tuple[Injector, list[Fault]]:
    if profile is None:
        raise ConfigError(f"{path.name} is a file of events; which fields these have is said by --profile P")
    faults = faults_of(texts, fields_of_profile(profile))
    injector = Injector(Source(table_name(path.name), 0), faults, seed)
    [table] = open_tables([path], columns, kinds={})
    batches = record_batches(table, columns, model_id=profile.model_id, model_version=profile.model_version)
    done = injected(batches, injector, shape_of(profile))
    _write(out, path, (value + b"\n" for batch in done for value in batch.values if value is not None))
    return injector, faults


def _write_table(
    path: Path,
    out: Path,
    texts: Sequence[str],
    seed: int,
    columns: Columns,
    profile: Profile | None,
    reader: Reader,
) -> tuple[Injector, list[Fault]]:
    columns.check(reader.columns, path.name)
    known = fields_of_profile(profile) if profile is not None else {}
    fields, places = fields_of_table(columns, list(reader.columns), known)
    faults = faults_of(texts, fields)
    for fault in faults:
        if fault.spec.kind == "delay":
            raise fault.spec.error(
                "rows of a table are by time, so none can be late; give it to backtest, or to a file of events"
            )
    injector = Injector(Source(table_name(path.name), 0), faults, seed)
    named = {"prediction": columns.prediction, "score": columns.score, "actual": columns.actual}
    kinds = kinds_of_profile(profile, **named) if profile is not None else {}
    hit = {fault.field: places[fault.field] for fault in faults if fault.field is not None}
    table = TableFaults(path.name, injector, columns, hit, kinds)
    if isinstance(reader, CsvFile):
        _write(out, path, injected_csv(path, reader, table))
    elif isinstance(reader, ParquetFile):
        write_injected_parquet(
            path, out, table, {hit[f.field] for f in faults if f.field and f.spec.kind in _OF_NUMBERS}
        )
    else:
        _write(out, path, injected_jsonl(path, table))
    return injector, faults


def _write(out: Path, like: Path, pieces: Iterable[bytes]) -> None:
    """Packed if `like` is."""
    with cast("BinaryIO", gzip.open(out, "wb") if like.suffix == ".gz" else out.open("wb")) as file:
        for piece in pieces:
            file.write(piece)


def _inner(path: Path) -> str:
    """The ending below `.gz`."""
    return path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
