"""Event time of one source: which records are taken, which are held as suspiciously far ahead, which are late.

The rules are those of Flink and Kafka Streams, per source: the watermark is the highest event time taken minus the
out-of-orderness bound, monotone, from the payload only. One record with a broken clock must not close every pane, so
a record far ahead of the watermark is held until enough others follow it there (a real jump) or one does not (then it
is rejected). No wall clock: the same log gives the same verdicts however it is cut into batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY = 86_400_000
JUMP_RECORDS = 20
_MAX_AHEAD_PANES = 10


class Admission(NamedTuple):
    """Verdict on a batch's rows.

    `taken` int64: rows to count, ascending. `before` int64, same length: the watermark each of them met (ms; MIN_TIME
    if none yet). `refused`: rows too far in the future. `held`: rows to bring again,
    in front of the next batch.
    """

    taken: NDArray[np.int64]
    before: NDArray[np.int64]
    refused: list[int]
    held: list[int]


MIN_TIME = -(1 << 62)


@dataclass(slots=True)
class EventTime:
    """The clock of one source.

    `watermark` in ms, MIN_TIME before the first record; `reached`: what of it the source's own records account for (an
    idle source's watermark is raised beyond that).
    """

    out_of_orderness: int
    max_ahead: int
    watermark: int = MIN_TIME
    reached: int = MIN_TIME

    @classmethod
    def of(cls, out_of_orderness: int, longest_pane: int) -> EventTime:
        """The clock for panes of up to `longest_pane` ms: max_ahead is a day, or ten panes if that is more."""
        return cls(out_of_orderness, max(DAY, _MAX_AHEAD_PANES * longest_pane))

    def admit(self, times: NDArray[np.int64], accepted: NDArray[np.bool_], recounted: int = 0) -> Admission:
        """Judge the accepted rows of a batch in order and move the watermark. `times` int64 [N] ms.

        The first `recounted` rows have been judged before, when the watermark came to be what it is: those that were
        taken lie within the bound of it, and none of them moves it.
        """
        if recounted:
            again, met = np.flatnonzero(accepted[:recounted]), self.watermark
            fits = times[again] <= met + self.out_of_orderness
            rest = self.admit(times, accepted & (np.arange(len(times)) >= recounted))
            taken = np.concatenate((again[fits], rest.taken))
            before = np.concatenate((np.full(int(fits.sum()), met), rest.before))
            return Admission(taken, before, again[~fits].tolist() + rest.refused, rest.held)
        rows = np.flatnonzero(accepted)
        if not len(rows):
            return Admission(rows, rows, [], [])
        start = self.watermark
        seen = times[rows]
        bound = (seen[0] - self.out_of_orderness if start == MIN_TIME else start) + self.max_ahead
        refused: list[int] = []
        held: list[int] = []
        if seen.max() > bound:
            rows, refused, held = self._one_by_one(rows.tolist(), seen.tolist())
            seen = times[rows]
        if not len(rows):
            return Admission(rows, rows, refused, held)
        reached = np.maximum(np.maximum.accumulate(seen) - self.out_of_orderness, start)
        self.watermark = int(reached[-1])
        self.reached = max(self.reached, int(seen.max()) - self.out_of_orderness)
        return Admission(rows, np.concatenate(([start], reached[:-1])), refused, held)

    def _one_by_one(self, rows: list[int], times: list[int]) -> tuple[NDArray[np.int64], list[int], list[int]]:
        watermark = self.watermark
        taken: list[int] = []
        refused: list[int] = []
        held: list[int] = []
        furthest = MIN_TIME
        for row, time in zip(rows, times, strict=True):
            if watermark != MIN_TIME and time > watermark + self.max_ahead:
                held.append(row)
                furthest = max(furthest, time)
                if len(held) < JUMP_RECORDS:
                    continue
                taken += held
                watermark = furthest - self.out_of_orderness
            else:
                refused += held
                taken.append(row)
                watermark = max(watermark, time - self.out_of_orderness)
            held, furthest = [], MIN_TIME
        return np.array(taken, np.int64), refused, held
