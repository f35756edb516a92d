"""Series: what a pane's counts say, as numbers in [0, 1] - linear contrasts of the histogram.

Value contrasts (location, spread, shares) are conditional on "present and valid", so that a NULL storm moves the
missing rate and nothing else. Sums are integer (weights in fixed point): exact, whatever the block size. Location is
the mean mid-PIT, u_b = (F(b-) + F(b)) / 2 with F the reference distribution over the value bins: E[u] = 1/2 in the
reference also with ties; spread is the mean of |2u - 1|. Of a categorical field, the shares of its most frequent
categories and of all its rarer ones together: a category that vanishes, is renamed or stuck, or two that are swapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration, parse_duration
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.profile import CategoricalField, NumericField, PsiNoise, SeriesNoise, psi_noise_of
from driftgauge.profiles.season import CELLS, season_at

Kind = Literal["rate", "value", "window"]

# Smallest excess over the reference rate that is worth an alert (statistics: one or half a percentage point).
RATE_TOLERANCE = {"missing": 0.01, "invalid": 0.005, "unseen": 0.01, "out_of_range": 0.005}
VALUE_TOLERANCE_SD = 0.2
# A feature's share moves by a point at least: of a category of less than .25 %, .2 sd would be less. Not so for
# predicted classes, where the rare one may be what the model is for.
SHARE_TOLERANCE = 0.01
# The PSI that counts as no drift. Where enough reference windows were measured, their wander is part of the noise and
# .02 (a shift of .14 sd) is far below what half a sd gives (.25). Without any, nothing says how much a field wanders
# by itself, and .1 stands in. A few windows can't give a variance to test with, but a field that moved by more than .1
# within its own reference has to move by more than that to be worth an alert.
PSI_TOLERANCE = 0.1
PSI_TOLERANCE_MEASURED = 0.02
PSI_WINDOWS = 20
SHARES = 5
HOUR = 3_600_000
DAY = 24 * HOUR
WINDOW_PANES = 24
_FIXED_POINT = 1 << 24


@dataclass(frozen=True, slots=True)
class Series:
    """One monitored number per pane of a subject.

    `name`: as in an alert's labels (`missing`, `location`, `score_location`, `share`, `predicted_share`, `psi_1h` ...);
    `feature`: None for series of the prediction; `category`: for shares, the category or what stands for the rarer ones
    (`other`).
    `kind`: "rate" is hits/n of an indicator of which only a rise matters (missing, invalid, unseen, out_of_range);
    "value" is a mean in [0, 1] or a share, both directions matter; "window" is computed by a window detector, which
    fills in its values itself.
    `reference`: expected level; `sd`: of one event's contribution in the reference; `reference_n`: reference events
    behind it; `tolerance`: the smallest effect worth an alert, in the series' own unit (rates: allowed excess over
    `reference`; values: .2 sd; windows: PSI). `noise`: how it moved from pane to pane in the reference, if measured.
    """

    index: int
    name: str
    kind: Kind
    slot: Slot
    feature: str | None
    category: str | None
    reference: float
    sd: float
    reference_n: int
    tolerance: float
    noise: SeriesNoise | None

    @property
    def key(self) -> str:
        """Stable identity within a subject: what state and episodes are filed under.

        Names and categories are any text, so a bar within one is escaped.
        """
        return "|".join(_escaped(part) for part in (self.feature or "", self.name, self.category or ""))


class SeriesValues(NamedTuple):
    """The series of P panes, S of them.

    `n` int64 [P, S]: events behind the value; `hits` int64 [P, S]: those with the indicator (rates and shares, else 0);
    `values` float64 [P, S]: NaN where n is 0 and for window series.
    """

    n: NDArray[np.int64]
    hits: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class _Indicators:
    """Series of the form (events in a cell) / (events of the field that are present, valid, or all of them).

    All arrays int64 [I]: `series`, `slots` and flat `cells` of the series; `base`: which denominator (see `_BASES`).
    `range_series`, `range_cells`: out_of_range has a second cell.
    """

    series: NDArray[np.int64]
    slots: NDArray[np.int64]
    cells: NDArray[np.int64]
    base: NDArray[np.int64]
    range_series: NDArray[np.int64]
    range_cells: NDArray[np.int64]


@dataclass(frozen=True)
class _Means:
    """Series of the form sum of `weights` over the cells of a slot / its valid events; weights are fixed point."""

    series: NDArray[np.int64]
    slots: NDArray[np.int64]
    weights: NDArray[np.int64]


@dataclass(frozen=True)
class Contrasts:
    """The series of a layout at a pane length, and their evaluation on count vectors. Built by `contrasts_of`."""

    layout: Layout
    series: tuple[Series, ...]
    _indicators: _Indicators
    _means: tuple[_Means, ...]
    _missing: NDArray[np.int64]
    _invalid: NDArray[np.int64]
    _season: NDArray[np.float64]
    _pane_length: int

    def season(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """By how much each series lies above its reference level in panes that start then (ms), float64 [P, S]."""
        return season_at(self._season, starts, self._pane_length)

    def evaluate(self, counts: NDArray[np.int64]) -> SeriesValues:
        """Series of panes; `counts` int64 [P, K]. Integer sums, one division: equal for any split into blocks."""
        shape = (len(counts), len(self.series))
        n, hits, values = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, np.nan)
        everything = np.add.reduceat(counts, self.layout.starts, axis=1)
        present = everything - counts[:, self._missing]
        valid = present - counts[:, self._invalid]
        part = self._indicators
        hits[:, part.series] = counts[:, part.cells]
        hits[:, part.range_series] += counts[:, part.range_cells]
        for base, total in enumerate((everything, present, valid)):
            chosen = part.base == base
            n[:, part.series[chosen]] = total[:, part.slots[chosen]]
        np.divide(hits, n, out=values, where=n > 0)
        for mean in self._means:
            total = valid[:, mean.slots]
            weighted = np.add.reduceat(counts * mean.weights, self.layout.starts, axis=1)[:, mean.slots]
            quotient = np.full(total.shape, np.nan)
            np.divide(weighted, total * _FIXED_POINT, out=quotient, where=total > 0)
            n[:, mean.series], values[:, mean.series] = total, quotient
        return SeriesValues(n, hits, values)


def window_length(pane_length: int) -> int:
    """Length (ms) of the short comparison window: an hour, or 24 panes where panes are longer than 2.5 minutes."""
    return max(HOUR, WINDOW_PANES * pane_length)


class _Plan(NamedTuple):
    """A series to be: `cell` within the slot whose share it is, where it is one cell's."""

    name: str
    kind: Kind
    category: str | None = None
    cell: int = 0


