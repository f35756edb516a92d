"""The port to where records come from while a worker runs: a member of a consumer group.

Positions are the worker's: the group's own are only told, never read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from driftgauge.records import RecordBatch, Source


class PartitionedSource(Protocol):
    """What the worker needs of a consumer; `sources.kafka.KafkaSource` is one. UnavailableError if nothing answers."""

    def subscribe(self, topics: Collection[str], *, assigned: Any, revoked: Any, lost: Any) -> None:
        """Join the group."""
        ...

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Next records. DamagedError, OutOfRangeError."""
        ...

    def skip_damage(self) -> dict[Source, tuple[int, int]]:
        """After a DamagedError, before the next poll: leave out what can't be read; its first offset and the next."""
        ...

    def seek(self, source: Source, position: int) -> None:
        """Read on from there."""
        ...

    def pause(self, source: Source) -> None:
        """Stop the flow."""
        ...

    def resume(self, source: Source) -> None:
        """Let it flow."""
        ...

    def assignment(self) -> set[Source]:
        """What is ours."""
        ...

    def position(self, source: Source) -> int:
        """The offset that is read next."""
        ...

    def drained(self, sources: Collection[Source]) -> set[Source]:
        """Those with nothing left to read."""
        ...

    def commit(self, positions: Mapping[Source, int]) -> None:
        """Tell the group."""
        ...

    def close(self) -> None:
        """Leave."""
        ...
