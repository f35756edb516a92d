"""State in memory: the reference that the Redis store is held to, and what the worker is tested on without one."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from driftgauge.errors import FencedError, StateGoneError
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint, Claim, Progress


@dataclass(slots=True)
class _Stored:
    owner: str = ""
    sequence: int = 0
    checkpoint: Checkpoint | None = None
    reset: bool = False


class MemoryState:
    """A StateStore that lives as long as the object."""

    def __init__(self) -> None:
        """Empty."""
        self._stored: dict[Source, _Stored] = {}
        self._told: dict[Source, Progress] = {}
        self._settled: dict[str, str] = {}

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """See StateStore."""
        stored = self._stored.setdefault(partition, _Stored())
        stored.owner = uuid.uuid4().hex
        return Claim(partition, stored.owner, stored.sequence, reset=stored.reset), stored.checkpoint

    def save(
        self,
        claim: Claim,
        position: int,
        changed: Mapping[str, bytes],
        deleted: Collection[str],
        *,
        within: int | None = None,  # noqa: ARG002 (memory always answers)
    ) -> None:
        """See StateStore."""
        before = self._stored[claim.partition].checkpoint
        fields = {**(before.fields if before is not None else {}), **changed}
        self._put(claim, position, {name: data for name, data in fields.items() if name not in deleted})

    def begin(self, claim: Claim, position: int, fields: Mapping[str, bytes]) -> None:
        """See StateStore."""
        self._put(claim, position, dict(fields))

    def reset(self, partition: Source) -> None:
        """See InspectedStore."""
        self._stored[partition] = _Stored(sequence=self._stored[partition].sequence + 1, reset=True)

    def tell(self, source: Source, progress: Progress) -> None:
        """See StateStore."""
        self._told[source] = progress

    def told(self) -> dict[Source, Progress]:
        """See StateStore."""
        return dict(self._told)

    def settle(self, name: str, value: str) -> str:
        """See StateStore."""
        return self._settled.setdefault(name, value)

    def _put(self, claim: Claim, position: int, fields: Mapping[str, bytes]) -> None:
        stored = self._stored[claim.partition]
        if not stored.owner:
            raise StateGoneError(f"what was stored of {claim.partition} was reset by an operator")
        if stored.owner != claim.token or stored.sequence != claim.sequence:
            raise FencedError(f"{claim.partition} is owned by another worker now")
        claim.sequence += 1
        checkpoint = Checkpoint(position, fields, claim.topic_id)
        self._stored[claim.partition] = _Stored(claim.token, claim.sequence, checkpoint)