def window_lengths(pane_length: int) -> tuple[int, ...]:
    """Lengths (ms) of all comparison windows: the short one, and a day's where panes are shorter than an hour."""
    short = window_length(pane_length)
    return (short, DAY) if pane_length < HOUR else (short,)


def window_of(series: Series) -> int:
    """Length (ms) of a window series' window, which its name says."""
    return parse_duration(series.name.rpartition("psi_")[2])


def contrasts_of(layout: Layout, pane_length: int) -> Contrasts:
    """All series of a profile's layout for panes of `pane_length` ms. The same layout gives the same series."""
    planned = [(slot, plan) for slot in layout.slots for plan in _plans(slot, pane_length)]
    series = tuple(_series(index, slot, plan) for index, (slot, plan) in enumerate(planned))
    indicators = [(index, slot, plan) for index, (slot, plan) in enumerate(planned) if plan.name in _BASES]
    ranges = [(index, slot) for index, slot, plan in indicators if plan.name == "out_of_range"]
    return Contrasts(
        layout,
        series,
        _Indicators(
            _integers(index for index, _, _ in indicators),
            _integers(slot.index for _, slot, _ in indicators),
            _integers(slot.start + plan.cell for _, slot, plan in indicators),
            _integers(_BASES[plan.name] for _, _, plan in indicators),
            _integers(index for index, _ in ranges),
            _integers(slot.cell("above") for _, slot in ranges),
        ),
        tuple(_means(layout, name, planned) for name in ("location", "spread")),
        _integers(slot.cell("missing") for slot in layout.slots),
        _integers(slot.cell("invalid") for slot in layout.slots),
        _season(series),
        pane_length,
    )


def _season(series: Sequence[Series]) -> NDArray[np.float64]:
    """Offsets of all series, float64 [48, S]; 0 where the reference shows no season."""
    offsets = np.zeros((CELLS, len(series)))
    for entry in series:
        if entry.noise is not None and entry.noise.season:
            offsets[:, entry.index] = entry.noise.season
    return offsets


# Of which events an indicator is the share: 0 all, 1 those where the field is present, 2 those where it is also valid.
_BASES = {"missing": 0, "invalid": 1, "unseen": 2, "out_of_range": 2, "share": 2}


def _integers(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(numbers), np.int64)


def _plans(slot: Slot, pane_length: int) -> Iterator[_Plan]:
    spec = slot.spec
    numeric = isinstance(spec, NumericField)
    for name in ("missing", "invalid", "out_of_range") if numeric else ("missing", "invalid", "unseen"):
        cell = slot.cell("below" if name == "out_of_range" else name) - slot.start
        yield _Plan(name, "rate", None, cell)
    if isinstance(spec, CategoricalField):
        yield from _shares(spec)
    elif spec.bins > 1:
        yield _Plan("location", "value")
        yield _Plan("spread", "value")
    # Of two classes the share says all that PSI could.
    if slot.role != "label" or spec.bins > 2:
        for length in window_lengths(pane_length):
            yield _Plan(f"psi_{format_duration(length)}", "window")


