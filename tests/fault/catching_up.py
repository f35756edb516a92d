"""How long it takes, under load, until everything that was there at one moment is settled."""

from __future__ import annotations

import time

from kafka.errors import KafkaError

from driftgauge.errors import DriftgaugeError
from driftgauge.records import Source
from fault.deployment import Deployment

LIMIT_SECONDS = 60.0
_LOOK_S = 0.1


class CatchingUp:
    """From the moment it is made on: the inputs up to their present ends, then the panes that these have given."""

    def __init__(self, line: Deployment) -> None:
        self._line = line
        self._begun = time.monotonic()

    def wait(self) -> float | None:
        """Seconds; None if it took too long."""
        return self._begun_to(self._line.inputs) and self._begun_to(self._line.panes)

    def _begun_to(self, sources: list[Source]) -> float | None:
        ends: dict[Source, int] | None = None
        while (now := time.monotonic()) - self._begun < LIMIT_SECONDS:
            try:
                ends = ends or self._line.ends(sources)
                positions = self._line.positions(sources)
            except (KafkaError, OSError, DriftgaugeError):
                positions = {}
            if ends and all(positions.get(source, -1) >= end for source, end in ends.items()):
                return now - self._begun
            time.sleep(_LOOK_S)
        return None
