"""PSI of the last window against the profile: whether production is what the model was trained on, and what it was.

The short window (an hour, or 24 panes where panes are long) slides by one pane of event time. Where panes are shorter
than an hour there is a day's window too, in which the season of a day is the reference's own and a slow drift has time
to show; it is made of whole hours and slides by one. The same day is held against production's own clean days too, as
soon as a baseline tells enough of them. Every position is a look and counts in the budget. The detector
fills the block's `psi_...` series: PSI without the part that sampling
explains, and the events behind it. It keeps no state of its own, and goes on detecting while the difference lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.hours import hour_of
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.detect.windows.compared import Compared, compared_cells
from driftgauge.detect.windows.psi import (
    NullNoise,
    Wander,
    debiased,
    null_noise,
    p_value,
    sampling_scale,
    wander_of,
)
from driftgauge.durations import format_duration
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.profile import PsiNoise, psi_noise_of
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import PSI_WINDOWS
from driftgauge.profiles.windows import DAY, against_baseline, window_lengths, window_of

_VERSION = 2
_HOURS_PER_MONTH = 30 * 24
_WHOLE_DAY = 0.9
# Part of what may be spent that is for the day against production's days: its looks are few, but so are those days.
_OF_BASELINE = 0.25


class Psi:
    """Windowed PSI with a noncentral chi-squared test (see `windows/psi.py`), over all fields at once.

    An alarm needs p < alpha and a debiased PSI above the series' tolerance, which is also the PSI of the null. Where
    PSI_WINDOWS reference windows of this length were measured, their wander is part of the noise. So is that of
    production's days where the window is held against them: one number a day, so its variance is never taken for less
    than that of one squared normal, and its mean for no better known than by so many days. Such an alarm is a
    candidate: the life cycle waits whether the profile tells the same. Settings:
    `min_per_cell`: events per cell below which there is no verdict. `min_span`: part of the window that its panes must
    reach over, so that neither a start nor the end of a silence is judged by its first minutes; the day's has to be
    whole, since it is its season that it is to leave out.
    """

    name: ClassVar[str] = "psi"
    by_default: ClassVar[bool] = True
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
            s
            for s in context.series
            if against_baseline(s) or (s.kind == "window" and len(compared_cells(s.slot)) > 1 and s.reference_n > 0)
        ]
        short, *longer = window_lengths(context.pane_length)
        share = share_of(self.name, context.budget)
        self._resolved = {**chosen, "window_ms": short}
        own = sum(against_baseline(s) for s in series)
        if longer:
            self._alpha_baseline = level(_OF_BASELINE * share, own, _HOURS_PER_MONTH)
            self._resolved |= {"long_window_ms": longer[0], "alpha_baseline": self._alpha_baseline}
            share *= 1 - _OF_BASELINE
        # One level for all other tests: the day's window is looked at once an hour.
        fields = sum(window_of(s) == short for s in series)
        self._alpha = level(share, fields, context.looks + (_HOURS_PER_MONTH if longer else 0))
        self._resolved["alpha"] = self._alpha
        self._mark = fingerprint(self.name, _VERSION, context, series, self._resolved)
        self._chosen, self._lengths = chosen, (short, *longer)
        self._index = [s.index for s in series]
        self._compare(series)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Slide the windows over the block's panes; fills the block's `values` and `n` of the window series."""
        if not len(block.starts):
            return []
        found = self._by_pane(block) if len(self._short.series) else []
        for comparison in self._longer:
            found += self._by_hour(block, comparison) if len(comparison.series) else []
        found.sort(key=lambda detection: (detection.pane, detection.series))
        return found

    def _by_pane(self, block: PaneBlock) -> list[Detection]:
        comparison = self._short
        judged = comparison.judge(*_slide(block, comparison))
        block.values[:, comparison.series], block.n[:, comparison.series] = judged.values, judged.n
        return self._detections(comparison, judged, np.arange(len(block.starts)))

    def _by_hour(self, block: PaneBlock, comparison: _Comparison) -> list[Detection]:
        """A pane's window are the hours before its own. So it slides with the first pane of an hour: that is a look."""
        hours, first, of_pane = np.unique(hour_of(block.starts), return_index=True, return_inverse=True)
        judged = comparison.judge(*_hours_before(hours, block, comparison))
        block.values[:, comparison.series], block.n[:, comparison.series] = judged.values[of_pane], judged.n[of_pane]
        looked = len(block.history_starts) > 0 and hour_of(block.history_starts[-1:])[0] == hours[0]
        return [d for d in self._detections(comparison, judged, first) if d.pane or not looked]

    def _detections(self, comparison: _Comparison, judged: _Judged, panes: NDArray[np.int64]) -> list[Detection]:
        """The alarms of windows that end with the block's rows `panes`."""
        # The test is slow beside all else, so it is asked only where the effect would be worth an alert.
        rows, columns = np.nonzero(judged.values > comparison.psi0)
        chosen = NullNoise(judged.noise.scale[rows, columns], judged.noise.dof[rows, columns])
        days = comparison.days[columns] if comparison.days is not None else None
        p = p_value(judged.raw[rows, columns], chosen, comparison.psi0[columns], days)
        return [
            Detection(
                series=int(comparison.series[column]),
                pane=int(panes[row]),
                detector=self.name,
                statistic=float(judged.values[row, column]),
                threshold=float(comparison.psi0[column]),
                direction="up",
                confirmed=days is None,
                p_value=float(value),
                window=comparison.window,
            )
            for row, column, value in zip(rows, columns, p, strict=True)
            if value < comparison.alpha
        ]

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:  # noqa: ARG002
        """Not told: PSI is of the whole distribution, and its limit is the tolerance of the series."""
        return ()

    def rebase(self, series: Sequence[Series]) -> None:
        """Go on with the distributions, the wander and the tolerance that these have."""
        self._compare([series[index] for index in self._index])

    def _compare(self, series: Sequence[Series]) -> None:
        of_profile = [s for s in series if not against_baseline(s)]
        self._short, *self._longer = (
            _Comparison([s for s in of_profile if window_of(s) == length], length, self._alpha, self._chosen)
            for length in self._lengths
        )
        # Only those that production has told enough for by now.
        of_baseline = [s for s in series if against_baseline(s) and s.reference_n > 0]
        if of_baseline:
            self._longer.append(_Comparison(of_baseline, DAY, self._alpha_baseline, self._chosen, few=True))

    def snapshot(self) -> bytes:
        """An envelope alone: the window lies in the history that comes with every block."""
        return seal(self._mark, b"")

    def restore(self, state: bytes) -> None:
        """Nothing to take but the promise that the parameters are the same. StateError if it doesn't fit."""
        if unseal(self._mark, state):
            raise StateError("psi: state holds something, but this method keeps none")