def _shares(spec: CategoricalField) -> Iterator[_Plan]:
    """The shares of the most frequent categories, and of the rarer ones together where the reference has any.

    The shares of two categories mirror each other: the rarer one tells all. That of a single one tells what the rate of
    unseen values does, or the rarer ones.
    """
    ranked = sorted(range(spec.bins), key=lambda cell: (-spec.counts[cell], cell))
    shown = ranked[1:] if spec.bins <= 2 else ranked[:SHARES]
    names = spec.cell_names
    for cell in shown:
        yield _Plan("share", "value", names[cell], cell)
    if spec.counts[spec.bins]:
        yield _Plan("share", "value", other_name(spec), spec.bins)


def other_name(spec: CategoricalField) -> str:
    """What the share of all rarer categories goes by: `other`, in brackets if that is a category itself."""
    name, taken = "other", set(spec.cell_names[: spec.bins])
    while name in taken:
        name = f"({name})"
    return name


_PREFIX = {"feature": "", "score": "score_", "label": "prediction_"}


def _series(index: int, slot: Slot, plan: _Plan) -> Series:
    spec = slot.spec
    shown = "predicted_share" if plan.name == "share" and slot.role == "label" else _PREFIX[slot.role] + plan.name
    feature = slot.name if slot.role == "feature" else None
    if plan.kind == "window":
        valid = sum(spec.counts[: spec.bins + (0 if isinstance(spec, NumericField) else 1)])
        tolerance = _psi_tolerance(psi_noise_of(spec, plan.name.removeprefix("psi_")))
        return Series(index, shown, "window", slot, feature, None, 0.0, 0.0, valid, tolerance, None)
    n, mean, sd = _reference(slot, plan)
    noise = spec.noise.get(noise_key(plan.name, plan.category))
    tolerance = _tolerance(slot, plan, sd)
    return Series(index, shown, plan.kind, slot, feature, plan.category, mean, sd, n, tolerance, noise)


def _reference(slot: Slot, plan: _Plan) -> tuple[int, float, float]:
    """Events of the reference behind a series, its level there, and the sd of one event's contribution."""
    spec, base = slot.spec, _BASES.get(plan.name, 2)
    left_out = [slot.cell(name) - slot.start for name in ("missing", "invalid")[:base]]
    n = sum(spec.counts) - sum(spec.counts[cell] for cell in left_out)
    if not n:
        return 0, 0.0, 0.0
    if plan.name in _BASES:
        second = mean = sum(spec.counts[cell] for cell in _cells(slot, plan)) / n
    else:
        counts, weights = np.array(spec.counts, np.int64), _weights(spec, plan.name)
        mean = int((counts * weights).sum()) / (n * _FIXED_POINT)
        second = float((counts * (weights / _FIXED_POINT) ** 2).sum()) / n
    return n, mean, math.sqrt(max(second - mean * mean, 0.0))


def _cells(slot: Slot, plan: _Plan) -> list[int]:
    above = [slot.cell("above") - slot.start] if plan.name == "out_of_range" else []
    return [plan.cell, *above]


def _tolerance(slot: Slot, plan: _Plan, sd: float) -> float:
    if plan.kind == "rate":
        return RATE_TOLERANCE[plan.name]
    least = SHARE_TOLERANCE if plan.name == "share" and slot.role == "feature" else 0.0
    return max(least, VALUE_TOLERANCE_SD * sd)


def _psi_tolerance(noise: PsiNoise | None) -> float:
    if noise is None:
        return PSI_TOLERANCE
    if noise.windows >= PSI_WINDOWS:
        return PSI_TOLERANCE_MEASURED
    return max(PSI_TOLERANCE, noise.mean + 3 * math.sqrt(noise.variance))


def noise_key(name: str, category: str | None) -> str:
    """Key of a series in a field's `noise`: `location`, `missing` ..., `share|rejected`."""
    return name if category is None else f"{name}|{category}"


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|")


def _weights(spec: NumericField | CategoricalField, name: str) -> NDArray[np.int64]:
    """Fixed-point weights of a numeric field's cells: below counts as 0, above as 1, what isn't valid not at all."""
    u = np.concatenate([mid_pit(spec.counts[: spec.bins]), [0.0, 0.0, 0.0, 1.0]])
    weights: NDArray[np.int64] = np.rint((u if name == "location" else np.abs(2 * u - 1)) * _FIXED_POINT).astype(
        np.int64
    )
    weights[spec.bins : spec.bins + 2] = 0
    return weights


def mid_pit(counts: list[int]) -> NDArray[np.float64]:
    """Mid-distribution probability integral transform of each bin, float64 [B]: (F(b-) + F(b)) / 2."""
    share = np.array(counts, np.float64)
    total = share.sum()
    if total == 0:
        return np.full(len(counts), 0.5)
    share /= total
    return np.cumsum(share) - share / 2


def _means(layout: Layout, name: str, planned: list[tuple[Slot, _Plan]]) -> _Means:
    group = [(index, slot) for index, (slot, plan) in enumerate(planned) if plan.name == name]
    weights = np.zeros(layout.size, np.int64)
    for _, slot in group:
        weights[slot.start : slot.stop] = _weights(slot.spec, name)
    return _Means(_integers(index for index, _ in group), _integers(slot.index for _, slot in group), weights)
