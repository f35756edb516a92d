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
    """Takes publications and, on `flush`, promises that all of them are durable.

    Of what is published to a partition, nothing gets through after a record that did not: a watermark must never
    arrive without the panes before it. So once a record is lost all is refused (UndeliveredError), until `reopen`.
    `stamped`: the broker's time (ms since the epoch) of the last record that the last flush confirmed, if any.
    """

    stamped: int | None

    def publish(self, publications: Sequence[Publication]) -> None:
        """Accept records, in order; they may still be under way when this returns. UndeliveredError."""
        ...

    def make_room(self) -> None:
        """Wait, if too many records are under way, until few enough are. BlockedError, UndeliveredError."""
        ...

    def flush(self, wait_ms: int | None = None) -> None:
        """Wait until everything published is durable, at most so long. BlockedError, UndeliveredError."""
        ...

    def reopen(self) -> None:
        """Begin anew, with nothing under way. UnavailableError if nothing answers."""
        ...
