"""A file of records of the panes topic, one a line, as `backtest --panes-out` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from driftgauge.errors import InputError

_LINES = 2_000


class PanesFile:
    """Its lines. `done`: the share that was read."""

    def __init__(self, path: Path) -> None:
        """InputError if it can't be opened, or is empty."""
        if path.is_file() and not path.stat().st_size:
            raise InputError(f"{path}: is empty")
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror}") from None
        self._path = path
        self._read, self._size = 0, path.stat().st_size

    @property
    def done(self) -> float:
        """In [0, 1]."""
        return self._read / self._size if self._size else 1.0

    def place(self, number: int) -> str:
        """`panes.jsonl:12`."""
        return f"{self._path}:{number}"

    def batches(self) -> Iterator[list[tuple[int, bytes]]]:
        """Some lines at a time with their numbers from 1 on, without empty ones."""
        with self._file:
            lines = enumerate(self._file, start=1)
            while taken := list(islice(lines, _LINES)):
                self._read += sum(len(line) for _, line in taken)
                yield [(number, line) for number, line in taken if not line.isspace()]
