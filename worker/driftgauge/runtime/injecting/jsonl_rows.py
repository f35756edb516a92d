"""A JSONL file of flat rows with faults in it. Lines that nothing changes in keep their bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from driftgauge.decode.json_text import read_json
from driftgauge.errors import InputError
from driftgauge.runtime.injecting.table_rows import TableFaults


def injected_jsonl(path: Path, faults: TableFaults) -> Iterator[bytes]:
    """The file in pieces. InputError for lines that can't be read."""
    number = 0
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for line in file:
            if not line.strip():  # An empty line is no row.
                yield line
                continue
            try:
                row = read_json(line)
            except ValueError as error:
                raise InputError(f"{path.name}: row {number + 1} is no JSON: {error}") from None
            if not isinstance(row, dict):
                raise InputError(f"{path.name}: row {number + 1} is no JSON object")
            changes = faults.changes(number, faults.time(number, row.get(faults.columns.timestamp)), row)
            number += 1
            if changes:
                yield json.dumps(row | changes).encode() + line[len(line.rstrip(b"\r\n")) :]
            elif changes is not None:
                yield line
