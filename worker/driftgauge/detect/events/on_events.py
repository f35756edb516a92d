"""A detector on single events as detect knows it: what ingest has found, by the pane of the event.

Its tests run beside the counting, per source (`watch`). Here their alarms, which came with the partial panes, become
detections: one per pane and series, whichever and however many partitions have alarmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.events.scanner import Scanner
from driftgauge.detect.events.streams import EventStream
from driftgauge.detect.events.watch import EventWatch
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.types import Detection, Detector, DetectorContext
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.profiles.series import Series
from driftgauge.records import Source

_VERSION = 1


class OnEvents:
    """Base of the detectors on events; not a method of its own.

    Every partition is a stream of its own, so which alarms there are depends on how events are spread over partitions.
    `confirm`: whether an alarm is a candidate that the life cycle confirms by effect, or opens at once. Of a rate only
    rises are told.
    """

    name: ClassVar[str]
    by_default: ClassVar[bool] = False

    def __init__(
        self, context: DetectorContext, streams: Sequence[EventStream], resolved: Mapping[str, Any], *, confirm: bool
    ) -> None:
        self._resolved = {"on": "event", **resolved, "confirm": confirm}
        self._streams = streams
        self._confirm = confirm
        self._by_key = {stream.series.key: stream.series for stream in streams}
        series = [stream.series for stream in streams]
        units = [None if stream.unit is None else list(stream.unit) for stream in streams]
        self._mark = fingerprint(self.name, _VERSION, context, series, {**self._resolved, "units": units})

    def scanner(self) -> Scanner:
        """Fresh tests for all streams."""
        raise NotImplementedError

    def watch(self) -> EventWatch:
        """What a source's ingest runs."""
        return EventWatch(self.name, self._mark, self._streams, self.scanner())

    @property
    def series_keys(self) -> Sequence[str]:
        """Of the series that it watches."""
        return list(self._by_key)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        raise NotImplementedError

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """The alarms that came with the panes; see the class."""
        return [
            self._detection(pane, key, alarms)
            for pane, by_source in enumerate(block.alarms)
            if by_source
            for key, alarms in self._by_series(by_source)
        ]

    def _by_series(
        self, by_source: Mapping[Source, Sequence[EventAlarm]]
    ) -> list[tuple[str, list[tuple[Source, EventAlarm]]]]:
        found: dict[str, list[tuple[Source, EventAlarm]]] = {}
        for source, alarms in sorted(by_source.items()):
            for alarm in alarms:
                series = self._by_key.get(alarm.series) if alarm.detector == self.name else None
                if series is not None and (series.kind != "rate" or alarm.direction == "up"):
                    found.setdefault(alarm.series, []).append((source, alarm))
        return sorted(found.items(), key=lambda entry: self._by_key[entry[0]].index)

    def _detection(self, pane: int, key: str, alarms: Sequence[tuple[Source, EventAlarm]]) -> Detection:
        """With the numbers of the earliest one."""
        _, first = min(alarms, key=lambda entry: (entry[1].at, entry[0], entry[1].offset))
        return Detection(
            series=self._by_key[key].index,
            pane=pane,
            detector=self.name,
            statistic=first.statistic,
            threshold=first.threshold,
            direction=first.direction,
            confirmed=not self._confirm,
            of_own_past=True,
            partitions=tuple(dict.fromkeys(str(source) for source, _ in alarms)),
        )

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:  # noqa: ARG002
        """Not told: it hangs on how events are spread over partitions and on their order."""
        return ()

    def rebase(self, series: Sequence[Series]) -> None:
        """Nothing changes: ingest knows the profile only."""

    def snapshot(self) -> bytes:
        """An envelope alone: the tests are part of the sources' state."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError(f"{self.name}: state holds something, but on events this method keeps none here")
