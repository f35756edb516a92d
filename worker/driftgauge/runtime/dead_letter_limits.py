"""When so many records of a partition are no events that setting them aside would be wrong: then the worker stops.

A producer that changed its format would otherwise see its whole topic moved to the dead letters, silently watched by
nobody. The counts are state, saved with the position: so a worker that is started again without a cure stops at the
same record, instead of getting on by a few at each start. They follow from offsets alone, whatever the batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from driftgauge.decode.columns import RejectCode
from driftgauge.errors import DeadLetterLimitError, StateError
from driftgauge.records import Source

_Count = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Limits:
    """`consecutive`: so many in a row; `ratio`: of each `among` offsets (aligned) more than this share. 0: no limit."""

    consecutive: int
    ratio: float
    among: int


NO_LIMITS = Limits(0, 0.0, 10_000)


class _State(msgspec.Struct, forbid_unknown_fields=True):
    """A run of rejects that reaches up to now, from offset `first`; how many there are in block `block`, and why."""

    run: _Count = 0
    first: _Count = 0
    block: _Count = 0
    in_block: _Count = 0
    reasons: dict[RejectCode, _Count] = {}


class RejectCounts:
    """The rejects of one partition, held against the limits."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """None so far."""
        self._source, self._limits = source, limits
        self._state = _State()

    def take(self, offsets: Sequence[int], rejects: Sequence[tuple[int, RejectCode]]) -> None:
        """The next settled records, by offset, and which of them are rejects and why. DeadLetterLimitError."""
        if not rejects:
            if len(offsets):
                self._state.run, self._state.first = 0, 0
            return
        rejects = sorted(rejects)
        rejected = np.array([offset for offset, _ in rejects], np.int64)
        accepted = np.setdiff1d(np.asarray(offsets, np.int64), rejected)
        self._count_blocks(rejected, [code for _, code in rejects])
        self._count_runs(rejected, accepted)

    def dump(self) -> bytes | None:
        """State to save with the position; None: there is nothing to remember."""
        return msgspec.json.encode(self._state) if self._state.run or self._state.in_block else None

    def load(self, data: bytes) -> None:
        """Go on from saved state. StateError."""
        try:
            self._state = msgspec.json.decode(data, type=_State)
        except msgspec.MsgspecError as error:
            raise StateError(f"the stored counts of dead letters of {self._source} can't be read: {error}") from error

    def _count_runs(self, rejected: NDArray[np.int64], accepted: NDArray[np.int64]) -> None:
        state, limit = self._state, self._limits.consecutive
        # Rejects with the same number of accepted records before them are in a row.
        behind = np.searchsorted(accepted, rejected)
        starts = np.flatnonzero(np.diff(behind, prepend=-1))
        lengths = np.diff(starts, append=len(rejected))
        firsts = rejected[starts]
        if state.run and behind[0] == 0:
            lengths[0] += state.run
            firsts[0] = state.first
        if limit and (lengths >= limit).any():
            found = int(np.argmax(lengths >= limit))
            last = rejected[starts[found + 1] - 1] if found + 1 < len(starts) else rejected[-1]
            raise self._too_many(f"{lengths[found]} records in a row", int(firsts[found]), int(last), "consecutive")
        ends_here = len(accepted) == 0 or accepted[-1] < rejected[-1]
        state.run, state.first = (int(lengths[-1]), int(firsts[-1])) if ends_here else (0, 0)

    def _count_blocks(self, rejected: NDArray[np.int64], codes: Sequence[RejectCode]) -> None:
        state, limits = self._state, self._limits
        # Block by block, so that what is remembered is that of the last one, however the records come.
        blocks, starts = np.unique(rejected // limits.among, return_index=True)
        for block, first, stop in zip(blocks.tolist(), starts, [*starts[1:], len(rejected)], strict=True):
            if block != state.block:
                state.block, state.in_block, state.reasons = block, 0, {}
            state.in_block += int(stop - first)
            for code in codes[first:stop]:
                state.reasons[code] = state.reasons.get(code, 0) + 1
            if limits.ratio and state.in_block > limits.ratio * limits.among:
                what = f"{state.in_block} of {limits.among} records"
                raise self._too_many(what, block * limits.among, int(rejected[stop - 1]), "ratio")

    def _too_many(self, what: str, first: int, last: int, limit: str) -> DeadLetterLimitError:
        reasons = sorted(self._state.reasons.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{code} ({count})" for code, count in reasons[:3])
        return DeadLetterLimitError(
            f"{self._source}: {what} are no events, offsets {first} to {last} (limits.dead_letters.{limit}): "
            f"{told}; look at offset {last} for an example. Has a producer changed its format? The worker ends before "
            "these are set aside, and reads on from its last checkpoint when it is started again: mend the producer, "
            "or what topics says of the format and model_id. To let them go to the dead letters, start it with "
            f"DRIFTGAUGE_LIMITS__DEAD_LETTERS__{limit.upper()}=0 until they are read"
        )
