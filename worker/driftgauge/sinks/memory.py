"""A sink that keeps what it gets: for the demo, backtests and tests."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.sinks.base import Publication


class MemorySink:
    """Everything published, in order, in `records`."""

    def __init__(self) -> None:
        """Empty."""
        self.records: list[Publication] = []

    def publish(self, publications: Sequence[Publication]) -> None:
        """See Sink."""
        self.records.extend(publications)

    def flush(self) -> None:
        """See Sink: memory is as durable as it gets."""
