"""What was counted of a subject over a whole replay, in a bounded number of spans; counts are whole, so they add."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.panes.merge import Pane

# Spans that are kept of all of it, and panes of the last of it.
_SPANS = 512
_RECENT = 512

Counts = NDArray[np.int64]


class Stretch(NamedTuple):
    """Neighbouring spans of `length` ms: `starts` int64 [m] ms, `counts` int64 [m, cells], `events` int64 [m]."""

    length: int
    starts: Counts
    counts: Counts
    events: Counts

    @property
    def span(self) -> int:
        """Ms from the first to the end of the last."""
        return int(self.starts[-1] - self.starts[0]) + self.length if len(self.starts) else 0

    def between(self, start: int, end: int) -> Stretch:
        """The spans that lie in [start, end), ms."""
        chosen = (self.starts >= start) & (self.starts + self.length <= end)
        return Stretch(self.length, self.starts[chosen], self.counts[chosen], self.events[chosen])

    def merged(self, spans: int) -> Stretch:
        """The same in at most about `spans` spans, each as many times as long."""
        if len(self.starts) <= spans:
            return self
        times = -(-int(self.starts[-1] + self.length - self.starts[0]) // (spans * self.length))
        length = times * self.length
        starts, first = np.unique(self.starts // length * length, return_index=True)
        return Stretch(length, starts, np.add.reduceat(self.counts, first), np.add.reduceat(self.events, first))


class Trail:
    """A subject's past in at most 512 spans, whose length doubles as time goes by, and its last 512 panes."""

    def __init__(self, pane_length: int, cells: int) -> None:
        """Nothing counted yet."""
        self._pane_length, self._cells = pane_length, cells
        self._length = pane_length
        self._spans: dict[int, tuple[Counts, int]] = {}
        self._recent: deque[tuple[int, Counts, int]] = deque(maxlen=_RECENT)

    def extend(self, panes: Iterable[Pane]) -> None:
        """Add closed panes, oldest first."""
        for pane in panes:
            self._recent.append((pane.start, pane.counts, pane.events))
            self._add(pane.start, pane.counts, pane.events)
            while len(self._spans) > _SPANS:
                self._double()

    def whole(self) -> Stretch:
        """All of it."""
        return _stretch(self._length, self._cells, ((start, *held) for start, held in sorted(self._spans.items())))

    def recent(self) -> Stretch:
        """The last panes."""
        return _stretch(self._pane_length, self._cells, self._recent)

    def _add(self, start: int, counts: Counts, events: int) -> None:
        span = start // self._length * self._length
        held = self._spans.get(span)
        self._spans[span] = (counts, events) if held is None else (held[0] + counts, held[1] + events)

    def _double(self) -> None:
        self._length *= 2
        held, self._spans = self._spans, {}
        for start, (counts, events) in held.items():
            self._add(start, counts, events)


def _stretch(length: int, cells: int, rows: Iterable[tuple[int, Counts, int]]) -> Stretch:
    held = list(rows)
    starts, counts, events = zip(*held, strict=True) if held else ((), (), ())
    return Stretch(
        length,
        np.array(starts, np.int64),
        np.array(counts, np.int64).reshape(len(held), cells),
        np.array(events, np.int64),
    )
