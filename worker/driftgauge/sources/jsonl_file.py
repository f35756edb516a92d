"""JSONL files, line by line: flat objects are rows, canonical events pass as they are."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from driftgauge.errors import InputError
from driftgauge.profiles.kinds import Kind
from driftgauge.sources.arrow_values import unspeakable
from driftgauge.sources.kind_guess import KindGuesses
from driftgauge.sources.rows import Rows

_LINES = 4096
_SCANNED = 1000
_INT64_BITS = 63


class JsonlFile:
    """A file of one JSON object a line. NaN and Infinity tokens, as Python and Java write them, are read.

    What its lines are, rows or events, is said by the first of them. The columns are those
    of the first thousand rows; one that appears later is read only where an option names it.
    """

    reads_text = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns: list[str] = []
        self.canonical = False
        for number, (_, line) in zip(range(_SCANNED), self._lines(), strict=False):
            try:
                row = self._parsed(line, number + 1)
            except InputError:
                # Among events a broken line is decode's to judge.
                if self.canonical:
                    return
                raise
            if number == 0:
                self.canonical = isinstance(row.get("features"), dict) or "event_type" in row
            if self.canonical:
                return
            self.columns += [name for name in row if name not in self.columns]
        if not self.columns:
            raise InputError(f"{path.name}: is empty; expected one JSON object a line")

    def rows(
        self,
        used: Sequence[str],
        timestamp: str | None,
        kinds: Mapping[str, Kind],  # noqa: ARG002 - JSON has types of its own; a misfit must stay visible
    ) -> Iterator[Rows]:
        """The file's rows, or its lines where they are events."""
        if self.canonical:
            for lines, done in self._batches():
                yield Rows(len(lines), {}, None, done, raw=[line for _, line in lines])
            return
        for lines, done in self._batches():
            parsed = [self._parsed(line, number) for number, line in lines]
            columns = {name: [row.get(name) for row in parsed] for name in used if name != timestamp}
            for name, values in columns.items():
                self._refuse_nested(name, values, lines)
            odd = frozenset(name for name, values in columns.items() if unspeakable(values))
            times = [row.get(timestamp) for row in parsed] if timestamp is not None else None
            yield Rows(len(lines), columns, times, done, odd)

    def guess_kinds(self, used: Sequence[str], guesses: KindGuesses) -> None:
        """Show every value to `guesses`."""
        for rows in self.rows(used, None, {}):
            for name, values in rows.values.items():
                guesses.see_values(name, values, self._path.name)

    def _batches(self) -> Iterator[tuple[list[tuple[int, bytes]], float]]:
        size = max(self._path.stat().st_size, 1)
        lines: list[tuple[int, bytes]] = []
        position = 0
        for number, line in self._lines():
            lines.append((number, line))
            position += len(line) + 1
            if len(lines) == _LINES:
                yield lines, min(position / size, 1.0)
                lines = []
        if lines:
            yield lines, 1.0

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Line number (from 1) and bytes of every line that isn't blank."""
        try:
            with cast(
                "BinaryIO", gzip.open(self._path) if self._path.suffix == ".gz" else self._path.open("rb")
            ) as file:
                for number, line in enumerate(file, start=1):
                    text = line.rstrip(b"\r\n")
                    if text.strip():
                        yield number, text
        except OSError as error:
            raise InputError(f"{self._path.name}: can't be read: {error}") from None

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            try:
                # NaN, Infinity and 1e999 are no JSON, yet common: the standard library takes them.
                row = _as_orjson_would(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise InputError(f"{self._path.name}: line {number} is no JSON: {error}") from None
        if not isinstance(row, dict):
            hint = "; write one object a line, e.g. jq -c '.[]'" if isinstance(row, list) else ""
            raise InputError(f"{self._path.name}: line {number} is no JSON object{hint}")
        return row

    def _refuse_nested(self, name: str, values: list[Any], lines: list[tuple[int, bytes]]) -> None:
        for value, (number, _) in zip(values, lines, strict=True):
            if isinstance(value, dict | list):
                raise InputError(
                    f"{self._path.name}: line {number}: column {name!r} holds nested values; "
                    f"flatten it or --exclude {name}"
                )


def _as_orjson_would(row: Any) -> Any:
    """Half a surrogate pair, which UTF-8 can't hold, becomes a question mark, an integer beyond 64 bits a double."""
    if not isinstance(row, dict):
        return row
    return {_utf8(key): _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, int) and value.bit_length() > _INT64_BITS:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
