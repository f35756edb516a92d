"""Weeks in which nothing was told, in another order: what alarms there, alarms at nothing.

A history without labels tells nobody which alerts were in vain. But its quiet weeks, cut apart and joined anew, hold
the season, the noise and the traffic of the real thing, and no change that began and stayed. Where weeks that were far
apart meet there may be a step that never was, so this is rather too many than too few.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, NamedTuple

import numpy as np

from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from driftgauge.scoring.spans import Span

WEEK = 7 * 86_400_000
# Fewer are always next to each other in much the same order.
LEAST_WEEKS = 4
_SOURCE = Source("placebo", 0)
_BATCH = 256


class _Stored(NamedTuple):
    at: int
    size: int
    pane: Pane


class PaneStore:
    """Closed panes of a pass, their counts in a file. Weeks begin where the history does. Filled first, then read."""

    def __init__(self, file: BinaryIO) -> None:
        """`file`: read and written, and nobody else's."""
        self._file = file
        self._weeks: dict[int, list[_Stored]] = {}
        self._first: int | None = None

    def add(self, panes: Sequence[Pane]) -> None:
        """Panes that have closed, in any order of subjects."""
        for pane in panes:
            if self._first is None:
                self._first = pane.start
            data = zlib.compress(pane.counts.astype("<i4").tobytes(), 1)
            stored = _Stored(self._file.tell(), len(data), replace(pane, counts=np.zeros(0, np.int64)))
            self._file.write(data)
            self._weeks.setdefault((pane.start - self._first) // WEEK, []).append(stored)

    def quiet_weeks(self, told: Sequence[Span]) -> list[int]:
        """Whole weeks that no span of `told` touches: their numbers. The last one, which was cut, is none of them."""
        first = self._first or 0
        whole = sorted(self._weeks)[:-1]
        return [
            week
            for week in whole
            if not any(start < first + (week + 1) * WEEK and end > first + week * WEEK for start, end in told)
        ]

    def reordered(self, order: Sequence[int]) -> Iterator[list[Message]]:
        """These weeks, one after the other, as one source would tell of them; times go on from the first week's."""
        yield [Sources((_SOURCE,))]
        for place, week in enumerate(order):
            moved = (place - week) * WEEK
            panes = sorted(self._weeks[week], key=lambda stored: (stored.pane.start, stored.pane.subject))
            for at in range(0, len(panes), _BATCH):
                part = panes[at : at + _BATCH]
                end = part[-1].pane.start + moved
                last = place == len(order) - 1 and at + _BATCH >= len(panes)
                yield [
                    *(self._partial(stored, moved) for stored in part),
                    Watermark(_SOURCE, END_OF_TIME if last else end, 0, 0, 0),
                ]

    def _partial(self, stored: _Stored, moved: int) -> PartialPane:
        pane = stored.pane
        self._file.seek(stored.at)
        counts = np.frombuffer(zlib.decompress(self._file.read(stored.size)), "<i4").astype(np.int64)
        return PartialPane(
            pane.subject,
            pane.profile,
            pane.start + moved,
            pane.length,
            _SOURCE,
            counts,
            pane.events,
            0,
            0,
            incomplete=pane.incomplete,
            sample=pane.sample,
        )


def permuted(weeks: Sequence[int], seed: int) -> list[int]:
    """Another order of them; the same seed gives the same."""
    return [weeks[i] for i in np.random.default_rng(seed).permutation(len(weeks))]
