"""Which of its profiles an event is read with, where a model version changes its profile: that of its event time.

What an event holds can only be judged by a profile, and when it was is said in it: so events are read by one of the
models first, and those read by the wrong one once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.model import ModelDecoding
from driftgauge.panes.schedule import ALWAYS
from driftgauge.subject import Subject
from driftgauge.timestamps import parse_timestamp

NO_TURN = -1


class _Timed(msgspec.Struct, gc=False):
    timestamp: str | int | float | None = None


_decode = msgspec.json.Decoder(_Timed).decode


class Turns:
    """The positions of a decoder's models whose version changes its profile; false if there are none."""

    def __init__(self, models: Sequence[ModelDecoding]) -> None:
        """`models` of one version in order of time."""
        by_subject: dict[Subject, list[int]] = {}
        for at, model in enumerate(models):
            by_subject.setdefault(model.subject, []).append(at)
        self._turns = {
            at: (np.array(positions), np.array([models[i].since for i in positions], np.int64))
            for positions in by_subject.values()
            if len(positions) > 1 or models[positions[0]].since != ALWAYS
            for at in positions
        }

    def __bool__(self) -> bool:
        """Whether there is anything to change."""
        return bool(self._turns)

    def first_try(self, value: bytes | None, stamp: int) -> Mapping[int, int]:
        """By position, the one whose turn it is at the time of an event; a guess that saves reading most events twice.

        `stamp`: the record's own time (ms).
        """
        time = stamp
        try:
            said = _decode(value or b"").timestamp
            time = parse_timestamp(said) if said is not None else stamp
        except (ValueError, msgspec.MsgspecError, RecursionError):
            pass
        found = {at: int(self.positions(at, np.array([time]))[0]) for at in self._turns}
        return {at: turn for at, turn in found.items() if turn != NO_TURN}

    def positions(self, at: int, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """For events of the version that model `at` is of, whose turn it is at `times` (ms); NO_TURN: nobody's."""
        positions, since = self._turns[at]
        index = np.searchsorted(since, times, side="right") - 1
        return np.where(index < 0, NO_TURN, positions[np.maximum(index, 0)])

    def astray(
        self, rows: Sequence[Sequence[int]], times: NDArray[np.int64], accepted: NDArray[np.bool_]
    ) -> Iterator[tuple[int, Mapping[int, int]]]:
        """Models that have read events at a time that isn't theirs: where in their `rows`, and whose turn it is there.

        `rows` by position of the model; `times` int64 [N] ms and `accepted` bool [N] of all rows.
        """
        for at in self._turns:
            of_model = np.array(rows[at], np.int64)
            turn = np.where(accepted[of_model], self.positions(at, times[of_model]), at)
            wrong = np.flatnonzero(turn != at)
            if len(wrong):
                yield at, dict(zip(wrong.tolist(), turn[wrong].tolist(), strict=True))


def without(items: Sequence[Any], places: Mapping[int, int]) -> list[Any]:
    """The items that stand at none of these places."""
    return [item for place, item in enumerate(items) if place not in places]
