"""River's detectors of a rising error rate, on a stream of 0 and 1: what the five of them have in common.

They were made for the errors of a model; any rate or share is such a stream. They are pure Python in river, and are
updated value by value. A test is stored by its numbers, checked in full before river gets it back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from numpy.typing import NDArray

from driftgauge.detect.events.chosen import indicator_streams
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.scanner import ScanAlarm
from driftgauge.detect.settings import override, place, require
from driftgauge.detect.state_parts import joined, parted
from driftgauge.detect.types import Detector, DetectorContext, Direction
from driftgauge.errors import StateError

# No stream is longer; up to here every count is exact in a double.
MAX_COUNT = 1 << 53


class BinaryTest(Protocol):
    """How river's object of one method is made from its parameters, stored, and asked."""

    attributes: ClassVar[frozenset[str]]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of river's names. ValueError if one is out of range."""
        ...

    def fresh(self) -> Any:
        """River's object with nothing seen."""
        ...

    def encode(self, test: Any) -> bytes:
        """The state of one that is not in drift."""
        ...

    def decode(self, state: bytes) -> Any:
        """The inverse. StateError unless river could have come to it."""
        ...

    def evidence(self, test: Any) -> tuple[float, float, Direction]:
        """Statistic, threshold and direction of one that is in drift."""
        ...


class BinaryScanner:
    """See `Scanner`. `inverted`: the method wants 1 where nothing is wrong."""

    def __init__(self, method: BinaryTest, streams: int, *, inverted: bool) -> None:
        self._method = method
        self._inverted = inverted
        self._tests = [method.fresh() for _ in range(streams)]

    def scan(self, values: Sequence[NDArray[Any]]) -> list[ScanAlarm]:
        """See `Scanner`."""
        found = []
        for stream, of_stream in enumerate(values):
            test = self._tests[stream]
            for at, value in enumerate((1 - of_stream if self._inverted else of_stream).tolist()):
                test.update(value)
                if test.drift_detected:
                    found.append(ScanAlarm(stream, at, *self._method.evidence(test)))
                    # River would begin anew at its next update; doing so now leaves one state fewer to store.
                    test = self._tests[stream] = self._method.fresh()
        return found

    def encode(self) -> bytes:
        """Each test's length and numbers."""
        return joined(map(self._method.encode, self._tests))

    def decode(self, state: bytes) -> None:
        """See `Scanner`."""
        parts = parted(state, len(self._tests))
        tests = [self._method.decode(part) for part in parts]
        if [self._method.encode(test) for test in tests] != parts:
            raise StateError("state is not in river's own form")
        self._tests = tests


class BinaryOnEvents(OnEvents):
    """Base of the methods for 0 and 1: `series` names the rates and shares they watch, by key (see `chosen.py`)."""

    method: ClassVar[type[BinaryTest]]
    inverted: ClassVar[bool] = False
    _DEFAULTS: ClassVar[Mapping[str, Any]]

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override({"series": [], **self._DEFAULTS, "confirm": True}, settings)
        confirm, wanted = chosen.pop("confirm"), chosen.pop("series")
        require(bool(wanted), "series must name rates and shares to watch, such as income|missing or job|share|clerk")
        self._test = self.method.of(chosen)
        streams = indicator_streams(context.series, wanted)
        named = {"series": [stream.series.key for stream in streams]}
        super().__init__(context, streams, {**named, **chosen}, confirm=confirm)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        on, others = place({"on": "event", **settings})
        require(on == "event", "on must be event: this method sees no panes")
        return cls(context, others)

    def scanner(self) -> BinaryScanner:
        """Fresh tests."""
        return BinaryScanner(self._test, len(self._streams), inverted=self.inverted)


def unpacked(layout: struct.Struct, state: bytes) -> tuple[Any, ...]:
    """The numbers of a state of fixed length. StateError if it has another."""
    if len(state) != layout.size:
        raise StateError("state has another length")
    return layout.unpack(state)


def is_count(number: float, least: int = 0) -> bool:
    """Whether a double is a whole number of values."""
    return least <= number < MAX_COUNT and number == int(number)
