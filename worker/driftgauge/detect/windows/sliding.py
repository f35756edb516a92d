"""Sums over the last w panes of many series, slid by one pane at a time: integers, so exact for any split into blocks.

What is carried from block to block is only a shortcut: it can be had again from the history that comes with a block.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.windows.cut import best_cut
from driftgauge.panes.block import PaneBlock

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# n times a deviation within -1 .. 1, in fixed point; with n below 2^26, 2,000 panes stay below 2^62.
_FIXED = float(1 << 24)
_LARGEST_N = 1 << 26


class Window:
    """A block and its history as events n and n times deviation (in fixed point), for some series with their levels.

    Rows count from the block's first, so those of the history are negative; before that there is nothing.
    """

    def __init__(self, block: PaneBlock, series: NDArray[np.int64], level: Floats) -> None:
        """`series` int64 [V] are the columns looked at, `level` float64 [V] what deviations are from."""
        self._series, self._level, self._block = series, level, block
        self.panes = len(block.starts)
        self.before = len(block.series_history.values)
        self.n, self.deviations = _columns(block.values, block.n, series, level)

    @property
    def begins_after(self) -> int | None:
        """Start of the last pane before the block; None if there is none."""
        return int(self._block.history_starts[-1]) if len(self._block.history_starts) else None

    @property
    def ends_with(self) -> int:
        """Start of the block's last pane."""
        return int(self._block.starts[-1])

    def rows(self, first: int, stop: int, columns: NDArray[np.int64] | None = None) -> tuple[Ints, Ints]:
        """(n, deviations) int64 [stop - first, V] of rows first .. stop, zeros where there are none."""
        chosen = slice(None) if columns is None else columns
        series, level = self._series[chosen], self._level[chosen]
        n, deviations = np.zeros((2, stop - first, len(series)), np.int64)
        old = slice(max(first, -self.before) + self.before, max(min(stop, 0) + self.before, 0))
        if old.stop > old.start:
            history, at = self._block.series_history, max(first, -self.before) - first
            told = slice(at, at + old.stop - old.start)
            n[told], deviations[told] = _columns(history.values[old], history.n[old], series, level)
        if stop > 0:
            begin = max(first, 0)
            n[begin - first :] = self.n[begin:stop, chosen]
            deviations[begin - first :] = self.deviations[begin:stop, chosen]
        return n, deviations

    def span(self, w: int) -> Ints:
        """Per row, ms from the start of the pane w - 1 before it to its own end; those that don't exist count as now.

        int64 [P].
        """
        starts = np.concatenate([self._block.series_history.starts[-w:], self._block.starts])
        row = len(starts) - self.panes + np.arange(self.panes)
        return np.asarray(starts[row] - starts[np.maximum(row - w + 1, 0)] + self._block.length, np.int64)

    def cut(self, row: int, column: int, w: int) -> int:
        """Start (ms) of the pane with which a column's mean most likely changed, within the w panes up to a row."""
        n, deviations = self.rows(row - w + 1, row + 1, np.array([column]))
        told = np.nonzero(n[:, 0])[0]
        cut = best_cut(n[told, 0].astype(np.float64), deviations[told, 0].astype(np.float64), 1, 1)
        at = row - w + 1 + (w - 1 if cut is None else int(told[cut]))
        return int(self._block.series_history.starts[at] if at < 0 else self._block.starts[at])

    def latest(self) -> tuple[Floats, Floats]:
        """Per row, the deviation of its own pane (0 without events), and the events in it; float64 [P, V] each."""
        deviation = np.divide(self.deviations, self.n * _FIXED, out=np.zeros(self.n.shape), where=self.n > 0)
        return deviation, self.n.astype(np.float64)

    def pairs(self) -> tuple[Floats, Floats]:
        """Per row, the median deviation of the last three panes, and the events of the two that reach it together.

        float64 [P, V] each; the lesser of two panes that agree in sign; 0 where no two do.
        """
        n, sums = self.rows(-2, self.panes)
        deviation = np.divide(sums, n * _FIXED, out=np.zeros(n.shape), where=n > 0)
        last = np.stack([deviation[i : i + self.panes] for i in range(3)])
        order = np.argsort(last, axis=0, kind="stable")
        ranked = np.take_along_axis(last, order, axis=0)
        events = np.take_along_axis(np.stack([n[i : i + self.panes] for i in range(3)]), order, axis=0)
        # Panes without events deviate by 0, so they are never one of two beyond it.
        outer = np.where(ranked[1] > 0, events[2], events[0])
        return ranked[1], (events[1] + outer).astype(np.float64)

    def extremes(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], sign: Floats, w: int
    ) -> tuple[Floats, Floats]:
        """For windows of w panes that end at (rows, columns): what the most extreme pane adds, and Kish's panes.

        float64 [C] each: the largest of sign x n x deviation (at least 0), and (sum n)^2 / sum n^2.
        """
        extreme, even = np.zeros(len(rows)), np.zeros(len(rows))
        watched, position = np.unique(columns, return_inverse=True)
        first = int(rows.min()) - w + 1 if len(rows) else 0
        n, sums = self.rows(first, self.panes, watched)
        for begin in range(0, len(rows), 4096):
            part = slice(begin, begin + 4096)
            at = rows[part, np.newaxis] - first - np.arange(w)
            held = n[at, position[part, np.newaxis]]
            signed = sums[at, position[part, np.newaxis]] * sign[part, np.newaxis].astype(np.int64)
            extreme[part] = np.maximum(signed.max(axis=1), 0) / _FIXED
            even[part] = held.sum(axis=1).astype(np.float64) ** 2 / np.maximum((held**2).sum(axis=1), 1)
        return extreme, even


