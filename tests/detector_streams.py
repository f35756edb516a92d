"""A profile with every kind of series, streams of panes drawn from it, and feeding them to a detector in any split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.hours import completed_hours
from driftgauge.detect.types import Detection, Detector, DetectorContext
from driftgauge.panes.block import PaneBlock, SeriesHistory
from driftgauge.profiles.contrasts import Contrasts, contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
    SeriesNoise,
)
from driftgauge.profiles.windows import HOUR

MINUTE = 60_000
QUARTER = 15 * MINUTE
BINS = 10
RING = 400


def profile(scale: float = 1.0, noise: SeriesNoise | None = None) -> Profile:
    """amount (10 bins of equal mass), constant (1 bin), kind (3 categories and other), label (2); 10,000 rows."""
    edges = [scale * i for i in range(1, BINS)]
    amount = NumericField(
        edges=edges,
        low=0.0,
        high=scale * BINS,
        minimum=0.0,
        maximum=scale * BINS,
        mean=scale * BINS / 2,
        sd=scale * 3.0,
        counts=[992] * BINS + [80, 0, 0, 0],
        noise={"location": noise} if noise else {},
    )
    constant = NumericField(
        edges=[], low=1.0, high=1.0, minimum=1.0, maximum=1.0, mean=1.0, sd=0.0, counts=[10_000, 0, 0, 0, 0]
    )
    kind = CategoricalField(
        value_type="string",
        categories=["a", "b", "c"],
        known_other=["d"],
        counts=[6000, 3000, 900, 100, 0, 0, 0],
    )
    label = CategoricalField(value_type="integer", categories=[0, 1], counts=[8000, 2000, 0, 0, 0, 0])
    return Profile(
        model_id="m",
        model_version="1",
        reference=ReferenceSpan(files=["r.csv"], rows=10_000, first_ms=0, last_ms=2 * 86_400_000),
        suggested_pane="1m",
        features={"amount": amount, "constant": constant, "kind": kind},
        prediction=PredictionProfile(scalar="label", label=label),
    )


def contrasts(pane_length: int = QUARTER, of: Profile | None = None) -> Contrasts:
    return contrasts_of(Layout.of(of or profile()), pane_length)


def context(series: Contrasts, pane_length: int = QUARTER, budget: float = 1.0) -> DetectorContext:
    return DetectorContext(series.series, pane_length, 30 * 86_400_000 / pane_length, budget)


def draw(layout: Layout, rng: np.random.Generator, panes: int, n: int, shift: float = 0.0) -> NDArray[np.int64]:
    """Counts of `panes` panes of `n` events; `shift` in 0..1 moves that part to the last value cells."""
    parts = []
    for slot in layout.slots:
        p = np.array(slot.spec.counts, float)
        p /= p.sum()
        p *= 1 - shift
        p[slot.spec.bins - 1] += shift
        parts.append(rng.multinomial(n, p, size=panes))
    return np.concatenate(parts, axis=1).astype(np.int64)


@dataclass
class Feed:
    """Feeds panes to a detector as the engine does: with series evaluated, and the history that a window looks at."""

    detector: Detector
    series: Contrasts
    pane_length: int = QUARTER
    starts: list[int] = field(default_factory=list)
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    found: list[tuple[int, Detection]] = field(default_factory=list)
    values: list[NDArray[np.float64]] = field(default_factory=list)
    n: list[NDArray[np.int64]] = field(default_factory=list)

    def block(self, counts: NDArray[np.int64], starts: Sequence[int]) -> PaneBlock:
        evaluated = self.series.evaluate(counts)
        history = np.array(self.rows, np.int64).reshape(-1, self.series.layout.size)
        past = self.series.evaluate(history[-RING:])
        before = np.array(self.starts, np.int64)
        every = np.concatenate([history, counts])
        hours = completed_hours(before[:0], history[:0], np.concatenate([before, np.array(starts, np.int64)]), every)
        if self.pane_length >= HOUR:
            hours = hours._replace(starts=hours.starts[:0], counts=hours.counts[:0])
        return PaneBlock(
            np.array(starts, np.int64),
            self.pane_length,
            counts,
            evaluated.n,
            evaluated.hits,
            evaluated.values,
            before,
            history,
            SeriesHistory(before[-RING:], past.values, past.n, RING),
            hour_starts=hours.starts,
            hour_counts=hours.counts,
        )

    def push(self, counts: NDArray[np.int64], starts: Sequence[int] | None = None) -> list[Detection]:
        """One block; detections are also kept with the number of their pane since the beginning."""
        begin = len(self.starts)
        starts = starts or [self.pane_length * (begin + i) for i in range(len(counts))]
        block = self.block(counts, starts)
        found = self.detector.update(block)
        assert [(d.pane, d.series) for d in found] == sorted((d.pane, d.series) for d in found)
        self.found += [(begin + d.pane, d) for d in found]
        self.values += list(block.values)
        self.n += list(block.n)
        self.starts += starts
        self.rows += list(counts)
        return found

    def push_split(self, counts: NDArray[np.int64], cuts: Iterable[int]) -> None:
        """The same panes in blocks that end at `cuts`."""
        bounds = sorted({0, len(counts), *cuts})
        for a, b in pairwise(bounds):
            self.push(counts[a:b])

    def alarms(self) -> list[tuple[object, ...]]:
        """What was found, without the row within a block."""
        return [(p, d.series, d.detector, d.statistic, d.direction, d.onset, d.p_value) for p, d in self.found]
