"""Where a pane lies: in which row (an hour, or the pane if that is longer), and in which cell of the week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from driftgauge.profiles.season import DAY, HOUR, HOURS

_LONG_PANE = 6 * HOUR
_PANES_TO_JUDGE = 3


class Stretch(NamedTuple):
    """Panes of one row, one after the other: start of the first (ms), how many, the start of the row, its cell."""

    start: int
    panes: int
    row: int
    cell: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The panes of a subject, of `pane` ms each."""

    pane: int

    @property
    def row(self) -> int:
        """Length (ms) of a row."""
        return max(HOUR, self.pane)

    @property
    def lag(self) -> int:
        """Ms before a midnight in which nothing is learned from yet.

        Long panes are judged after two or three of them, and what they show must not have been learned by then.
        """
        return -(-_PANES_TO_JUDGE * self.pane // DAY) * DAY if self.pane >= _LONG_PANE else 0

    def row_of(self, start: int) -> int:
        """Start (ms) of the row of a pane that starts then: panes belong to where they start."""
        return start - start % self.row

    def cell_of(self, start: int) -> int:
        """Cell 0..47 of its row: as `season.cells_of`, with weekends."""
        row = self.row_of(start)
        # The first day of the epoch was a Thursday.
        return row % DAY // HOUR + (HOURS if (row // DAY + 3) % 7 >= 5 else 0)

    def at_or_after(self, time: int) -> int:
        """The first pane start at or after a time (ms)."""
        return -(-time // self.pane) * self.pane

    def at_or_before(self, time: int) -> int:
        """The last pane start at or before a time (ms)."""
        return time // self.pane * self.pane

    def stretches(self, start: int, end: int) -> Iterator[Stretch]:
        """The panes between two pane starts (ms), row by row: O(hours), not O(panes)."""
        while start < end:
            row = self.row_of(start)
            stop = min(end, self.at_or_after(row + self.row))
            yield Stretch(start, (stop - start) // self.pane, row, self.cell_of(start))
            start = stop
