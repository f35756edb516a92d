"""Labelled incidents from a file: YAML, JSON, JSONL or CSV, or every problem at once with its place and the fix."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from driftgauge.config_yaml import Document, Position, parse
from driftgauge.counted import counted
from driftgauge.errors import InputError
from driftgauge.scoring.incident import Incident

_FIELDS = tuple(Incident.model_fields)
_DELIMITERS = (",", ";", "\t")
# Of a column that was exported wrongly every row is a problem.
_TOLD = 50
# Stands for YAML's null where a word belongs: no text, so that it is told of as such.
_NOTHING = object()


class _Entry(NamedTuple):
    """What stands for an incident: its fields, and the place of each of them or (None) of the whole."""

    fields: Any
    place: Callable[[str | None], str]


class _UnreadableError(Exception):
    """The file, or a line of it, isn't what its name says; the message begins with the place."""


def read_incidents(path: Path) -> list[Incident]:
    """The incidents in a file, in its order. InputError with a line for each problem: `incidents.csv:3: end: …`."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: incidents are read from {', '.join(_READERS)}; the name says which it is")
    incidents: dict[tuple[Any, ...], Incident] = {}
    problems: list[str] = []
    try:
        for entry in reader(_text(path)):
            try:
                incident = Incident.model_validate(entry.fields)
            except ValidationError as error:
                problems += [_problem(detail, entry) for detail in error.errors(include_url=False)]
                continue
            if incident.order in incidents:
                problems.append(f"{entry.place(None)}: stands there before; take one out, or give them names")
            incidents[incident.order] = incident
    except _UnreadableError as error:
        problems.append(str(error))
    if problems:
        more = [f"{path}: and {len(problems) - _TOLD:,} more"] if len(problems) > _TOLD else []
        raise InputError("\n".join([*(f"{path}:{problem}" for problem in problems[:_TOLD]), *more]))
    if not incidents:
        raise InputError(f"{path}: holds no incident; each has a start and an end, and what it was of")
    return list(incidents.values())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None


def _problem(detail: ErrorDetails, entry: _Entry) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else None
    where = f"{entry.place(field)}: {field}: " if field is not None else f"{entry.place(None)}: "
    match detail["type"]:
        case "extra_forbidden":
            close = get_close_matches(field or "", _FIELDS, n=1, cutoff=0.4)
            return f"{where}unknown field, " + (
                f"did you mean {close[0]}?" if close else f"known are {', '.join(_FIELDS)}"
            )
        case "missing":
            return f"{where}is missing; a time such as 2026-03-15T10:03:00Z"
        case "model_type":
            return f"{where}expected the fields of an incident, such as start and end"
        case "string_type":
            given = detail["input"]
            if given is _NOTHING:
                return f'{where}is empty: quote "null" if that is the word, else take it out'
            return where + ("expected text: quote it" if isinstance(given, int | float) else "expected text")
        case "value_error":
            return f"{where}{detail['ctx']['error']}"
        case _:
            return where + detail["msg"].replace("Input should", "should").replace("String should", "should")


def _from_yaml(text: str) -> Iterator[_Entry]:
    document = parse(text)
    for entry in _entries(document.root, document):
        fields = entry.fields
        # `kind: null` is a word that YAML takes for nothing; only an end may be left empty.
        if isinstance(fields, dict):
            fields = {n: _NOTHING if v is None and n != "end" else v for n, v in fields.items()}
        yield entry._replace(fields=fields)


def _from_json(text: str) -> Iterator[_Entry]:
    try:
        root = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _UnreadableError(f"{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    # For the places: JSON is YAML but for tabs, which in JSON stand between values only, and a few rare characters.
    document = parse(text.replace("\t", " "))
    if any(problem.path == () for problem in document.problems):
        document = Document()
    for entry in _entries(root, document):
        yield entry._replace(fields=_present(entry.fields))


def _entries(root: Any, document: Document) -> Iterator[_Entry]:
    if document.problems:
        _, message, at = document.problems[0]
        if document.too_large:
            message += "; write so many incidents as JSON Lines or CSV, which are read to any length"
        raise _UnreadableError(f"{at.line}:{at.column}: {message}" if at is not None else f" {message}")
    # A list, or a list under this name.
    under: tuple[str, ...] = ("incidents",) if isinstance(root, dict) and root.keys() == {"incidents"} else ()
    entries = root["incidents"] if under else root
    if not isinstance(entries, list):
        raise _UnreadableError("1: expected a list of incidents (- start: …)")
    for index, fields in enumerate(entries):
        yield _Entry(fields, _in_document(document, (*under, index)))


def _present(fields: Any) -> Any:
    """Without what is null, which is as good as absent."""
    return {n: v for n, v in fields.items() if v is not None} if isinstance(fields, dict) else fields


def _in_document(document: Document, path: tuple[str | int, ...]) -> Callable[[str | None], str]:
    def place(field: str | None) -> str:
        at = document.keys.get((*path, field or ""), document.values.get(path, Position(1, 1)))
        return f"{at.line}:{at.column}"

    return place


def _from_jsonl(text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _Entry(_present(orjson.loads(line)), _on_line(number))
            except orjson.JSONDecodeError as error:
                raise _UnreadableError(f"{number}: not JSON: {error.msg}; write one object a line") from None


def _from_csv(text: str) -> Iterator[_Entry]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) < len(header):
            raise _UnreadableError("1: the header names a field twice; take one out")
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) > len(header):
                raise _UnreadableError(
                    f"{reader.line_num}: {counted(len(cells), 'cells')}, the header has {len(header)}"
                )
            fields = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
            yield _Entry(fields, _on_line(reader.line_num))
    except csv.Error as error:
        raise _UnreadableError(f"{reader.line_num}: not CSV: {error}") from None


def _on_line(number: int) -> Callable[[str | None], str]:
    return lambda _field: str(number)


_READERS: Mapping[str, Callable[[str], Iterator[_Entry]]] = {
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
    ".json": _from_json,
    ".jsonl": _from_jsonl,
    ".csv": _from_csv,
}
