"""One detector on the events of one source and subject: what it reads, its tests, and how many values it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from driftgauge.detect.envelope import seal, unseal
from driftgauge.detect.events.reader import EventReader
from driftgauge.detect.events.scanner import ScanAlarm, Scanner
from driftgauge.detect.events.streams import EventStream
from driftgauge.errors import StateError


class SeenAlarm(NamedTuple):
    """An alarm at the event in row `row` of the batch; `position`: values of the stream before it, ever."""

    row: int
    stream: EventStream
    position: int
    alarm: ScanAlarm


class EventWatch:
    """The state of a detector within a source's ingest. `mark`: what the state depends on (see `envelope.py`)."""

    def __init__(self, name: str, mark: bytes, streams: Sequence[EventStream], scanner: Scanner) -> None:
        self.name = name
        self._mark = mark
        self._streams = streams
        self._scanner = scanner
        self._seen = np.zeros(len(streams), np.int64)

    def observe(self, events: EventReader) -> list[SeenAlarm]:
        """Feed a batch."""
        read = [events.of(stream) for stream in self._streams]
        found = [
            SeenAlarm(
                int(read[alarm.stream].rows[alarm.at]),
                self._streams[alarm.stream],
                int(self._seen[alarm.stream]) + alarm.at,
                alarm,
            )
            for alarm in self._scanner.scan([values for values, _ in read])
        ]
        self._seen += np.array([len(rows) for _, rows in read], np.int64)
        return found

    def snapshot(self) -> bytes:
        """Values seen per stream, then the tests."""
        return seal(self._mark, self._seen.astype("<i8").tobytes() + self._scanner.encode())

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal watch. StateError if it doesn't fit, and then nothing has changed."""
        payload, size = unseal(self._mark, state), 8 * len(self._streams)
        if len(payload) < size:
            raise StateError("state is for another number of series")
        seen = np.frombuffer(payload[:size], "<i8").astype(np.int64)
        if (seen < 0).any() or (seen >= 1 << 62).any():
            raise StateError("a number of values seen is out of range")
        self._scanner.decode(payload[size:])
        self._seen = seen
