"""The port to where records go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Publication:
    """A record to write. `partition` None: the broker's own hash of the key decides."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class Sink(Protocol):
    """Takes publications and, on `flush`, promises that all of them are durable."""

    def publish(self, publications: Sequence[Publication]) -> None:
        """Accept records, in order; they may still be under way when this returns."""
        ...

    def flush(self) -> None:
        """Wait until everything published is durable. UnavailableError if anything is not."""
        ...
