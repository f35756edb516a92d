"""One value series with a measured noise, fed to a detector pane by pane as the engine does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from detector_streams import MINUTE, contrasts
from driftgauge.detect.detectors.multiscale import MultiScale
from driftgauge.detect.types import Detection, Detector, DetectorContext
from driftgauge.panes.block import PaneBlock, SeriesHistory
from driftgauge.profiles.profile import ScaleNoise, SeriesNoise, StepNoise
from driftgauge.profiles.scale_noise import Panes, Residuals, residuals, scale_noise
from driftgauge.profiles.series import Series
from driftgauge.profiles.step_noise import step_noise

DAY = 1440
SD = math.sqrt(1 / 12)
RING = 400


def white(rng: np.random.Generator, panes: int, n: int = 60) -> np.ndarray:
    return 0.5 + SD * rng.normal(0, 1 / math.sqrt(n), panes)


def wandering(rng: np.random.Generator, panes: int, correlation: float, sd: float) -> np.ndarray:
    steps = rng.normal(0, SD * sd * math.sqrt(1 - correlation**2), panes)
    x = np.zeros(panes)
    for i in range(1, panes):
        x[i] = correlation * x[i - 1] + steps[i]
    return x


def measured(values: np.ndarray, n: int = 60) -> list[ScaleNoise]:
    return scale_noise(*_panes(values, n), MINUTE, np.array([SD]))[0]


def measured_steps(values: np.ndarray, n: int = 60) -> list[StepNoise]:
    panes, rest = _panes(values, n)
    return step_noise(panes, rest.sums, MINUTE, np.array([SD]))[0]


def _panes(values: np.ndarray, n: int) -> tuple[Panes, Residuals]:
    starts = np.arange(len(values), dtype=np.int64) * MINUTE
    panes = Panes.of(starts, values[:, None], np.full((len(values), 1), n))
    return panes, residuals(panes, MINUTE, seasonal=np.array([False]))


def location(
    scales: list[ScaleNoise], panes: int = 14 * DAY, length: str = "1m", steps: list[StepNoise] | None = None
) -> Series:
    base = next(s for s in contrasts(MINUTE).series if s.name == "location")
    noise = SeriesNoise(
        length=length, panes=panes, mean=0.5, variance=SD**2 / 60, lag1=0.0, mean_n=60, scales=scales, steps=steps or []
    )
    return replace(base, index=0, reference=0.5, sd=SD, reference_n=10**6, tolerance=0.2 * SD, noise=noise)


_REFERENCE = white(np.random.default_rng(1), 14 * DAY)
QUIET = location(measured(_REFERENCE), steps=measured_steps(_REFERENCE))


def detections(
    values: np.ndarray,
    n: np.ndarray | int = 60,
    series: Series = QUIET,
    keep: int = RING,
    step: int = 256,
    method: type[Detector] = MultiScale,
    starts: np.ndarray | None = None,
) -> list[Detection]:
    """All detections, with `pane` counted since the beginning."""
    detector = method.build(DetectorContext([series], MINUTE, 43_200, 1.0), {})
    values, events = values[:, None], np.broadcast_to(n, len(values)).astype(np.int64)[:, None]
    starts = np.arange(len(values), dtype=np.int64) * MINUTE if starts is None else starts
    cells = np.zeros((len(values), 1), np.int64)
    found = []
    for a in range(0, len(values), step):
        rows, before = slice(a, a + step), slice(max(0, a - keep), a)
        block = PaneBlock(
            starts[rows], MINUTE, cells[rows], events[rows], cells[rows], values[rows], starts[before], cells[before],
            SeriesHistory(starts[before], values[before], events[before], keep),
        )  # fmt: skip
        found += [replace(d, pane=d.pane + a) for d in detector.update(block)]
    return found