class Sums:
    """Sums over the last w panes per row: of n and of n times deviation, int64 [P, V]; `full` [P]: w panes exist."""

    def __init__(self, n: Ints, deviations: Ints, full: NDArray[np.bool_]) -> None:
        self.n, self.deviations, self.full = n, deviations, full

    def events(self) -> Floats:
        """Events in the window."""
        return self.n.astype(np.float64)

    def mean(self) -> Floats:
        """Mean deviation, weighted by n; 0 without events."""
        mean = np.zeros(self.n.shape)
        np.divide(self.deviations, self.n * _FIXED, out=mean, where=self.n > 0)
        return mean


class SlidingSums:
    """The sums for some window lengths, carried on from block to block."""

    def __init__(self, lengths: tuple[int, ...]) -> None:
        self._lengths = lengths
        self._carried: Mapping[int, tuple[Ints, Ints]] = {}
        self._last: int | None = None

    def forget(self) -> None:
        """Begin anew from the next block's history."""
        self._carried, self._last = {}, None

    def advance(self, window: Window) -> Mapping[int, Sums]:
        """Sums by window length for each row of the block. A length beyond what history keeps is not to be used."""
        known = self._last is not None and self._last == window.begins_after
        found = {}
        for w in self._lengths:
            if known:
                n, deviations = self._carried[w]
            else:
                old_n, old = window.rows(-w, 0)
                n, deviations = old_n.sum(axis=0), old.sum(axis=0)
            gone_n, gone = window.rows(-w, window.panes - w)
            full = window.before + np.arange(1, window.panes + 1) >= w
            found[w] = Sums(
                n + np.cumsum(window.n - gone_n, axis=0), deviations + np.cumsum(window.deviations - gone, axis=0), full
            )
        self._carried = {w: (sums.n[-1].copy(), sums.deviations[-1].copy()) for w, sums in found.items()}
        self._last = window.ends_with
        return MappingProxyType(found)


def _columns(values: Floats, n: NDArray[np.integer], series: NDArray[np.int64], level: Floats) -> tuple[Ints, Ints]:
    observed, events = values[:, series], n[:, series].astype(np.int64)
    told = (events > 0) & np.isfinite(observed)
    events = np.where(told, np.minimum(events, _LARGEST_N), 0)
    deviation = np.clip(np.where(told, observed, level) - level, -1.0, 1.0)
    return events, np.rint(deviation * _FIXED).astype(np.int64) * events