class _Judged(NamedTuple):
    """Of R windows and F fields: debiased PSI (NaN where there is no verdict), events (0 there), raw PSI, noise."""

    values: NDArray[np.float64]
    n: NDArray[np.int64]
    raw: NDArray[np.float64]
    noise: NullNoise


class _Comparison:
    """The fields that are compared over windows of one length, and what their PSI is without drift.

    `few`: their noise is that of a few days; `days` float64 [F]: of how many, else None. `alpha`: level of a test.
    """

    def __init__(
        self, series: list[Series], window: int, alpha: float, chosen: Mapping[str, Any], *, few: bool = False
    ) -> None:
        self.window, self.alpha = window, alpha
        self.series = np.array([s.index for s in series], np.int64)
        self.psi0 = np.array([s.tolerance for s in series])
        self._compared = Compared.of(series)
        self._min_n = chosen["min_per_cell"] * self._compared.sizes
        self._min_span = max(chosen["min_span"], _WHOLE_DAY if window == DAY else 0.0) * window
        # Cells without a reference event (a segment may have some) add nothing by chance.
        known = (self._compared.reference > 0).astype(np.int64)
        known = np.add.reduceat(known, self._compared.starts) if len(series) else known
        self._dof = np.maximum(known - 1, 1).astype(np.float64)
        self._m = np.array([s.reference_n for s in series], np.float64)
        measured = [_measured(s, window, 1 if few else PSI_WINDOWS) for s in series]
        self._wander = _wander(measured, self._m, self._dof)
        self.days: NDArray[np.float64] | None = None
        if few:
            self.days = np.array([noise.windows if noise else 1 for noise in measured], np.float64)
            self._wander = self._wander._replace(variance=np.maximum(self._wander.variance, 2 * self._wander.mean**2))

    @property
    def cells(self) -> NDArray[np.int64]:
        """Flat indices of all cells that are compared."""
        return self._compared.cells

    def judge(self, sums: NDArray[np.int64], span: NDArray[np.int64]) -> _Judged:
        """`sums` int64 [R, cells] are the counts of windows, `span` int64 [R] the ms that each one's panes span."""
        n = self._compared.events(sums)
        judged = (n >= self._min_n) & (span >= self._min_span)[:, np.newaxis]
        scale = sampling_scale(np.maximum(n, 1).astype(np.float64), self._m)
        noise = null_noise(scale, self._dof, self._wander)
        raw = self._compared.distances(sums)
        return _Judged(np.where(judged, debiased(raw, noise), np.nan), np.where(judged, n, 0), raw, noise)


