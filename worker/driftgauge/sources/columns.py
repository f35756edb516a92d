"""Which column of a table is what: the one mapping that `profile build`, `produce` and `backtest` share.

Promises: a column that is named but not there is one clear error with the nearest names, before any row is read.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from driftgauge.errors import InputError

DEFAULT_START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DEFAULT_INTERVAL = 1000
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns by their meaning; `features` None means every column not named otherwise.

    Without `timestamp`, row i has the time `start` + i x `interval` (ms).
    """

    timestamp: str | None = None
    prediction: str | None = None
    score: str | None = None
    actual: str | None = None
    id: str | None = None
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    segment: str | None = None
    start: int = DEFAULT_START
    interval: int = DEFAULT_INTERVAL

    @property
    def timed(self) -> bool:
        """Whether it is said when rows were: by a column, or by when the first one was and how far they are apart."""
        return self.timestamp is not None or (self.start, self.interval) != (DEFAULT_START, DEFAULT_INTERVAL)

    @property
    def named(self) -> dict[str, str]:
        """Column name by the option that names it, for those with a meaning of their own."""
        options = {
            "--timestamp": self.timestamp,
            "--prediction": self.prediction,
            "--score": self.score,
            "--actual": self.actual,
            "--id": self.id,
            "--segment": self.segment,
        }
        return {option: name for option, name in options.items() if name is not None}

    def features_of(self, available: Sequence[str]) -> list[str]:
        """The feature columns of a table that has the columns `available`, in the table's order."""
        if self.features is not None:
            return [name for name in self.features if name not in self.exclude]
        taken = {*self.named.values(), *self.exclude}
        return [name for name in available if name not in taken]

    def used(self, available: Sequence[str]) -> list[str]:
        """Every column that has to be read, each once."""
        return list(dict.fromkeys([*self.features_of(available), *self.named.values()]))

    def check(self, available: Sequence[str], where: str) -> None:
        """InputError if a named column isn't among `available` (the columns of the table `where`), or named twice."""
        wanted = list(self.named.items())
        wanted += [("--features", name) for name in self.features or ()]
        wanted += [("--exclude", name) for name in self.exclude]
        for option, name in wanted:
            if name not in available:
                near = difflib.get_close_matches(name, available, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                shown = ", ".join(available[:_SHOWN]) + (" …" if len(available) > _SHOWN else "")
                raise InputError(f"{where}: no column {name!r} ({option}){hint} Its columns: {shown}")
        self._check_meanings()
        if not self.features_of(available):
            raise InputError(f"{where}: no feature column is left; name some with --features a,b,c")

    def _check_meanings(self) -> None:
        """InputError if two options name the same column."""
        meanings: dict[str, str] = {}
        for option, name in self.named.items():
            before = meanings.setdefault(name, option)
            if before != option:
                raise InputError(f"{before} and {option} both name the column {name!r}; leave one of them out")
        if self.timestamp is not None and self.timestamp in (self.features or ()):
            raise InputError(
                f"--timestamp and --features both name the column {self.timestamp!r}; leave one of them out"
            )
