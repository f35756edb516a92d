"""What detect is fed: a block of closed panes of one subject, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.records import Source


@dataclass(frozen=True, slots=True, eq=False)
class SeriesHistory:
    """The last panes of all series before a block: `starts` [R] ms, `values` float64 [R, S], `n` integers [R, S].

    Oldest first. `keep`: the most rows that there ever are, so R is that or all panes so far. The arrays are views, to
    be read while the block is being looked at only.
    """

    starts: NDArray[np.integer]
    values: NDArray[np.float64]
    n: NDArray[np.integer]
    keep: int


def _nothing_before() -> SeriesHistory:
    return SeriesHistory(np.empty(0, np.int64), np.empty((0, 0)), np.empty((0, 0), np.int64), 0)


@dataclass(frozen=True, slots=True, eq=False)
class PaneBlock:
    """P consecutive non-empty closed panes of one subject, oldest first (empty panes are left out: they say nothing).

    `starts` int64 [P] ms; `length` ms; `counts` int64 [P, K]; per series (S of them): `n` int64 [P, S] events behind
    the value, `hits` int64 [P, S] (rates: events with the indicator), `values` float64 [P, S] (hits/n for rates; NaN
    where n is 0). Columns of window series are NaN / 0 until their detector has filled `values` and `n`.
    `history_starts` int64 [H], `history_counts` int64 [H, K]: the panes right before the block, at least as many as
    the comparison window reaches back, so that window detectors need no state of their own. `series_history`:
    the same for series, as far as the engine's ring reaches back. `hour_starts` int64 [G] ms, `hour_counts` int64
    [G, K]: the complete hours of event time, those of the day before the block's first pane and those that its panes
    complete; empty where panes are as long as an hour. `alarms`: those of detectors on single events, per pane and
    source; empty where no pane has any.
    """

    starts: NDArray[np.int64]
    length: int
    counts: NDArray[np.int64]
    n: NDArray[np.int64]
    hits: NDArray[np.int64]
    values: NDArray[np.float64]
    history_starts: NDArray[np.int64]
    history_counts: NDArray[np.int64]
    series_history: SeriesHistory = field(default_factory=_nothing_before)
    hour_starts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hour_counts: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    alarms: Sequence[Mapping[Source, Sequence[EventAlarm]]] = ()
