"""Values to counts: the hot path. One searchsorted and one bincount per field and batch, no object per value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.profiles.cells import NumericIndex
from driftgauge.profiles.layout import Layout, Slot

# Up to here a pass per pane is cheaper than a binary search per value.
_FEW_PANES = 4


def count_panes(
    layout: Layout, events: EventColumns, chosen: NDArray[np.bool_], pane: NDArray[np.int64], panes: int
) -> NDArray[np.int64]:
    """Counts per pane and cell, int64 [panes, K].

    `chosen` bool [n] says which of the n events count; `pane` int64 [n] in [0, panes) is each event's pane.
    """
    counts = np.zeros((panes, layout.size), np.int64)
    for slots, present in ((layout.features, events.has_features), (layout.outputs, events.has_prediction)):
        _count_part(counts, layout, slots, events.columns, chosen & present, pane)
    return counts


def _count_part(
    counts: NDArray[np.int64],
    layout: Layout,
    slots: Sequence[Slot],
    columns: Sequence[NDArray[Any]],
    chosen: NDArray[np.bool_],
    pane: NDArray[np.int64],
) -> None:
    if not chosen.any():
        return
    everything = bool(chosen.all())
    where = pane if everything else pane[chosen]
    for slot in slots:
        if not len(columns[slot.index]):
            continue  # This output isn't judged in these events.
        column = columns[slot.index] if everything else columns[slot.index][chosen]
        index = layout.numeric.get(slot.index)
        if index is None:
            counts[:, slot.start : slot.stop] += _histogram(column, where, slot.stop - slot.start, len(counts))
        else:
            _add_numeric(counts[:, slot.start : slot.stop], index, column, where)


def _add_numeric(
    counts: NDArray[np.int64], index: NumericIndex, values: NDArray[np.float64], pane: NDArray[np.int64]
) -> None:
    """Count positions among the bounds, then fold those that share a cell."""
    if len(counts) <= _FEW_PANES:
        rows = [values] if len(counts) == 1 else [values[pane == i] for i in range(len(counts))]
        found = np.stack([_positions(index, of_pane) for of_pane in rows])
    else:
        positions = np.searchsorted(index.bounds, values, side="left")
        found = _histogram(positions, pane, len(index.cells), len(counts))
    # -inf and +inf, first and last but one, are both invalid; every other position has a cell of its own.
    counts[:, index.cells[1:]] += found[:, 1:]
    counts[:, index.cells[0]] += found[:, 0]


def _positions(index: NumericIndex, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values per position. Sorting them and looking the few bounds up is four times faster than the other way round."""
    found = np.empty(len(index.cells), np.int64)
    found[:-1] = np.searchsorted(np.sort(values), index.bounds, side="right")
    found[-1] = len(values)
    found[1:] -= found[:-1].copy()
    return found


def _histogram(cells: NDArray[np.int64], pane: NDArray[np.int64], size: int, panes: int) -> NDArray[np.int64]:
    if panes == 1:
        return np.bincount(cells, minlength=size).reshape(1, size)
    return np.bincount(pane * size + cells, minlength=panes * size).reshape(panes, size)
