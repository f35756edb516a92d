"""How much the reference itself moves: per series from pane to pane, and PSI from window to window.

Detectors take their false-alarm control from here, because real streams wander: the between-pane variance holds more
than sampling noise, and the PSI of a stable feature is far from the multinomial's (Satterthwaite's approximation needs
its mean and variance).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration, parse_duration
from driftgauge.profiles.contrasts import Contrasts, contrasts_of
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.pane_length import SUGGESTED_PANES, densest_pane
from driftgauge.profiles.profile import CategoricalField, PsiNoise, ScaleNoise, SeriesNoise, StepNoise
from driftgauge.profiles.scale_noise import Panes, residuals, scale_noise
from driftgauge.profiles.season import CELLS, season_at, season_of
from driftgauge.profiles.series import Series, noise_key
from driftgauge.profiles.step_noise import step_noise
from driftgauge.profiles.windows import window_length

MIN_PANES = 8
_ENOUGH_PANES = 20
MIN_WINDOWS = 3
_PER_CELL = 5
_PHASES = 4
_PANES_AT_ONCE = 512
_SERIES_AT_ONCE = 64
_PSEUDO = 0.5


class _OneSeries(NamedTuple):
    """`starts` int64 [P] ms, `values` float64 [P] (NaN where n is 0), `n` float64 [P]."""

    starts: NDArray[np.int64]
    values: NDArray[np.float64]
    n: NDArray[np.float64]


class _Measured(NamedTuple):
    """The series of the non-empty panes: `starts` int64 [P] ms, `values` float64 [P, S], `n` int64 [P, S]."""

    starts: NDArray[np.int64]
    values: NDArray[np.float64]
    n: NDArray[np.int64]

    def series(self, index: int) -> _OneSeries:
        """One of them."""
        return _OneSeries(self.starts, self.values[:, index], self.n[:, index].astype(np.float64))


def series_noise(
    layout: Layout, pane: int, times: NDArray[np.int64], cells: list[NDArray[np.int64]]
) -> list[dict[str, SeriesNoise]]:
    """Per slot, noise by `noise_key`, measured over the non-empty panes of `pane` ms.

    `times` int64 ms [n] ascend; `cells[i]` int64 [n] holds the cells within slot i, -1 where the row says nothing about
    it. Fewer than eight panes say nothing and give nothing. Values are also measured over longer windows
    (`scale_noise.py`), and over shorter ones too where the rows are dense enough, because a worker's panes may be
    shorter than what a thinned reference suggests.
    """
    contrasts = contrasts_of(layout, pane)
    shortest = min(pane, densest_pane(times))
    measured = {length: _measured(contrasts, length, times, cells) for length in sorted({shortest, pane})}
    # A short reference may have too few of the suggested panes to tell anything.
    told = pane if len(measured[pane].starts) >= _ENOUGH_PANES else shortest
    movement = _movement(contrasts, measured)
    found: list[dict[str, SeriesNoise]] = [{} for _ in layout.slots]
    for series in contrasts.series:
        if series.kind != "window":
            season = movement.seasons.get(series.index, np.zeros(CELLS))
            noise = _noise(measured[told].series(series.index), told, season)
            if noise is not None:
                found[series.slot.index][key_of(series)] = noise.model_copy(
                    update={
                        "scales": movement.scales.get(series.index, []),
                        "steps": movement.steps.get(series.index, []),
                    }
                )
    return found


class _Movement(NamedTuple):
    """Of the value series, by index: season float64 [48], and noise of means and of steps, shortest windows first."""

    seasons: dict[int, NDArray[np.float64]]
    scales: dict[int, list[ScaleNoise]]
    steps: dict[int, list[StepNoise]]


def _movement(contrasts: Contrasts, measured: Mapping[int, _Measured]) -> _Movement:
    values = [series for series in contrasts.series if series.kind == "value"]
    found = _Movement({}, {}, {})
    for first in range(0, len(values), _SERIES_AT_ONCE):
        chosen = values[first : first + _SERIES_AT_ONCE]
        index, sd = [series.index for series in chosen], np.array([series.sd for series in chosen])
        season = np.zeros((CELLS, len(chosen)))
        scales: list[dict[int, ScaleNoise]] = [{} for _ in chosen]
        steps: list[list[StepNoise]] = [[] for _ in chosen]
        # The shortest panes come first, and tell the season.
        for length, panes in measured.items():
            part = Panes.of(panes.starts, panes.values[:, index], panes.n[:, index])
            if length == min(measured):
                season = season_of(*part, sd)
            rest = residuals(part, length, seasonal=np.any(season != 0, axis=0))
            for of_series, noise in zip(scales, scale_noise(part, rest, length, sd), strict=True):
                of_series.update({parse_duration(scale.length): scale for scale in noise})
            for of_steps, fresh in zip(steps, step_noise(part, rest.sums, length, sd), strict=True):
                of_steps.extend(fresh)
        found.seasons.update(zip(index, season.T, strict=True))
        found.scales.update(zip(index, ([noise[at] for at in sorted(noise)] for noise in scales), strict=True))
        found.steps.update(zip(index, steps, strict=True))
    return found


def _measured(contrasts: Contrasts, pane: int, times: NDArray[np.int64], cells: list[NDArray[np.int64]]) -> _Measured:
    numbers, starts = np.unique(times // pane, return_index=True)
    bounds = [*starts.tolist(), len(times)]
    values, sizes = [], []
    for first in range(0, len(starts), _PANES_AT_ONCE):
        evaluated = contrasts.evaluate(_counts(bounds[first : first + _PANES_AT_ONCE + 1], cells, contrasts.layout))
        values.append(evaluated.values)
        sizes.append(evaluated.n)
    return _Measured(numbers * pane, np.concatenate(values), np.concatenate(sizes))


def key_of(series: Series) -> str:
    """The key under which `contrasts_of` looks a series up: its name without the slot's prefix."""
    prefix = {"feature": "", "score": "score_", "label": "prediction_"}[series.slot.role]
    name = "share" if series.category is not None else series.name.removeprefix(prefix)
    return noise_key(name, series.category)


