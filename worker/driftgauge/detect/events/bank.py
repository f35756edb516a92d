"""The detectors that look at the single events of one source, of all subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.events.reader import EventReader
from driftgauge.detect.events.watch import EventWatch
from driftgauge.errors import StateError
from driftgauge.ingest.observing import OnTime
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.schedule import ALWAYS
from driftgauge.subject import Subject

VERSION = 1
# A subject, and since when (ms) its plan holds; see `panes/schedule.py`.
PlanKey = tuple[Subject, int]
Watches = Mapping[PlanKey, Sequence[EventWatch]]


class _Bank(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    # subject, since when its plan holds (ALWAYS: at the watermark), detector, its state
    watches: list[tuple[tuple[str, str, str], int, str, bytes]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Bank)


class EventBank:
    """`ingest.observing.Observes`. `fresh` makes watches with nothing seen yet, per plan in the registry's order.

    The plans of one subject are watched apart: each by its own profile, and only its own events.
    """

    def __init__(self, fresh: Callable[[], Watches], alarms_per_pane: int) -> None:
        self.alarms_per_pane = alarms_per_pane
        self._fresh = fresh
        self._watches = fresh()

    def observe(self, parts: Sequence[OnTime], times: NDArray[np.int64], offsets: Sequence[int]) -> list[EventAlarm]:
        """See `Observes`. Alarms of one event in order of detectors, then of series."""
        watches = self._watches.get((parts[0].events.subject, parts[0].events.since), ())
        events = EventReader(parts)
        # Distances between the largest doubles have no double; clipped they have.
        with np.errstate(over="ignore"):
            found = [(seen.row, order, seen) for order, watch in enumerate(watches) for seen in watch.observe(events)]
        found.sort(key=lambda entry: (entry[0], entry[1], entry[2].stream.series.index))
        return [
            EventAlarm(
                watches[order].name,
                seen.stream.series.key,
                int(times[row]),
                int(offsets[row]),
                seen.position,
                seen.alarm.statistic,
                seen.alarm.threshold,
                seen.alarm.direction,
            )
            for row, order, seen in found
        ]

    def snapshot(self, watermark: int) -> bytes:
        """See `Observes`. Of a plan that the watermark has passed there are no more events to see."""
        stored = [
            ((subject.model_id, subject.model_version, subject.segment), since, watch.name, watch.snapshot())
            for (subject, since), watches in _to_go_on(self._watches, watermark)
            for watch in watches
        ]
        return _encoder.encode(_Bank(VERSION, stored))

    def restore(self, state: bytes, watermark: int) -> None:
        """See `Observes`. A detector without state was switched on since, a state without detector is left behind."""
        try:
            bank = _decoder.decode(state)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"the state of the detectors on events can't be read: {error}") from error
        if bank.version != VERSION:
            raise StateError(f"detectors on events have state of version {bank.version}, this program reads {VERSION}")
        stored = {(Subject(*subject), since, name): data for subject, since, name, data in bank.watches}
        if len(stored) != len(bank.watches):
            raise StateError("a detector on events has two states")
        fresh = self._fresh()
        for (subject, since), watches in _to_go_on(fresh, watermark):
            for watch in watches:
                data = stored.get((subject, since, watch.name))
                if data is None:
                    continue
                try:
                    watch.restore(data)
                except StateError as error:
                    raise StateError(f"{subject}: {watch.name}: {error}") from error
        self._watches = fresh


def _to_go_on(watches: Watches, watermark: int) -> Iterator[tuple[PlanKey, Sequence[EventWatch]]]:
    """Those of the plans that hold at the watermark (told as since ALWAYS) or later, sorted.

    So a plan keeps its state when the one before it leaves the configuration, or its own start does.
    """
    plans = sorted(watches)
    for at, (subject, since) in enumerate(plans):
        passed = at + 1 < len(plans) and plans[at + 1][0] == subject and plans[at + 1][1] <= watermark
        if not passed:
            yield (subject, since if since > watermark else ALWAYS), watches[subject, since]
