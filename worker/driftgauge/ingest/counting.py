"""Values to counts: the hot path. One searchsorted and one bincount per field and batch, no object per value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.profiles.cells import numeric_cells
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.profile import NumericField


def count_panes(
    layout: Layout, events: EventColumns, chosen: NDArray[np.bool_], pane: NDArray[np.int64], panes: int
) -> NDArray[np.int64]:
    """Counts per pane and cell, int64 [panes, K].

    `chosen` bool [n] says which of the n events count; `pane` int64 [n] in [0, panes) is each event's pane.
    """
    counts = np.zeros((panes, layout.size), np.int64)
    for slots, present in ((layout.features, events.has_features), (layout.outputs, events.has_prediction)):
        _count_part(counts, slots, events.columns, chosen & present, pane)
    return counts


def _count_part(
    counts: NDArray[np.int64],
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
        cells = numeric_cells(slot.spec, column) if isinstance(slot.spec, NumericField) else column
        counts[:, slot.start : slot.stop] += _histogram(cells, where, slot.stop - slot.start, len(counts))


def _histogram(cells: NDArray[np.int64], pane: NDArray[np.int64], size: int, panes: int) -> NDArray[np.int64]:
    if panes == 1:
        return np.bincount(cells, minlength=size).reshape(1, size)
    return np.bincount(pane * size + cells, minlength=panes * size).reshape(panes, size)
