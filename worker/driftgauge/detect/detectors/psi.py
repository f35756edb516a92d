"""PSI of the last window against the profile: whether production is what the model was trained on.

The window (an hour, or 24 panes where panes are long) slides by one pane of event time; every position is a look
and counts in the budget. The detector fills the block's `psi_...` series: PSI without the part that sampling
explains, and the events behind it. It keeps no state of its own, and goes on detecting while the difference lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.compared import compared_cells
from driftgauge.detect.windows.psi import (
    NullNoise,
    Wander,
    debiased,
    null_noise,
    p_value,
    psi,
    sampling_scale,
    wander_of,
)
from driftgauge.durations import format_duration
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.profile import PsiNoise, psi_noise_of
from driftgauge.profiles.series import PSI_WINDOWS, Series, window_length

_VERSION = 1


class Psi:
    """Windowed PSI with a noncentral chi-squared test (see `windows/psi.py`), over all fields at once.

    An alarm needs p < alpha and a debiased PSI above the series' tolerance, which is also the PSI of the null. Where
    PSI_WINDOWS reference windows of this length were measured, their wander is part of the noise. Settings:
    `min_per_cell`: events per cell below which there is no verdict. `min_span`: part of the window that its panes must
    reach over, so that neither a start nor the end of a silence is judged by its first minutes.
    """

    name: ClassVar[str] = "psi"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "min_per_cell": 5,
        "min_span": 0.5,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(1 <= chosen["min_per_cell"] <= 1_000_000, "min_per_cell must lie in 1..1000000")
        require(0 <= chosen["min_span"] <= 1, "min_span must lie in 0..1")
        # A field with one cell can't change its shares.
        series = [
            s for s in context.series if s.kind == "window" and len(compared_cells(s.slot)) > 1 and s.reference_n > 0
        ]
        self._window = window_length(context.pane_length)
        self._min_span = chosen["min_span"] * self._window
        self._alpha = level(share_of(self.name, context.budget), len(series), context.looks)
        self._resolved = {**chosen, "window_ms": self._window, "alpha": self._alpha}
        self._mark = fingerprint(self.name, _VERSION, context, series, self._resolved)

        self._series = np.array([s.index for s in series], np.int64)
        cells = [compared_cells(s.slot) for s in series]
        sizes = np.array([len(c) for c in cells], np.int64)
        self._cells = np.concatenate([np.empty(0, np.int64), *cells])
        self._starts = np.cumsum(sizes) - sizes
        self._reference = np.array(
            [s.slot.spec.counts[c - s.slot.start] for s in series for c in compared_cells(s.slot)], np.int64
        )
        self._min_n = chosen["min_per_cell"] * sizes
        self._dof = (sizes - 1).astype(np.float64)
        self._m = np.array([s.reference_n for s in series], np.float64)
        measured = [_measured(s, self._window) for s in series]
        self._wander = _wander(measured, self._m, self._dof)
        self._psi0 = np.array([s.tolerance for s in series])

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Slide the window over the block's panes; fills the block's `values` and `n` of the window series."""
        if not len(self._series) or not len(block.starts):
            return []
        sums, span = self._slide(block)
        n = np.add.reduceat(sums, self._starts, axis=1)
        judged = (n >= self._min_n) & (span >= self._min_span)[:, np.newaxis]
        scale = sampling_scale(np.maximum(n, 1).astype(np.float64), self._m)
        noise = null_noise(scale, self._dof, self._wander)
        raw = psi(sums, self._reference, self._starts)
        effect = debiased(raw, noise)
        block.values[:, self._series] = np.where(judged, effect, np.nan)
        block.n[:, self._series] = np.where(judged, n, 0)
        # The test is slow beside all else, so it is asked only where the effect would be worth an alert.
        rows, columns = np.nonzero(judged & (effect > self._psi0))
        chosen = NullNoise(noise.scale[rows, columns], noise.dof[rows, columns])
        p = p_value(raw[rows, columns], chosen, self._psi0[columns])
        return [
            Detection(
                series=int(self._series[column]),
                pane=int(row),
                detector=self.name,
                statistic=float(effect[row, column]),
                threshold=float(self._psi0[column]),
                direction="up",
                confirmed=True,
                p_value=float(value),
            )
            for row, column, value in zip(rows, columns, p, strict=True)
            if value < self._alpha
        ]

    def _slide(self, block: PaneBlock) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Window sums int64 [P, K] that end with each pane of the block, and the ms that each window's panes span.

        Integer sums of what came minus sums of what left: exact, whatever the split into blocks.
        """
        ends = block.starts + block.length
        oldest = int(np.searchsorted(block.history_starts, ends[0] - self._window, side="left"))
        history = block.history_counts[oldest:]
        starts = np.concatenate([block.history_starts[oldest:], block.starts])
        first = np.searchsorted(starts, ends - self._window, side="left")
        leaving = np.concatenate([history[: first[-1]], block.counts[: max(0, first[-1] - len(history))]])
        left = np.zeros((len(leaving) + 1, len(self._cells)), np.int64)
        np.cumsum(leaving[:, self._cells], axis=0, out=left[1:])
        came = np.cumsum(block.counts[:, self._cells], axis=0)
        return history.sum(axis=0)[self._cells] + came - left[first], ends - starts[first]

    def snapshot(self) -> bytes:
        """An envelope alone: the window lies in the history that comes with every block."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError("psi: state holds something, but this method keeps none")


def _measured(series: Series, window: int) -> PsiNoise | None:
    """The reference windows of a field, if they are of this length, and enough to know a variance from."""
    noise = psi_noise_of(series.slot.spec, format_duration(window))
    return noise if noise is not None and noise.windows >= PSI_WINDOWS else None


def _wander(measured: list[PsiNoise | None], m: NDArray[np.float64], dof: NDArray[np.float64]) -> Wander:
    """Wander per field; 0 where not measured. Reference windows tile the reference, so they hold m / windows events."""
    windows = np.array([noise.windows if noise else 1 for noise in measured], np.float64)
    mean = np.array([noise.mean if noise else 0.0 for noise in measured])
    variance = np.array([noise.variance if noise else 0.0 for noise in measured])
    known = np.array([noise is not None for noise in measured], np.bool_)
    found = wander_of(mean, variance, sampling_scale(m / windows, m), dof)
    return Wander(np.where(known, found.mean, 0.0), np.where(known, found.variance, 0.0))
