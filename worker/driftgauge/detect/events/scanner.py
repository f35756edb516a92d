"""What a detector on events is made of: one test per stream, fed a batch of values at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from driftgauge.detect.types import Direction


class ScanAlarm(NamedTuple):
    """An alarm at value `at` of what stream number `stream` was given in this scan."""

    stream: int
    at: int
    statistic: float
    threshold: float
    direction: Direction


class Scanner(Protocol):
    """The tests of a detector over its streams.

    Laws (tests/laws): alarms and state are those of river's own object, updated value by value and begun anew after
    each alarm, however the values are cut into scans.
    """

    def scan(self, values: Sequence[NDArray[Any]]) -> list[ScanAlarm]:
        """Feed each stream its next values, oldest first."""
        ...

    def encode(self) -> bytes:
        """State of all tests; equal states give equal bytes."""
        ...

    def decode(self, state: bytes) -> None:
        """Take what `encode` wrote. StateError if river couldn't have come to it, and then nothing has changed."""
        ...
