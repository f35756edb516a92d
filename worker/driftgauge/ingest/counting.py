"""Values to counts: the hot path. One searchsorted and one bincount per field and batch, no object per value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.profiles.layout import Layout, Slot

# Up to here a sort per pane is cheaper than a binary search per value.
_FEW_PANES = 4
_Rows = slice | NDArray[np.int64]


def count_panes(
    layout: Layout, events: EventColumns, chosen: NDArray[np.bool_], pane: NDArray[np.int64], panes: int
) -> NDArray[np.int64]:
    """Counts per pane and cell, int64 [panes, K].

    `chosen` bool [n] says which of the n events count; `pane` int64 [n] in [0, panes) is each event's pane.
    """
    counts = np.zeros((panes, layout.size), np.int64)
    for slots, present in ((layout.features, events.has_features), (layout.outputs, events.has_prediction)):
        counted = chosen & present
        # An output that isn't judged in these events has an empty column.
        judged = [slot for slot in slots if len(events.columns[slot.index])]
        if judged and counted.any():
            _count_part(counts, layout, judged, events.columns, None if counted.all() else counted, pane)
    return counts


def _count_part(
    counts: NDArray[np.int64],
    layout: Layout,
    slots: Sequence[Slot],
    columns: Sequence[NDArray[Any]],
    counted: NDArray[np.bool_] | None,
    pane: NDArray[np.int64],
) -> None:
    panes = len(counts)
    where = pane if counted is None else pane[counted]
    rows = _rows_of_panes(where, panes)
    numeric = layout.numeric
    positions = np.zeros((panes, numeric.size), np.int64)
    for slot in slots:
        column = columns[slot.index] if counted is None else columns[slot.index][counted]
        index = numeric.slots.get(slot.index)
        if index is None:
            counts[:, slot.start : slot.stop] += _histogram(column, where, slot.stop - slot.start, panes)
        else:
            _count_positions(positions[:, index.start : index.stop], index.bounds, column, where, rows)
    numeric.fold(positions, counts)


def _rows_of_panes(pane: NDArray[np.int64], panes: int) -> Sequence[_Rows]:
    """Which rows belong to each pane, if the panes are few; usually a stretch of the batch each."""
    if panes == 1:
        return [slice(None)]
    if panes > _FEW_PANES:
        return []
    if (pane[1:] >= pane[:-1]).all():
        bounds = np.searchsorted(pane, np.arange(panes + 1)).tolist()
        return [slice(*pair) for pair in pairwise(bounds)]
    return [np.flatnonzero(pane == i) for i in range(panes)]


def _count_positions(
    positions: NDArray[np.int64],
    bounds: NDArray[np.float64],
    values: NDArray[np.float64],
    pane: NDArray[np.int64],
    rows: Sequence[_Rows],
) -> None:
    """Values per pane and position among the bounds, int64 [panes, B + 6], into `positions`.

    Sorting the values and looking the few bounds up is four times faster than the other way round.
    """
    if not rows:
        found = np.searchsorted(bounds, values, side="left")
        positions[:] = _histogram(found, pane, positions.shape[1], len(positions))
        return
    for i, of_pane in enumerate(rows):
        ordered = np.sort(values[of_pane])
        row = positions[i]
        row[:-1] = np.searchsorted(ordered, bounds, side="right")
        row[-1] = len(ordered)
        row[1:] -= row[:-1].copy()


def _histogram(cells: NDArray[np.int64], pane: NDArray[np.int64], size: int, panes: int) -> NDArray[np.int64]:
    if panes == 1:
        return np.bincount(cells, minlength=size).reshape(1, size)
    return np.bincount(pane * size + cells, minlength=panes * size).reshape(panes, size)
