"""What the readers of the file formats yield: the next rows of a file, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from driftgauge.profiles.kinds import Kind
from driftgauge.sources.kind_guess import KindGuesses


@dataclass(frozen=True, slots=True)
class Rows:
    """`size` consecutive rows: values by column, the time column as the format gives it (None: there is none).

    `done` is the share of the file that has been read. `raw` holds the lines of a file of canonical events instead.
    `odd` names columns that hold ±inf, for which JSON has no word.
    """

    size: int
    values: Mapping[str, list[Any]]
    times: Any
    done: float
    odd: frozenset[str] = frozenset()
    raw: Sequence[bytes] | None = field(default=None)


class Reader(Protocol):
    """One file of one format."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, in the file's order; empty for a file of canonical events."""
        ...

    @property
    def canonical(self) -> bool:
        """Whether its lines are events already, which pass unchanged."""
        ...

    @property
    def reads_text(self) -> bool:
        """Whether values come as text, so that columns need a kind."""
        ...

    def rows(self, used: Sequence[str], timestamp: str | None, kinds: Mapping[str, Kind]) -> Iterator[Rows]:
        """The columns `used`, from the first row on."""
        ...

    def guess_kinds(self, used: Sequence[str], guesses: KindGuesses) -> None:
        """Show every value of the columns `used` to `guesses`."""
        ...
