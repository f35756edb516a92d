"""An alarm of a detector that sees single events, on its way from ingest, with the partial pane, to detect.

The same value in the panes topic, in the state of ingest and in that of detect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from driftgauge.errors import StateError

_Name = Annotated[str, Meta(min_length=1)]
_Whole = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class EventAlarm(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An event at which a detector alarmed on a series (by its key).

    `at` (ms since the epoch) and `offset` are the event's; `position` counts the values that the source had given the
    detector of this series before. `statistic` and `threshold` as the detector documents them.
    """

    detector: _Name
    series: str
    at: Annotated[int, Meta(ge=-(1 << 61), le=1 << 61)]
    offset: _Whole
    position: _Whole
    statistic: float
    threshold: float
    direction: Literal["up", "down"]


def require_within(alarms: Sequence[EventAlarm], start: int, end: int, first_offset: int, last_offset: int) -> None:
    """StateError unless all are of events of the pane (ms, offsets inclusive), with finite numbers."""
    for alarm in alarms:
        if not start <= alarm.at < end:
            raise StateError(f"an alarm of {alarm.detector} lies outside the time of its pane")
        if not first_offset <= alarm.offset <= last_offset:
            raise StateError(f"an alarm of {alarm.detector} lies outside the records of its pane")
        if not (math.isfinite(alarm.statistic) and math.isfinite(alarm.threshold)):
            raise StateError(f"an alarm of {alarm.detector} has a number that is not finite")
