"""Which rows of a batch are looked at for repeats, pane by pane: those with the lowest keys, of all panes at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import EventColumns
from driftgauge.panes.sample import RowSample
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.repeats import KEYED, ROWS, Ids, number_ids, row_keys

_Ints = NDArray[np.int64]


def sample_panes(
    layout: Layout,
    events: EventColumns,
    times: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    pane: NDArray[np.int64],
    panes: int,
) -> Sequence[RowSample | None]:
    """A sample for each of the panes; None where the layout watches no repeats, or no event brought features.

    `times` int64 [n] ms: of the events; `chosen` and `pane` as for `count_panes`.
    """
    there = chosen & events.has_features if layout.repeats else np.zeros(0, np.bool_)
    if not there.any():
        return [None] * panes
    columns = [events.columns[slot.index] for slot in layout.keyed[:KEYED]]
    rows = np.arange(len(there))
    if not there.all():
        rows = np.flatnonzero(there)
        times, pane, columns = times[rows], pane[rows], [column[rows] for column in columns]
    keys = row_keys(times, columns)
    taken, bounds = _lowest(keys, pane, panes)
    ids = _ids(layout, events, rows[taken])
    watched = tuple(slot.name for slot in layout.repeats)
    return [
        RowSample.lowest(watched, keys[taken[first:stop]], ids[:, first:stop]) if stop > first else None
        for first, stop in pairwise(bounds)
    ]


def _lowest(keys: Ids, pane: _Ints, panes: int) -> tuple[_Ints, Sequence[int]]:
    """Positions of the lowest keys of each pane, and those that tie with them, by pane; and where each begins."""
    if panes == 1:
        order = np.argsort(keys)
        stop = np.searchsorted(keys[order], keys[order[ROWS - 1]], side="right") if len(keys) > ROWS else len(keys)
        return order[:stop], [0, int(stop)]
    # One sort for the panes and the keys in them.
    order = np.argsort((pane.astype(np.uint64) << np.uint64(32)) | keys)
    pane, keys = pane[order], keys[order]
    begins = np.searchsorted(pane, np.arange(panes + 1))
    sizes = np.diff(begins)
    last = keys[np.maximum(np.minimum(begins[:-1] + ROWS, begins[1:]) - 1, 0)]
    inside = keys <= np.repeat(last, sizes)
    return order[inside], np.searchsorted(pane[inside], np.arange(panes + 1)).tolist()


def _ids(layout: Layout, events: EventColumns, rows: NDArray[np.int64]) -> Ids:
    ids = np.zeros((len(layout.repeats), len(rows)), np.uint32)
    numeric = [at for at, slot in enumerate(layout.repeats) if slot.index not in events.ids]
    if numeric:
        ids[numeric] = number_ids(np.stack([events.columns[layout.repeats[at].index][rows] for at in numeric]))
    for at, slot in enumerate(layout.repeats):
        if slot.index in events.ids:
            ids[at] = events.ids[slot.index][rows]
    return ids
