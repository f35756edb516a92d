"""Counts of a subject's panes and of its segments' panes at once: every value's cell is found one time.

Events are counted by segment, and the whole is their sum: integers, so that it is what counting it alone would give.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.ingest.counting import count_panes
from driftgauge.profiles.layout import Layout


class SegmentPane(NamedTuple):
    """What pane number `pane` holds of segment number `segment`: counts int64 [K], events, first and last row."""

    segment: int
    pane: int
    counts: NDArray[np.int64]
    events: int
    first_row: int
    last_row: int


class BySegment(NamedTuple):
    """`whole` int64 [panes, K]; `segments`: those that have events; `outside`: events that are in none."""

    whole: NDArray[np.int64]
    segments: list[SegmentPane]
    outside: int


def count_by_segment(
    layout: Layout, events: EventColumns, chosen: NDArray[np.bool_], pane: NDArray[np.int64], panes: int
) -> BySegment:
    """As `count_panes`, of events with segments; each pane has an event that is chosen."""
    assert events.segments is not None  # noqa: S101 (what the caller asks first)
    numbers = int(events.segments.max(initial=-1)) + 2
    flat = (pane * numbers + events.segments + 1)[chosen]
    # Only pairs of pane and segment that occur: a batch of a year's rows has many panes, of few segments each.
    found, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    group = np.zeros(len(pane), np.int64)
    group[chosen] = inverse
    counts = count_panes(layout, events, chosen, group, len(found))
    last = np.zeros(len(found), np.int64)
    np.maximum.at(last, inverse, np.arange(len(flat)))
    sizes, rows = np.bincount(inverse), events.rows[chosen]
    of_pane, segment = found // numbers, found % numbers - 1
    whole = np.add.reduceat(counts, np.searchsorted(of_pane, np.arange(panes)), axis=0)
    segments = [
        SegmentPane(int(segment[i]), int(of_pane[i]), counts[i], int(sizes[i]), int(rows[first[i]]), int(rows[last[i]]))
        for i in np.flatnonzero(segment >= 0)
    ]
    return BySegment(whole, segments, int(sizes[segment < 0].sum()))
