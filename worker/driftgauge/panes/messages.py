"""The four records of the panes topic, as values. `panes/codec.py` turns them into bytes and back.

They carry no worker name, wall time or address: the same input log gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.sample import RowSample
from driftgauge.records import Source
from driftgauge.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class PartialPane:
    """A pane of one subject as seen by one source.

    `start` / `length`: ms. `counts` int64 [K] in the order of the profile's layout. `events`: events counted into it.
    `profile` is a content hash, or NO_PROFILE (panes/unprofiled.py): then there are no `counts`.
    `first_offset` / `last_offset`: of the records behind it. `incomplete`: cut by the start or end of a replay.
    `alarms`: of detectors on single events, in order of offsets; `alarms_beyond_limit`: how many more there were.
    `sample`: rows that are looked at for repeats; None if none are.
    """

    subject: Subject
    profile: str
    start: int
    length: int
    source: Source
    counts: NDArray[np.int64]
    events: int
    first_offset: int
    last_offset: int
    incomplete: bool = False
    alarms: tuple[EventAlarm, ...] = ()
    alarms_beyond_limit: int = 0
    sample: RowSample | None = None

    @property
    def end(self) -> int:
        """First ms after the pane."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Watermark:
    """Source `source` will add nothing to panes with end <= `time` (ms; END_OF_TIME at the end of a file).

    `next_offset`: first offset not read yet. `resume_offset`: first offset of any open pane, from where a lost ingest
    state can be rebuilt. `late`: late events so far. `idle`: the watermark was raised by the wall clock.
    """

    source: Source
    time: int
    next_offset: int
    resume_offset: int
    late: int
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources that gate panes, from here on in log order."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """From the first pane at or after `effective_from` (ms), partials of this model version carry this profile."""

    model_id: str
    model_version: str
    profile: str
    effective_from: int


Message = PartialPane | Watermark | Sources | ProfileChange

END_OF_TIME = (1 << 63) - 1
