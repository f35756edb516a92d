"""Detection for one subject: closed panes in, detections out. Same engine for live, backtest and stored panes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from driftgauge.detect.baseline.clean import Alerted
from driftgauge.detect.baseline.production import ProductionBaseline
from driftgauge.detect.history import BLOCK_PANES, History
from driftgauge.detect.hours import Hours, completed_hours
from driftgauge.detect.types import Detection, Detector
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.panes.merge import Pane
from driftgauge.panes.sample import padded
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.windows import window_lengths


@dataclass(frozen=True, slots=True)
class Findings:
    """What a block of panes gave. `panes`: its non-empty panes, row by row; `detections` ordered by (pane, series)."""

    panes: Sequence[Pane]
    detections: Sequence[Detection]


class SubjectDetection:
    """The detectors of one subject and the history they and the life cycle look at."""

    def __init__(
        self, contrasts: Contrasts, pane_length: int, detectors: Sequence[Detector], *, ring_panes: int
    ) -> None:
        """Fresh detectors, empty history of up to `ring_panes` panes."""
        self.contrasts = contrasts
        self.pane_length = pane_length
        self.baseline = ProductionBaseline(contrasts, pane_length)
        self.detectors = detectors
        self._window, *longer = window_lengths(pane_length)
        self._by_hour = bool(longer)
        self._windows = np.array([s.index for s in contrasts.series if s.kind == "window"], np.int64)
        self.history = History(
            keep=ring_panes,
            window=-(-self._window // pane_length),
            series=len(contrasts.series),
            cells=contrasts.layout.size,
        )

    def blocks(self, panes: Sequence[Pane]) -> list[list[Pane]]:
        """The non-empty panes in blocks that `advance` takes; empty ones say nothing to any detector."""
        periods = groupby((pane for pane in panes if pane.counts.any()), lambda pane: self.baseline.period(pane.start))
        return [block for _, period in periods for block in _blocks(list(period))]

    def turn(self, start: int, firing: Callable[[int], Iterable[Alerted]]) -> bool:
        """To be called before the block that starts then (ms): whether other series are in force from it on.

        `firing`: the alerts that are open at a time (ms).
        """
        before, period = self.history.last, self.baseline.period(start)
        if before is None or self.baseline.period(before) == period:
            return False
        self.baseline.turn(period, firing(period))
        self._rebase()
        return True

    def advance(self, panes: Sequence[Pane]) -> Findings:
        """Feed one block of closed panes, oldest first, and add it to the history."""
        counts = np.stack([pane.counts for pane in panes])
        starts = np.array([pane.start for pane in panes], np.int64)
        layout = self.contrasts.layout
        ids = padded([pane.sample for pane in panes], layout) if layout.repeats else None
        n, hits, raw = self.contrasts.evaluate(counts, ids)
        # From here on a value is what it would be at no particular hour.
        values = raw - self.baseline.season(starts)
        before = self.history.count_starts.rows()[:, 0].astype(np.int64), self.history.counts.rows().astype(np.int64)
        hours = completed_hours(*before, starts, counts)
        if not self._by_hour:
            hours = Hours(hours.starts[:0], hours.counts[:0])
        block = PaneBlock(
            starts,
            self.pane_length,
            counts,
            n,
            hits,
            values,
            *before,
            self.history.series(),
            *self.history.hours_with(hours),
            alarms=[pane.alarms for pane in panes],
        )
        found = [d for detector in self.detectors for d in detector.update(block)]
        # Window detectors have filled their columns of the block by now; those have no season.
        raw[:, self._windows] = block.values[:, self._windows]
        self.history.extend(starts, raw, block.values, block.n, counts)
        self.history.extend_hours(hours)
        self.baseline.extend(self.history, len(starts), hours)
        order = {detector.name: i for i, detector in enumerate(self.detectors)}
        found.sort(key=lambda d: (d.pane, d.series, order[d.detector]))
        return Findings(panes, found)

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields to write and to delete since the last call."""
        fields, gone = self.history.changes()
        learned, old = self.baseline.changes()
        fields |= learned
        gone += old
        fields["total"] = str(self.history.total).encode()
        for detector in self.detectors:
            fields[f"detector/{detector.name}"] = detector.snapshot()
        return fields, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Go on from stored fields; a detector that has none was switched on since. StateError if they don't fit."""
        try:
            total = int(fields["total"])
        except (KeyError, ValueError) as error:
            raise StateError("the stored detection state has no pane count") from error
        self.history.restore(fields, total)
        self.baseline.restore(fields)
        self._rebase()
        for detector in self.detectors:
            state = fields.get(f"detector/{detector.name}")
            if state is None:
                continue
            try:
                detector.restore(state)
            except StateError as error:
                raise StateError(f"{detector.name}: {error}") from error

    def _rebase(self) -> None:
        self.history.take_off(self.baseline.season)
        for detector in self.detectors:
            detector.rebase(self.baseline.series)


def _blocks(panes: list[Pane]) -> Iterator[list[Pane]]:
    return (panes[i : i + BLOCK_PANES] for i in range(0, len(panes), BLOCK_PANES))
