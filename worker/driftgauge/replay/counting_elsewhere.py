"""Counting in processes of their own, each a share of the sources: their turns merged as if one had counted all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from driftgauge.errors import (
    ConfigError,
    DamagedError,
    DriftgaugeError,
    InputError,
    UnavailableError,
    WorkerProcessError,
)
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.profiles.layout import Layout
from driftgauge.replay.processes import Parent, Processes
from driftgauge.replay.turn import Order, Turn
from driftgauge.replay.turn_codec import TurnRecord, record_of, turn_of

# Those that make a difference to whoever is told.
_ERRORS = {error.code: error for error in (ConfigError, DamagedError, InputError, UnavailableError)}
_ERRORS["out_of_range"] = UnavailableError


class Taken(msgspec.Struct, array_like=True, tag="taken", frozen=True):
    """A turn, the share of everything that this process has read by then, and how many records each fault has hit."""

    turn: TurnRecord
    done: float
    hits: list[int]


class Failed(msgspec.Struct, array_like=True, tag="failed", frozen=True):
    """What was to be done next can't be: the error's `code`, and what it says."""

    code: str
    message: str

    @classmethod
    def of(cls, error: DriftgaugeError) -> Failed:
        """To be raised elsewhere."""
        return cls(error.code, str(error))

    def error(self) -> DriftgaugeError:
        """As good as the one that was raised there."""
        return _ERRORS.get(self.code, WorkerProcessError)(self.message)


encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Taken | Failed] = msgspec.msgpack.Decoder(Taken | Failed)


def send_turns(
    parent: Parent,
    turns: Iterator[Turn],
    layouts: Mapping[str, Layout],
    done: Callable[[], float],
    hits: Callable[[], list[int]],
) -> None:
    """Count, for whoever started this process. What goes wrong is told in its place among the turns."""
    for turn in turns:
        parent.send(encoder.encode(Taken(record_of(turn, layouts), done(), hits())))


class CountedElsewhere:
    """The turns of so many sources, of which process i of n counts every n-th from number i on.

    `done`: the share of everything that was read; `hits`: records that each fault has hit.
    """

    def __init__(self, processes: Processes, sources: int, layouts: Mapping[str, Layout]) -> None:
        """They have been told what to count."""
        self._processes, self._sources, self._layouts = processes, sources, layouts
        self._latest: dict[int, Taken] = {}

    @property
    def done(self) -> float:
        """In [0, 1]."""
        return sum(taken.done for taken in self._latest.values())

    @property
    def hits(self) -> Sequence[int]:
        """By fault; empty as long as nothing was read."""
        return [sum(of) for of in zip(*(taken.hits for taken in self._latest.values()), strict=True)]

    def turns(self) -> Iterator[Turn]:
        """All of them, in order. What went wrong there is raised in its place; WorkerProcessError if one has ended."""
        order = Order(dict.fromkeys(range(self._sources), MIN_TIME))
        for number in order:
            which = number % len(self._processes)
            frame = _decoder.decode(self._processes.receive(which))
            if isinstance(frame, Failed):
                raise frame.error()
            if frame.turn.number != number:
                raise WorkerProcessError(
                    f"a worker process counts source {frame.turn.number} when it is {number}'s turn"
                )
            self._latest[which] = frame
            turn = turn_of(frame.turn, self._layouts)
            order.took(turn)
            yield turn
