"""State in memory: the reference that the Redis store is held to, and what the worker is tested on without one."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from driftgauge.errors import FencedError
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint, Claim, Progress


class MemoryState:
    """A StateStore that lives as long as the object."""

    def __init__(self) -> None:
        """Empty."""
        self._owners: dict[Source, str] = {}
        self._sequences: dict[Source, int] = {}
        self._positions: dict[Source, int] = {}
        self._fields: dict[Source, dict[str, bytes]] = {}
        self._told: dict[Source, Progress] = {}
        self._settled: dict[str, str] = {}

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """See StateStore."""
        token = uuid.uuid4().hex
        self._owners[partition] = token
        claim = Claim(partition, token, self._sequences.get(partition, 0))
        if partition not in self._positions:
            return claim, None
        return claim, Checkpoint(self._positions[partition], dict(self._fields[partition]))

    def save(self, claim: Claim, position: int, changed: Mapping[str, bytes], deleted: Collection[str]) -> None:
        """See StateStore."""
        partition = claim.partition
        if self._owners.get(partition) != claim.token or self._sequences.get(partition, 0) != claim.sequence:
            raise FencedError(f"{partition} is owned by another worker now")
        fields = self._fields.setdefault(partition, {})
        fields.update(changed)
        for name in deleted:
            fields.pop(name, None)
        self._positions[partition] = position
        claim.sequence += 1
        self._sequences[partition] = claim.sequence

    def tell(self, source: Source, progress: Progress) -> None:
        """See StateStore."""
        self._told[source] = progress

    def told(self) -> dict[Source, Progress]:
        """See StateStore."""
        return dict(self._told)

    def settle(self, name: str, value: str) -> str:
        """See StateStore."""
        return self._settled.setdefault(name, value)
