"""ADWIN (river) on every value of a stream, a batch at a time and bit for bit as value by value.

`any(map(update, values))` runs river's own update at the speed of C up to the first alarm, and how many values are left
in the iterator tells where that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import length_hint
from typing import Any

from numpy.typing import NDArray

from driftgauge.detect.events.scanner import ScanAlarm
from driftgauge.detect.river_state import AdwinParameters
from driftgauge.detect.state_parts import joined, parted
from driftgauge.detect.types import Direction


class AdwinScanner:
    """See `Scanner`. `statistic`: how far the window's mean moved when it was cut; `threshold`: delta."""

    def __init__(self, parameters: AdwinParameters, streams: int) -> None:
        self._parameters = parameters
        self._windows = [parameters.fresh() for _ in range(streams)]

    def scan(self, values: Sequence[NDArray[Any]]) -> list[ScanAlarm]:
        """See `Scanner`."""
        found = []
        for stream, of_stream in enumerate(values):
            if len(of_stream):
                found += self._scan(stream, of_stream.tolist())
        return found

    def _scan(self, stream: int, values: list[float]) -> list[ScanAlarm]:
        found, begin = [], 0
        window = self._windows[stream]
        before = self._parameters.encode(window)
        unread = iter(values)
        while any(map(window._helper.update, unread)):  # noqa: SLF001
            at = len(values) - length_hint(unread) - 1
            level = self._level(before, values[begin:at])
            moved = window.estimation - level or values[at] - level
            side: Direction = "up" if moved > 0 else "down"
            found.append(ScanAlarm(stream, at, abs(moved), self._parameters.delta, side))
            # river would begin anew at its next update; doing so now leaves one state fewer to store.
            window = self._windows[stream] = self._parameters.fresh()
            before, begin = self._parameters.encode(window), at + 1
        return found

    def _level(self, state: bytes, values: list[float]) -> float:
        """The window's mean right before the value that alarmed: by then the window is cut, so it is made once more."""
        window = self._parameters.fresh()
        window._helper.__setstate__(state)  # noqa: SLF001
        any(map(window._helper.update, values))  # noqa: SLF001
        return float(window.estimation)

    def encode(self) -> bytes:
        """Each window in river's own bytes."""
        return joined(map(self._parameters.encode, self._windows))

    def decode(self, state: bytes) -> None:
        """See `Scanner`."""
        self._windows = [self._parameters.decode(part) for part in parted(state, len(self._windows))]
