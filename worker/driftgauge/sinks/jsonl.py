"""Alert events to a JSON Lines file that is either the old one or complete, never half of the new one.

Lines go whole into `NAME.PID.partial` beside it, so that two processes never share one; `complete` renames that. After
Ctrl-C or a crash the partial file holds the lines so far and can be read as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from driftgauge.errors import ConfigError, DriftgaugeError


class JsonLinesFile:
    """Takes lines; `written` counts them. ConfigError at once if the place can't be written.

    DriftgaugeError if it can't be any more, as on a full disk; what is whole by then stays in `partial`.

    A path that is there and is no regular file (a pipe, /dev/null) is written directly.
    """

    def __init__(self, path: Path) -> None:
        """Open it. The place is tried before any work, so that a typing error doesn't cost an hour."""
        self._direct = path.exists() and not path.is_file()
        # /dev/stdout resolves to the name of a pipe, under which nothing can be opened.
        self._target = path if self._direct else path.resolve()
        partial = self._target.with_name(f"{self._target.name}.{os.getpid()}.partial")
        self.partial = self._target if self._direct else partial
        self.written = 0
        try:
            self._file = self.partial.open("wb")
        except FileNotFoundError:
            raise ConfigError(f"{path}: the folder {path.parent} does not exist; make it first") from None
        except IsADirectoryError:
            raise ConfigError(f"{path}: is a folder; name a file in it, such as {path / 'alerts.jsonl'}") from None
        except OSError as error:
            raise ConfigError(f"{path}: can't be written: {error.strerror}") from None

    def write(self, line: bytes) -> None:
        """Add a line (without its end)."""
        with self._failing():
            self._file.write(line + b"\n")
            # Handed over line by line: there are few, and whoever ends us finds whole lines only.
            self._file.flush()
        self.written += 1

    def complete(self) -> None:
        """All is written: put the file in its place."""
        with self._failing():
            self._file.close()
            if not self._direct:
                os.replace(self.partial, self._target)  # noqa: PTH105 (says better what it does)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it. What is not complete stays under the partial name; an empty one says nothing and goes."""
        if self._file.closed:
            return
        # A line that couldn't be written is tried again here, and was reported already.
        with suppress(OSError):
            self._file.close()
        if not self._direct and not self.written:
            self.partial.unlink(missing_ok=True)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # The reader of a pipe has seen enough: no failure.
            raise
        except OSError as error:
            raise DriftgaugeError(f"{self._target}: can't be written: {error.strerror or error}") from None