def _slide(block: PaneBlock, comparison: _Comparison) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Window sums int64 [P, cells] that end with each pane of the block, and the ms that each window's panes span.

    Integer sums of what came minus sums of what left: exact, whatever the split into blocks.
    """
    ends, cells = block.starts + block.length, comparison.cells
    oldest = int(np.searchsorted(block.history_starts, ends[0] - comparison.window, side="left"))
    history = block.history_counts[oldest:]
    starts = np.concatenate([block.history_starts[oldest:], block.starts])
    first = np.searchsorted(starts, ends - comparison.window, side="left")
    leaving = np.concatenate([history[: first[-1]], block.counts[: max(0, first[-1] - len(history))]])
    left = np.zeros((len(leaving) + 1, len(cells)), np.int64)
    np.cumsum(leaving[:, cells], axis=0, out=left[1:])
    came = np.cumsum(block.counts[:, cells], axis=0)
    return history.sum(axis=0)[cells] + came - left[first], ends - starts[first]


def _hours_before(
    ends: NDArray[np.int64], block: PaneBlock, comparison: _Comparison
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums int64 [R, cells] over the window before each of `ends` (hours, ms), and the ms that its hours span."""
    starts = block.hour_starts
    counts = block.hour_counts[:, comparison.cells] if len(starts) else np.empty((0, len(comparison.cells)), np.int64)
    first, stop = np.searchsorted(starts, ends - comparison.window), np.searchsorted(starts, ends)
    running = np.concatenate([np.zeros((1, counts.shape[1]), np.int64), np.cumsum(counts, axis=0)])
    begins = np.append(starts, 0)[first]
    return running[stop] - running[first], np.where(stop > first, ends - begins, 0)


def _measured(series: Series, window: int, enough: int) -> PsiNoise | None:
    """The reference windows of a field, if they are of this length, and enough of them."""
    noise = psi_noise_of(series.slot.spec, format_duration(window))
    return noise if noise is not None and noise.windows >= enough else None


def _wander(measured: list[PsiNoise | None], m: NDArray[np.float64], dof: NDArray[np.float64]) -> Wander:
    """Wander per field; 0 where not measured. Reference windows tile the reference, so they hold m / windows events."""
    windows = np.array([noise.windows if noise else 1 for noise in measured], np.float64)
    mean = np.array([noise.mean if noise else 0.0 for noise in measured])
    variance = np.array([noise.variance if noise else 0.0 for noise in measured])
    known = np.array([noise is not None for noise in measured], np.bool_)
    found = wander_of(mean, variance, sampling_scale(m / windows, m), dof)
    return Wander(np.where(known, found.mean, 0.0), np.where(known, found.variance, 0.0))
