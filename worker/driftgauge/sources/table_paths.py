"""From what stands on the command line (files, folders, globs) to readers of files, in a fixed order."""

from __future__ import annotations

import glob
import gzip
import re
from collections.abc import Sequence
from pathlib import Path

from driftgauge.errors import InputError
from driftgauge.sources.csv_file import CsvFile
from driftgauge.sources.jsonl_file import JsonlFile
from driftgauge.sources.parquet_file import ParquetFile
from driftgauge.sources.rows import Reader

_FORMATS: dict[str, type[CsvFile | JsonlFile | ParquetFile]] = {
    ".csv": CsvFile,
    ".tsv": CsvFile,
    ".jsonl": JsonlFile,
    ".ndjson": JsonlFile,
    ".parquet": ParquetFile,
    ".pq": ParquetFile,
}
_KNOWN = "CSV (.csv, .tsv), JSONL (.jsonl, .ndjson) and Parquet (.parquet, .pq) are; .gz too for the first two"
_GLOB = frozenset("*?[")
# In a backtest a second file of a name is `a.csv (2)`.
_ENDING = re.compile(rf"(?:{'|'.join(map(re.escape, _FORMATS))})(?:\.gz)?(?=$| \(\d+\)$)", re.IGNORECASE)


def table_files(paths: Sequence[str | Path]) -> list[Path]:
    """The files behind `paths`, each once: as given, those of a folder and of a glob by name."""
    files: list[Path] = []
    for path in paths:
        files += _expanded(Path(path))
    return list(dict.fromkeys(files))


def table_name(file: str) -> str:
    """A file's name without what says its format: `live` of `live.csv.gz`, and of `live.parquet`."""
    return _ENDING.sub("", file, count=1)


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and _suffix(p) in _FORMATS and not _hidden(p, path))
        if not found:
            raise InputError(f"{path}: the folder holds no table; {_KNOWN}")
        return found
    if path.exists():
        return [path]
    if _GLOB.intersection(str(path)):
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - may be absolute
        if matches:
            return [file for match in matches for file in _expanded(match)]
        raise InputError(f"{path}: no file matches")
    raise InputError(f"{path}: no such file")


def _hidden(path: Path, folder: Path) -> bool:
    """Spark and others leave `_SUCCESS`, `.crc` and the like beside their part files."""
    return any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


def _suffix(path: Path) -> str:
    suffixes = path.suffixes
    if suffixes and suffixes[-1] == ".gz":
        suffixes = suffixes[:-1]
    return suffixes[-1].lower() if suffixes else ""


def reader_of(path: Path) -> Reader:
    """A reader by the file's ending, or where that says nothing by its first bytes. InputError if it is no table."""
    if not path.is_file():
        raise InputError(f"{path}: is a pipe or a device, and a table is read from its beginning twice; save it first")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head: bytes = file.read(4096)  # type: ignore[assignment, unused-ignore]
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    if not head.strip():
        raise InputError(f"{path.name}: is empty")
    known = _FORMATS.get(_suffix(path))
    if known is not None:
        return known(path)
    if head.startswith(b"PAR1"):
        return ParquetFile(path)
    if head.lstrip().startswith(b"{"):
        return JsonlFile(path)
    if _suffix(path) in {"", ".txt"} and b"\0" not in head and b"\n" in head and not head.lstrip().startswith(b"["):
        return CsvFile(path)
    hint = "; a JSON array must become one object a line, e.g. jq -c '.[]'" if head.lstrip().startswith(b"[") else ""
    raise InputError(f"{path.name}: is no table that can be read; {_KNOWN}{hint}")
