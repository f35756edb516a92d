"""The last four weeks of a subject's traffic, hour by hour: how many events, in how many panes, how uneven.

Panes without an event count as such. A day is clean if no traffic alert touches it; only clean days teach.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from driftgauge.detect.baseline.within import short_scales
from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.parts import ALL
from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY

DAYS_KEPT = 28
# Dispersions are kept as integers, in thousandths.
MILLI = 1000


class Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """An hour (a pane, if that is longer). `start` ms; by part `events`, and the `panes` they were counted in.

    `spread`: index of dispersion (variance over mean, thousandths; 0: unknown) of the counts of all events at each
    scale shorter than a row, then of the other parts' by pane. `tails`: kurtosis of the counts of all events by pane
    (thousandths; 0: unknown).
    """

    start: int
    events: list[int]
    panes: list[int]
    spread: list[int]
    tails: int


class Gap(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Panes of a part without an event, that came to an end: `begin`, `end` ms; `panes`: those that count."""

    part: int
    begin: int
    end: int
    panes: int


class Day(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A day (UTC, start in ms): its rows, and of each hour and part the longest gap that ended in it."""

    start: int
    spoiled: bool = False
    rows: list[Row] = []
    gaps: list[Gap] = []


class Running(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The row that is running: counts of all events by pane; of other parts events, panes and squares."""

    start: int
    counts: list[int]
    others: list[tuple[int, int, int]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Day)
_PREFIX = "traffic/"


class Days:
    """The days of one subject. `running`: its row that is not complete."""

    def __init__(self, grid: Grid, parts: int) -> None:
        """None yet."""
        self.running: Running | None = None
        self._grid = grid
        self._parts = parts
        self._scales = short_scales(grid.pane)
        self._days: dict[int, Day] = {}
        self._changed: set[int] = set()
        self._gone: set[int] = set()

    def take(self, start: int, counted: list[int]) -> None:
        """Add a pane that starts then (ms), with its events by part."""
        running = self._row(start)
        running.counts.append(counted[ALL])
        for i, (events, panes, squares) in enumerate(running.others):
            n, other = counted[i + 1], counted[2 - i]
            if other:
                # What a part does while the other is silent too is not its own affair.
                running.others[i] = (events + n, panes + 1, squares + n * n)

    def empty(self, begin: int, end: int) -> None:
        """Add the panes from one pane start to another (ms), none of which holds an event."""
        for stretch in self._grid.stretches(begin, end):
            self._row(stretch.start).counts.extend([0] * stretch.panes)

    def end_gap(self, gap: Gap) -> None:
        """Note a gap that ended without an alert."""
        day = self._day(gap.end)
        row = self._grid.row_of(gap.end)
        same = [g for g in day.gaps if g.part == gap.part and self._grid.row_of(g.end) == row]
        if all(g.panes < gap.panes for g in same):
            day.gaps = [g for g in day.gaps if g not in same] + [gap]
            self._changed.add(day.start)

    def spoil(self, begin: int, end: int) -> None:
        """An alert lasted from `begin` to `end` (ms)."""
        for start in range(max(begin, end - DAYS_KEPT * DAY) // DAY * DAY, end, DAY):
            self._day(start).spoiled = True
            self._changed.add(start)

    def turn(self, end: int) -> list[Day]:
        """The clean days of the four weeks before `end` (ms), to which the panes have come; long ones with a lag."""
        if self.running is not None and self.running.start + self._grid.row <= end:
            self._complete()
        for start in [start for start in self._days if start < end - DAYS_KEPT * DAY]:
            del self._days[start]
            self._changed.discard(start)
            self._gone.add(start)
        known = [day for start, day in sorted(self._days.items()) if start < end - self._grid.lag]
        return [day for day in known if day.rows and not day.spoiled]

    @property
    def silent(self) -> bool:
        """Whether no event is known of at all."""
        rows = [row for day in self._days.values() for row in day.rows]
        return not any(row.events[ALL] for row in rows) and not (self.running and any(self.running.counts))

    def forget(self) -> None:
        """Begin anew."""
        self._gone.update(self._days)
        self._days, self._changed, self.running = {}, set(), None

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        fresh = {_name(start): _encoder.encode(self._days[start]) for start in sorted(self._changed)}
        gone = [_name(start) for start in sorted(self._gone - self._days.keys())]
        self._changed, self._gone = set(), set()
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Fill fresh days from state fields. StateError if one doesn't fit."""
        for name, data in fields.items():
            if not name.startswith(_PREFIX):
                continue
            try:
                day = _decoder.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StateError(f"a stored day of traffic can't be read: {error}") from error
            if name != _name(day.start) or day.start % DAY or not self._fits(day):
                raise StateError(f"the stored day of traffic {name!r} holds impossible numbers")
            self._days[day.start] = day

    def fits(self, running: Running) -> bool:
        """Whether a stored row can be one of these."""
        most = self._grid.row // self._grid.pane + 1
        return (
            running.start % self._grid.row == 0
            and 0 < len(running.counts) <= most
            and len(running.others) == self._parts - 1
            and all(n >= 0 for n in running.counts)
            and all(0 <= panes <= most and events >= 0 and squares >= 0 for events, panes, squares in running.others)
        )

    def _fits(self, day: Day) -> bool:
        end, columns = day.start + DAY, len(self._scales) + self._parts - 1
        starts = [row.start for row in day.rows]
        return (
            starts == sorted(set(starts))
            and all(day.start <= start < end and start % self._grid.row == 0 for start in starts)
            and all(len(row.events) == len(row.panes) == self._parts for row in day.rows)
            and all(len(row.spread) == columns for row in day.rows)
            and all(n >= 0 for row in day.rows for n in (*row.events, *row.panes, *row.spread, row.tails))
            and all(0 <= gap.part < self._parts and gap.panes > 0 for gap in day.gaps)
            and all(gap.begin < gap.end and day.start <= gap.end < end for gap in day.gaps)
            and all(time % self._grid.pane == 0 for gap in day.gaps for time in (gap.begin, gap.end))
        )

    def _row(self, start: int) -> Running:
        row = self._grid.row_of(start)
        if self.running is not None and self.running.start != row:
            self._complete()
        if self.running is None:
            self.running = Running(row, [], [(0, 0, 0)] * (self._parts - 1))
        return self.running

    def _complete(self) -> None:
        running, self.running = self.running, None
        assert running is not None  # noqa: S101 (whoever calls has seen one)
        day = self._day(running.start)
        day.rows.append(
            Row(
                running.start,
                [sum(running.counts), *(events for events, _, _ in running.others)],
                [len(running.counts), *(panes for _, panes, _ in running.others)],
                [*(_spread_of(running.counts, w) for w in self._scales), *(_spread(*x) for x in running.others)],
                _tails_of(running.counts),
            )
        )
        self._changed.add(day.start)

    def _day(self, time: int) -> Day:
        start = time - time % DAY
        if start not in self._days:
            self._days[start] = Day(start)
        return self._days[start]


def _spread_of(counts: list[int], scale: int) -> int:
    """Of the sums over so many panes each."""
    windows = len(counts) // scale
    sums = np.array(counts[: windows * scale], np.int64).reshape(windows, scale).sum(axis=1).tolist()
    return _spread(sum(sums), windows, sum(n * n for n in sums))


def _spread(events: int, windows: int, squares: int) -> int:
    """Index of dispersion, thousandths, of counts with this sum and sum of squares."""
    if windows < 2 or not events:
        return 0
    return round(MILLI * (squares * windows - events**2) / ((windows - 1) * events))


def _tails_of(counts: list[int]) -> int:
    deviation = np.array(counts, np.float64) - sum(counts) / len(counts)
    second = float((deviation**2).mean())
    return round(MILLI * float((deviation**4).mean()) / second**2) if second > 0 else 0


def _name(start: int) -> str:
    return f"{_PREFIX}{start}"
