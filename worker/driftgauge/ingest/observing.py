"""Detectors that look at single events: what ingest shows them, and where their alarms go.

They live in `detect`, which comes later on a record's way, and are handed in. Their state is part of the source's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.panes.event_alarm import EventAlarm


class OnTime(NamedTuple):
    """Events of a batch; `on_time` bool [n]: those of them that were taken and are not late."""

    events: EventColumns
    on_time: NDArray[np.bool_]


class Observes(Protocol):
    """Anything that looks at single events; see `detect.events.bank.EventBank`.

    `alarms_per_pane`: how many alarms of a detector on a series a partial pane holds.
    """

    alarms_per_pane: int

    def observe(self, parts: Sequence[OnTime], times: NDArray[np.int64], offsets: Sequence[int]) -> list[EventAlarm]:
        """See a batch's events of one subject and plan (`times` ms and `offsets` of all its records); by offset."""
        ...

    def snapshot(self, watermark: int) -> bytes:
        """State as bytes, of a source at this watermark (ms); equal states give equal bytes."""
        ...

    def restore(self, state: bytes, watermark: int) -> None:
        """Go on from a snapshot. StateError if it doesn't fit, and then nothing has changed."""
        ...


def within_limit(held: Sequence[EventAlarm], found: Sequence[EventAlarm], limit: int) -> list[EventAlarm]:
    """The first of `found` that a pane which holds `held` has room for: `limit` for each detector and series."""
    count = Counter((alarm.detector, alarm.series) for alarm in held)
    kept = []
    for alarm in found:
        if count[alarm.detector, alarm.series] < limit:
            count[alarm.detector, alarm.series] += 1
            kept.append(alarm)
    return kept
