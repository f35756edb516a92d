"""How much the reference itself moves: per series from pane to pane, and PSI from window to window.

Detectors take their false-alarm control from here, because real streams wander: the between-pane variance holds more
than sampling noise, and the PSI of a stable feature is far from the multinomial's (Satterthwaite's approximation needs
its mean and variance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.profile import CategoricalField, PsiNoise, SeriesNoise
from driftgauge.profiles.series import Series, contrasts_of, noise_key, window_length

MIN_PANES = 8
MIN_WINDOWS = 3
_PER_CELL = 5
_PANES_AT_ONCE = 512
_PSEUDO = 0.5


def series_noise(
    layout: Layout, pane: int, times: NDArray[np.int64], cells: list[NDArray[np.int64]]
) -> list[dict[str, SeriesNoise]]:
    """Per slot, noise by `noise_key`, measured over the non-empty panes of `pane` ms.

    `times` int64 ms [n] ascend; `cells[i]` int64 [n] holds the cells within slot i. Fewer than eight panes say nothing
    and give nothing.
    """
    contrasts = contrasts_of(layout, pane)
    _, starts = np.unique(times // pane, return_index=True)
    bounds = [*starts.tolist(), len(times)]
    values, sizes = [], []
    for first in range(0, len(starts), _PANES_AT_ONCE):
        block = bounds[first : first + _PANES_AT_ONCE + 1]
        counts = _counts(block, cells, layout)
        evaluated = contrasts.evaluate(counts)
        values.append(evaluated.values)
        sizes.append(evaluated.n)
    value, n = np.concatenate(values), np.concatenate(sizes)
    found: list[dict[str, SeriesNoise]] = [{} for _ in layout.slots]
    for series in contrasts.series:
        if series.kind != "window":
            noise = _noise(value[:, series.index], n[:, series.index])
            if noise is not None:
                found[series.slot.index][_key(series)] = noise
    return found


def _key(series: Series) -> str:
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
        flat = np.bincount(pane_of_row * width + column[bounds[0] : bounds[-1]], minlength=panes * width)
        counts[:, slot.start : slot.stop] = flat.reshape(panes, width)
    return counts


def _noise(values: NDArray[np.float64], n: NDArray[np.int64]) -> SeriesNoise | None:
    present = n > 0
    x = values[present]
    if len(x) < MIN_PANES:
        return None
    mean = float(x.mean())
    deviation = x - mean
    squares = float((deviation**2).sum())
    lag1 = float((deviation[1:] * deviation[:-1]).sum()) / squares if squares > 0 else 0.0
    return SeriesNoise(
        panes=len(x),
        mean=mean,
        variance=squares / (len(x) - 1),
        lag1=min(max(lag1, -1.0), 1.0),
        mean_n=float(n[present].mean()),
    )


def psi_noise(slot: Slot, pane: int, times: NDArray[np.int64], cells: NDArray[np.int64]) -> PsiNoise | None:
    """PSI of each reference window against all other rows (leave one out), over the cells that `detect` compares.

    Those are the value cells, and `other` where the reference has any of it. Half a row is added to every cell. Windows
    with fewer than five values per cell are left out; fewer than three windows give None. `times` ascend; `cells`
    int64 [n] are those within the slot.
    """
    length = window_length(pane)
    other = isinstance(slot.spec, CategoricalField) and slot.spec.counts[slot.spec.bins] > 0
    compared = slot.spec.bins + int(other)
    valid = cells < compared
    _, window = np.unique(times[valid] // length, return_inverse=True)
    windows = int(window.max()) + 1 if window.size else 0
    counts = np.bincount(window * compared + cells[valid], minlength=windows * compared).reshape(windows, compared)
    rest = counts.sum(axis=0) - counts
    # A window that is the whole reference has nothing to be compared with.
    large = (counts.sum(axis=1) >= _PER_CELL * slot.spec.bins) & (rest.sum(axis=1) > 0)
    if np.count_nonzero(large) < MIN_WINDOWS:
        return None
    p, q = _shares(counts[large]), _shares(rest[large])
    psi = ((p - q) * np.log(p / q)).sum(axis=1)
    return PsiNoise(
        length=format_duration(length),
        windows=len(psi),
        mean=max(float(psi.mean()), 0.0),
        variance=float(psi.var(ddof=1)),
    )


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    smoothed = counts + _PSEUDO
    shares: NDArray[np.float64] = smoothed / smoothed.sum(axis=1, keepdims=True)
    return shares
