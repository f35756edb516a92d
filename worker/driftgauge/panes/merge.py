"""Partial panes to whole panes: merge by integer addition, close once every gating source's watermark has passed.

State of one panes partition: which sources gate, how far each has come, the panes still open. Merging happens on
arrival, so an open pane is one vector of counts and the set of sources that are in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, ProfileChange, Sources, Watermark
from driftgauge.panes.sample import RowSample
from driftgauge.records import Source
from driftgauge.subject import Subject

# Ms before all panes.
_NOTHING = -(1 << 62)


@dataclass(slots=True, eq=False)
class Pane:
    """A pane of one subject over all its sources. `offsets`: per source the first and last record behind it.

    `alarms`: of detectors on single events, per source that has any; `alarms_beyond_limit`: how many more there were.
    `sample`: rows that are looked at for repeats; None if none are.
    """

    subject: Subject
    profile: str
    start: int
    length: int
    counts: NDArray[np.int64]
    events: int
    offsets: dict[Source, tuple[int, int]]
    incomplete: bool = False
    alarms: dict[Source, tuple[EventAlarm, ...]] = field(default_factory=dict)
    alarms_beyond_limit: int = 0
    sample: RowSample | None = None

    @property
    def end(self) -> int:
        """First ms after the pane."""
        return self.start + self.length


@dataclass(slots=True)
class PaneMerge:
    """The open panes of one panes partition.

    `watermarks`: ms per source; `closed_to`: ms, no pane that ends there or before is open any more; `duplicates`:
    partials seen before; `conflicts`: partials counted with another profile; `ended`: the watermark (ms) before the
    last one of each source that has come to its end.
    """

    sources: tuple[Source, ...] | None = None
    watermarks: dict[Source, int] = field(default_factory=dict)
    open: dict[tuple[Subject, int], Pane] = field(default_factory=dict)
    closed_to: int = _NOTHING
    duplicates: int = 0
    conflicts: int = 0
    ended: dict[Source, int] = field(default_factory=dict)

    def take(self, message: Message) -> None:
        """Add one message in log order."""
        match message:
            case PartialPane():
                self._add(message)
            case Watermark():
                before = self.watermarks.get(message.source, _NOTHING)
                if message.time == END_OF_TIME:
                    self.ended.setdefault(message.source, before)
                self.watermarks[message.source] = max(message.time, before)
            case Sources():
                self.sources = message.sources
            case ProfileChange():
                pass

    @property
    def low_watermark(self) -> int | None:
        """Ms that every gating source has passed; None while one of them has said nothing yet."""
        if not self.sources or any(s not in self.watermarks for s in self.sources):
            return None
        return min(self.watermarks[s] for s in self.sources)

    @property
    def silent_to(self) -> int:
        """Ms up to which panes that haven't closed are known to be empty.

        The end of a source says nothing about what would have come: beyond it, only a later pane shows that none did.
        """
        return min([self.closed_to, *(self.ended[source] for source in self.sources or () if source in self.ended)])

    def close(self) -> dict[Subject, list[Pane]]:
        """Take out the panes that all gating sources have passed: per subject, oldest first, subjects sorted."""
        low = self.low_watermark
        if low is None:
            return {}
        closed: dict[Subject, list[Pane]] = {}
        for key in sorted(key for key, pane in self.open.items() if pane.end <= low):
            closed.setdefault(key[0], []).append(self.open.pop(key))
        self.closed_to = max(self.closed_to, low)
        return closed

    def _has_closed_without(self, partial: PartialPane) -> bool:
        """Whether the gating sources had passed its pane when it came, though `close` wasn't called since.

        So that what a source counts for that doesn't gate (yet) depends on the log alone, and not on how it was cut.
        """
        low = None if partial.source in (self.sources or ()) else self.low_watermark
        return low is not None and partial.end <= low

    def _add(self, partial: PartialPane) -> None:
        known = self.watermarks.get(partial.source)
        pane = self.open.get((partial.subject, partial.start))
        stale = known is not None and partial.end <= known
        if stale or partial.end <= self.closed_to or self._has_closed_without(partial):
            self.duplicates += 1
        elif pane is None:
            self.open[partial.subject, partial.start] = Pane(
                partial.subject,
                partial.profile,
                partial.start,
                partial.length,
                partial.counts,
                partial.events,
                {partial.source: (partial.first_offset, partial.last_offset)},
                partial.incomplete,
                {partial.source: partial.alarms} if partial.alarms else {},
                partial.alarms_beyond_limit,
                partial.sample,
            )
        elif partial.source in pane.offsets:
            self.duplicates += 1
        elif (partial.profile, partial.length) != (pane.profile, pane.length):
            # Counts over different bins can't be added (rules 2.7): the first profile in log order wins.
            self.conflicts += 1
        else:
            pane.counts = pane.counts + partial.counts
            pane.events += partial.events
            pane.offsets[partial.source] = (partial.first_offset, partial.last_offset)
            pane.incomplete |= partial.incomplete
            if partial.alarms:
                pane.alarms[partial.source] = partial.alarms
            pane.alarms_beyond_limit += partial.alarms_beyond_limit
            pane.sample = partial.sample.merged(pane.sample) if partial.sample is not None else pane.sample
