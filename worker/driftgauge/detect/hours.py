"""Counts summed up by hours of event time: the coarse panes that a day's window is made of.

A day of one-minute panes would be 1,440 rows of counts to keep; by hours it is 24. An hour is complete with the first
non-empty pane that starts after it, whatever the block in which that comes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.windows import HOUR

Ints = NDArray[np.int64]
HOURS_KEPT = 24


class Hours(NamedTuple):
    """Complete hours that hold any event, oldest first: `starts` int64 [G] ms, `counts` int64 [G, K]."""

    starts: Ints
    counts: Ints


def hour_of(starts: Ints) -> Ints:
    """Start (ms) of the hour that a pane belongs to: that of its own start."""
    return starts - starts % HOUR


def completed_hours(history_starts: Ints, history_counts: Ints, starts: Ints, counts: Ints) -> Hours:
    """The hours that are complete with a block of panes and were not before it.

    `starts` int64 [P], `counts` int64 [P, K]: the block's panes, at least one; `history_starts` int64 [H],
    `history_counts` int64 [H, K]: those right before it, at least all of the hour that was running.
    """
    running = hour_of(history_starts[-1:])
    begin = int(np.searchsorted(history_starts, running[0])) if len(running) else 0
    hours = hour_of(np.concatenate([history_starts[begin:], starts]))
    found, first = np.unique(hours, return_index=True)
    sums = np.add.reduceat(np.concatenate([history_counts[begin:], counts]), first, axis=0)
    return Hours(found[:-1], np.asarray(sums[:-1], np.int64))