def _counts(bounds: list[int], cells: list[NDArray[np.int64]], layout: Layout) -> NDArray[np.int64]:
    """Counts int64 [P, K] of the panes whose rows lie between consecutive `bounds`."""
    panes = len(bounds) - 1
    pane_of_row = np.repeat(np.arange(panes, dtype=np.int64), np.diff(bounds))
    counts = np.empty((panes, layout.size), np.int64)
    for slot, column in zip(layout.slots, cells, strict=True):
        width = slot.stop - slot.start
        within = column[bounds[0] : bounds[-1]]
        told = within >= 0
        flat = np.bincount(pane_of_row[told] * width + within[told], minlength=panes * width)
        counts[:, slot.start : slot.stop] = flat.reshape(panes, width)
    return counts


def _noise(panes: _OneSeries, pane: int, season: NDArray[np.float64]) -> SeriesNoise | None:
    present = panes.n > 0
    x, n = panes.values[present], panes.n[present]
    if season.any():
        x = x - season_at(season[:, np.newaxis], panes.starts[present], pane)[:, 0]
    if len(x) < MIN_PANES:
        return None
    mean = float(x.mean())
    deviation = x - mean
    squares = float((deviation**2).sum())
    lag1 = float((deviation[1:] * deviation[:-1]).sum()) / squares if squares > 0 else 0.0
    return SeriesNoise(
        length=format_duration(pane),
        panes=len(x),
        mean=mean,
        variance=squares / (len(x) - 1),
        lag1=min(max(lag1, -1.0), 1.0),
        mean_n=float(1 / (1 / n).mean()),
        season=season.tolist() if season.any() else [],
    )


def psi_noise(slot: Slot, times: NDArray[np.int64], cells: NDArray[np.int64]) -> list[PsiNoise]:
    """PSI of each reference window against all other rows (leave one out), over the cells that `detect` compares.

    For every window length that a pane of one of the suggested lengths may lead to, since a worker's panes need not be
    the suggested ones. The cells are those of values, and `other` where the reference has any of it. Half a row is
    added to every cell. Windows with fewer than five values per cell are left out, lengths with fewer than three
    windows too. `times` ascend; `cells` int64 [n] are those within the slot, -1 where the row has none.
    """
    other = isinstance(slot.spec, CategoricalField) and slot.spec.counts[slot.spec.bins] > 0
    compared = slot.spec.bins + int(other)
    valid = (cells >= 0) & (cells < compared)
    times, cells = times[valid], cells[valid]
    lengths = sorted({window_length(pane) for pane in SUGGESTED_PANES})
    measured = (_psi_noise(slot, length, times, cells, compared) for length in lengths)
    return [noise for noise in measured if noise is not None]


def _psi_noise(
    slot: Slot, length: int, times: NDArray[np.int64], cells: NDArray[np.int64], compared: int
) -> PsiNoise | None:
    # The detector's window slides: where the reference has a season, windows that begin elsewhere lie further off.
    found = [
        _window_psi(times + i * length // _PHASES, cells, length, compared, slot.spec.bins, shifted=i > 0)
        for i in range(_PHASES)
    ]
    if len(found[0]) < MIN_WINDOWS:
        return None
    psi = np.concatenate(found)
    return PsiNoise(
        length=format_duration(length),
        windows=len(found[0]),
        mean=max(float(psi.mean()), 0.0),
        variance=float(psi.var(ddof=1)),
    )


def _window_psi(
    times: NDArray[np.int64], cells: NDArray[np.int64], length: int, compared: int, bins: int, *, shifted: bool
) -> NDArray[np.float64]:
    """PSI of the tumbling windows that hold enough values."""
    _, window = np.unique(times // length, return_inverse=True)
    windows = int(window.max()) + 1 if window.size else 0
    counts = np.bincount(window * compared + cells, minlength=windows * compared).reshape(windows, compared)
    total = counts.sum(axis=0)
    # A segment may have no row in a cell of the whole's, which then says nothing.
    counts, rest = counts[:, total > 0], (total - counts)[:, total > 0]
    # A window that is the whole reference has nothing to be compared with.
    large = (counts.sum(axis=1) >= _PER_CELL * bins) & (rest.sum(axis=1) > 0)
    if shifted:
        # The reference begins and ends within them.
        large[:1] = large[-1:] = False
    p, q = _shares(counts[large]), _shares(rest[large])
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=1))


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    smoothed = counts + _PSEUDO
    shares: NDArray[np.float64] = smoothed / smoothed.sum(axis=1, keepdims=True)
    return shares
