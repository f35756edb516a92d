"""Events of subjects without a profile to the panes they belong to: how many, and from where to where.

A function of the source's log: of the subjects that come in a pane, the first ones up to the limit are taken, in the
order of their records, however the log is cut into batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import UnprofiledRows
from driftgauge.panes.unprofiled import UnprofiledPlan
from driftgauge.subject import Subject


class PaneRows(NamedTuple):
    """`events` of a subject in the pane that starts at `start` (ms); positions of the first and last in the batch."""

    subject: Subject
    start: int
    events: int
    first_row: int
    last_row: int


def pane_rows(
    found: UnprofiledRows, times: NDArray[np.int64], met: NDArray[np.int64], plan: UnprofiledPlan
) -> list[PaneRows]:
    """The panes of those that are on time, in order of their first record.

    `times`, `met` int64 [N] ms: event time of each record of the batch, and the watermark that it met (END_OF_TIME:
    it isn't taken).
    """
    lengths = np.array([plan.length_of(subject.model_id) for subject in found.subjects], np.int64)[found.codes]
    starts = times[found.rows] // lengths * lengths
    on_time = starts + lengths > met[found.rows]
    if not on_time.any():
        return []
    rows, codes = found.rows[on_time], found.codes[on_time]
    panes, pane = np.unique(starts[on_time], return_inverse=True)
    # A subject's panes have one length, so this says which pane of which subject.
    pairs, first, pair = np.unique(pane * len(found.subjects) + codes, return_index=True, return_inverse=True)
    last = np.zeros(len(pairs), np.int64)
    np.maximum.at(last, pair, np.arange(len(rows)))
    events = np.bincount(pair)
    return [
        PaneRows(
            found.subjects[int(codes[first[i]])],
            int(panes[pane[first[i]]]),
            int(events[i]),
            int(rows[first[i]]),
            int(rows[last[i]]),
        )
        for i in np.argsort(first)
    ]


class PaneLimit:
    """Which subjects have a pane: at most `limit` for each start and length."""

    def __init__(self, plan: UnprofiledPlan) -> None:
        """None has one yet."""
        self._plan = plan
        self._open: Counter[tuple[int, int]] = Counter()

    def admit(self, subject: Subject, start: int) -> bool:
        """Whether there is room for another one; if so it is taken."""
        pane = (start, self._plan.length_of(subject.model_id))
        if self._open.get(pane, 0) >= self._plan.limit:
            return False
        self._open[pane] += 1
        return True

    def closed(self, subject: Subject, start: int) -> None:
        """One less."""
        pane = (start, self._plan.length_of(subject.model_id))
        self._open[pane] -= 1
        if self._open[pane] <= 0:
            del self._open[pane]

    def restore(self, panes: Collection[tuple[Subject, int]]) -> None:
        """These are the open ones, by subject and start."""
        self._open = Counter(self._keys(panes))

    def _keys(self, panes: Collection[tuple[Subject, int]]) -> Iterator[tuple[int, int]]:
        return ((start, self._plan.length_of(subject.model_id)) for subject, start in panes)
