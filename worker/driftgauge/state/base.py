"""The port to where state lives: per partition a checkpoint (position and fields that belong together), fenced.

Whoever claims a partition gets a token; only its holder may save. Position and fields change together or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from driftgauge.records import Source


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Stored state of a partition. `position`: next offset to read. `fields`: whatever the task saved.

    `topic_id`: Kafka's id of the topic that the position is of; empty if it wasn't known. `damage`: why `fields` can't
    be believed (they are empty then), None if they can.
    """

    position: int
    fields: Mapping[str, bytes]
    topic_id: str = ""
    damage: str | None = None


class Progress(NamedTuple):
    """How far a source has come, ms: its `watermark`, and what of it its own records account for (`reached`)."""

    watermark: int
    reached: int


@dataclass(slots=True)
class Claim:
    """The right to save the state of `partition` until somebody else claims it. `sequence`: of the last save.

    `topic_id` is saved with every checkpoint. `reset`: an operator has taken the state away since the last save.
    """

    partition: Source
    token: str
    sequence: int
    topic_id: str = ""
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is stored of a partition, looked at without claiming it. Ages in ms; None: unknown.

    `claimed`: age of the last claim; `saved`: of the last save. `stored` bytes include the fields' own heads. `damage`:
    why not even the checkpoint can be looked at. `reset`: an operator has taken the state away since the last save.
    """

    partition: Source
    sequence: int
    claimed: int | None
    saved: int | None
    stored: int
    checkpoint: Checkpoint | None
    damage: str | None = None
    reset: bool = False


class StateStore(Protocol):
    """Memory and Redis implement this; tests/contract runs one suite over both.

    UnavailableError from any of these: no answer, or no use in asking. After one from `save` it is open whether it was
    applied, so the claim is void: what is saved with it later is refused.
    """

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """Take a partition over, fencing off whoever had it. None: nothing was saved, or it was reset."""
        ...

    def save(
        self,
        claim: Claim,
        position: int,
        changed: Mapping[str, bytes],
        deleted: Collection[str],
        *,
        within: int | None = None,
    ) -> None:
        """Write fields and position in one step. FencedError if the claim was lost; if not to another: StateGoneError.

        `within`: ms after which to give up on a store that doesn't answer; None: as it was set up.
        """
        ...

    def begin(self, claim: Claim, position: int, fields: Mapping[str, bytes]) -> None:
        """As `save`, and whatever was stored before is gone: the first checkpoint, or one in place of a useless one."""
        ...

    def tell(self, source: Source, progress: Progress) -> None:
        """Tell other workers how far a source has come: a courtesy, never part of the state."""
        ...

    def told(self) -> dict[Source, Progress]:
        """What all workers have told."""
        ...

    def settle(self, name: str, value: str) -> str:
        """Write a value that is decided once for the group (panes partition count, ...); the value in force."""
        ...


class InspectedStore(Protocol):
    """What an operator may do with stored state from outside."""

    def inspect(self) -> Iterator[Inspected]:
        """All partitions of the group that something is stored of, in order."""
        ...

    def reset(self, partition: Source) -> None:
        """Take the state away and fence off whoever owns the partition; the next owner begins anew, and knows why."""
        ...

    def remove(self, partition: Source) -> None:
        """Leave nothing of a partition that isn't there any more, as if there never had been one."""
        ...
