"""The port to where state lives: per partition a checkpoint (position and fields that belong together), fenced.

Whoever claims a partition gets a token; only its holder may save. Position and fields change together or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from driftgauge.records import Source


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Stored state of a partition. `position`: next offset to read. `fields`: whatever the task saved."""

    position: int
    fields: Mapping[str, bytes]


class Progress(NamedTuple):
    """How far a source has come, ms: its `watermark`, and what of it its own records account for (`reached`)."""

    watermark: int
    reached: int


@dataclass(slots=True)
class Claim:
    """The right to save the state of `partition` until somebody else claims it. `sequence`: of the last save."""

    partition: Source
    token: str
    sequence: int


class StateStore(Protocol):
    """Memory and Redis implement this; tests/contract runs one suite over both."""

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """Take a partition over, fencing off whoever had it. None: nothing was ever saved. UnavailableError."""
        ...

    def save(self, claim: Claim, position: int, changed: Mapping[str, bytes], deleted: Collection[str]) -> None:
        """Write fields and position in one step. FencedError if the claim was lost; safe to repeat."""
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
