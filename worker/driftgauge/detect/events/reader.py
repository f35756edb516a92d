"""A batch's events of one subject, series by series, in the order of their records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.events.streams import EventStream
from driftgauge.ingest.observing import OnTime
from driftgauge.profiles.layout import Slot


class StreamValues(NamedTuple):
    """What a stream is fed of a batch: `values` [m], `rows` int64 [m] of the batch, ascending."""

    values: NDArray[Any]
    rows: NDArray[np.int64]


_NOTHING = StreamValues(np.empty(0), np.empty(0, np.int64))


class EventReader:
    """Reads streams off the columns; a column is put in order once, a stream read once, however many detectors ask."""

    def __init__(self, parts: Sequence[OnTime]) -> None:
        self._parts = parts
        self._columns: dict[int, StreamValues] = {}
        self._streams: dict[tuple[int, bool], StreamValues] = {}

    def of(self, stream: EventStream) -> StreamValues:
        """The stream's values in the batch."""
        key = (stream.series.index, stream.unit is None)
        found = self._streams.get(key)
        if found is None:
            found = self._streams[key] = self._read(stream)
        return found

    def _read(self, stream: EventStream) -> StreamValues:
        column, rows = self._column(stream.series.slot)
        if not len(rows):
            return _NOTHING
        values, counted = stream.read(column)
        return StreamValues(values, rows if counted is None else rows[counted])

    def _column(self, slot: Slot) -> StreamValues:
        found = self._columns.get(slot.index)
        if found is None:
            found = self._columns[slot.index] = self._gather(slot)
        return found

    def _gather(self, slot: Slot) -> StreamValues:
        pieces = []
        for events, on_time in self._parts:
            column = events.columns[slot.index]
            # An output that isn't judged in these events has an empty column.
            if len(column):
                seen = on_time & (events.has_features if slot.role == "feature" else events.has_prediction)
                whole = bool(seen.all())
                pieces.append((column, events.rows) if whole else (column[seen], events.rows[seen]))
        if not pieces:
            return _NOTHING
        if len(pieces) == 1:
            return StreamValues(*pieces[0])
        rows = np.concatenate([rows for _, rows in pieces])
        order = np.argsort(rows)
        return StreamValues(np.concatenate([column for column, _ in pieces])[order], rows[order])
