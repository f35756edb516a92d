"""The recent past of one subject: what the series were, and what was counted, pane by pane.

Bounded: the last `keep` non-empty panes of the series (change points, levels), and the counts of the last comparison
window (PSI, top cells), by pane and for a day by hour. Rows never change once written, so a checkpoint appends the new
ones and deletes the old. The hour that is running isn't stored: its panes are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.hours import HOURS_KEPT, Hours, hour_of
from driftgauge.errors import StateError
from driftgauge.panes.block import SeriesHistory
from driftgauge.profiles.windows import DAY, HOUR

# Most panes that are taken in one block.
BLOCK_PANES = 256


class Ring:
    """The last `keep` rows of an array, plus up to one block, so that any row of it can look `keep` rows back."""

    def __init__(self, keep: int, width: int, dtype: str) -> None:
        """An empty ring of rows of `width` numbers."""
        self.keep = keep
        self.end = 0
        self._data = np.zeros((keep + max(keep // 4, 16) + 2 * BLOCK_PANES, width), dtype)

    def extend(self, rows: NDArray[np.generic]) -> None:
        """Append rows, oldest first; at most BLOCK_PANES."""
        if self.end + len(rows) > len(self._data):
            kept = min(self.keep, self.end)
            self._data[:kept] = self._data[self.end - kept : self.end].copy()
            self.end = kept
        self._data[self.end : self.end + len(rows)] = rows
        self.end += len(rows)

    def rows(self, back: int = 0) -> NDArray[np.generic]:
        """The last `keep` rows as they stood `back` rows ago, oldest first (a view)."""
        stop = self.end - back
        return self._data[max(0, stop - self.keep) : stop]

    def newest(self, count: int) -> NDArray[np.generic]:
        """The newest `count` rows, or all there are (a view): at least `keep` before the last extension are."""
        return self._data[max(0, self.end - count) : self.end]

    def replace(self, rows: NDArray[np.generic]) -> None:
        """Put these in the place of the newest rows, as many as they are."""
        self._data[self.end - len(rows) : self.end] = rows


class History:
    """Series rows and count rows of one subject. `total`: non-empty panes ever seen.

    `raw` are the values as they were, `values` those without the season that is in force now.
    """

    def __init__(self, *, keep: int, window: int, series: int, cells: int) -> None:
        """`keep` rows of `series` numbers, `window` rows of `cells` counts."""
        self.total = 0
        self.starts = Ring(keep, 1, "<i8")
        self.raw = Ring(keep, series, "<f8")
        self.values = Ring(keep, series, "<f8")
        self.n = Ring(keep, series, "<i4")
        self.count_starts = Ring(window, 1, "<i8")
        self.counts = Ring(window, cells, "<i4")
        # Those kept before the last block that completed any, and the ones that it completed.
        self.hours = Hours(np.empty(0, np.int64), np.empty((0, cells), np.int64))
        self._fresh: dict[str, bytes] = {}
        self._stored: dict[str, list[int]] = {"row": [], "counts": [], "hours": []}

    def extend(
        self,
        starts: NDArray[np.int64],
        raw: NDArray[np.float64],
        values: NDArray[np.float64],
        n: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        """Append the rows of a block."""
        self.total += len(starts)
        self.starts.extend(starts[:, None])
        self.raw.extend(raw)
        self.values.extend(values)
        self.n.extend(n)
        self.count_starts.extend(starts[:, None])
        self.counts.extend(counts)
        # Only rows that are still kept need to reach the checkpoint.
        for i in range(max(0, len(starts) - self.values.keep), len(starts)):
            row = raw[i].astype("<f8").tobytes() + n[i].astype("<i4").tobytes()
            self._fresh[f"row/{starts[i]}"] = row
            self._stored["row"].append(int(starts[i]))
        for i in range(max(0, len(starts) - self.counts.keep), len(starts)):
            self._fresh[f"counts/{starts[i]}"] = counts[i].astype("<i4").tobytes()
            self._stored["counts"].append(int(starts[i]))

    def take_off(self, season: Callable[[NDArray[np.int64]], NDArray[np.float64]]) -> None:
        """Make all values anew from the raw ones: less what `season` gives for panes that start then, [P, S]."""
        starts = self.starts.newest(self.raw.end)[:, 0].astype(np.int64)
        raw = cast("NDArray[np.float64]", self.raw.newest(self.raw.end))
        self.values.replace(raw - season(starts))

    def extend_hours(self, hours: Hours) -> None:
        """Append the hours that a block has completed."""
        self.hours = self.hours_with(hours)
        kept = slice(-HOURS_KEPT, None)
        for start, counts in zip(hours.starts[kept].tolist(), hours.counts[kept], strict=True):
            self._fresh[f"hours/{start}"] = counts.astype("<i8").tobytes()
            self._stored["hours"].append(start)

    def hours_with(self, completed: Hours) -> Hours:
        """The hours kept, and those that a block completes."""
        if not len(completed.starts):
            return self.hours
        kept = slice(-HOURS_KEPT, None)
        starts = np.concatenate([self.hours.starts[kept], completed.starts])
        return Hours(starts, np.concatenate([self.hours.counts[kept], completed.counts]))

    @property
    def last(self) -> int | None:
        """Start (ms) of the newest pane; None if there is none."""
        return int(self.starts.rows()[-1, 0]) if self.starts.end else None

    def after(self, pane: int) -> int:
        """How many of the panes of the last block start later than that one (start, ms)."""
        starts = self.starts.newest(BLOCK_PANES)[:, 0]
        return len(starts) - int(np.searchsorted(starts, pane, side="right"))

    def day_before(self, pane: int) -> NDArray[np.int64]:
        """Counts int64 [K] of the 24 hours before the hour in which a pane of the last block starts (ms)."""
        end = hour_of(np.array([pane], np.int64))[0]
        starts, counts = self.hours
        return np.asarray(counts[(starts >= end - DAY) & (starts < end)].sum(axis=0), np.int64)

    def series(self) -> SeriesHistory:
        """The remembered rows of the series, as detectors look at them (views)."""
        return SeriesHistory(
            cast("NDArray[np.integer]", self.starts.rows()[:, 0]),
            cast("NDArray[np.float64]", self.values.rows()),
            cast("NDArray[np.integer]", self.n.rows()),
            self.values.keep,
        )

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the rows that the next `changes` will give."""
        return sum(map(len, self._fresh.values()))

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        gone: list[str] = []
        for kind, keep in (("row", self.values.keep), ("counts", self.counts.keep), ("hours", HOURS_KEPT)):
            stored = self._stored[kind]
            expired, self._stored[kind] = stored[:-keep], stored[-keep:]
            gone += [f"{kind}/{start}" for start in expired]
        fresh, self._fresh = self._fresh, {}
        for name in gone:
            fresh.pop(name, None)
        return fresh, gone

    def restore(self, fields: Mapping[str, bytes], total: int) -> None:
        """Fill a fresh history from state fields; `take_off` has to follow. StateError if a row has another shape."""
        rows, counts = _sorted_rows(fields, "row"), _sorted_rows(fields, "counts")
        series, cells = self.values.rows().shape[1], self.counts.rows().shape[1]
        if any(len(data) != 12 * series for _, data in rows) or any(len(data) != 4 * cells for _, data in counts):
            raise StateError("a stored history row has another number of series or cells than the profile")
        for start, data in rows[-self.values.keep :]:
            self.starts.extend(np.array([[start]]))
            raw = np.frombuffer(data, "<f8", series)[None]
            self.raw.extend(raw)
            self.values.extend(raw)
            self.n.extend(np.frombuffer(data, "<i4", series, 8 * series)[None])
        for start, data in counts[-self.counts.keep :]:
            self.count_starts.extend(np.array([[start]]))
            self.counts.extend(np.frombuffer(data, "<i4")[None])
        hours = self._restore_hours(fields, counts[-1][0] if counts else None)
        self.total = total
        self._fresh = {}
        stored = {"row": rows, "counts": counts, "hours": hours}
        self._stored = {kind: [start for start, _ in found] for kind, found in stored.items()}

    def _restore_hours(self, fields: Mapping[str, bytes], last_pane: int | None) -> list[tuple[int, bytes]]:
        hours, cells = _sorted_rows(fields, "hours"), self.hours.counts.shape[1]
        for start, data in hours:
            if len(data) != 8 * cells:
                raise StateError("a stored hour has another number of cells than the profile")
            if start % HOUR or last_pane is None or start + HOUR > last_pane:
                raise StateError(f"stored hour {start} isn't one that was complete with the last stored pane")
        for start, data in hours[-HOURS_KEPT:]:
            counts = np.frombuffer(data, "<i8")
            if (counts < 0).any():
                raise StateError(f"stored hour {start} has a negative count")
            self.extend_hours(Hours(np.array([start], np.int64), counts.astype(np.int64)[np.newaxis]))
        return hours


def _sorted_rows(fields: Mapping[str, bytes], kind: str) -> list[tuple[int, bytes]]:
    rows = []
    for name, data in fields.items():
        prefix, _, start = name.partition("/")
        if prefix == kind:
            try:
                rows.append((int(start), data))
            except ValueError as error:
                raise StateError(f"state field {name!r} names no pane") from error
    return sorted(rows)
