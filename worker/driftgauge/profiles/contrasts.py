"""The series of panes: linear contrasts of a pane's counts, as numbers in [0, 1]; and repeats among its rows.

Value contrasts (location, spread, shares) are conditional on "present and valid", so that a NULL storm moves the
missing rate and nothing else. Sums are integer (weights in fixed point): exact, whatever the block size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.mid_pit import FIXED_POINT, weights
from driftgauge.profiles.repeats import Ids, drawn
from driftgauge.profiles.season import CELLS, DAY
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import BASES, Plan, plans, series_of


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

    All arrays int64 [I]: `series`, `slots` and flat `cells` of the series; `base`: which denominator (see `BASES`).
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
    """The series of a layout at a pane length, and their evaluation on count vectors. Built by `contrasts_of`.

    `season_by_cell` float64 [48, S]: the offsets that the profile measured.
    """

    layout: Layout
    series: tuple[Series, ...]
    _indicators: _Indicators
    _means: tuple[_Means, ...]
    _missing: NDArray[np.int64]
    _invalid: NDArray[np.int64]
    _repeated: tuple[Series, ...]
    season_by_cell: NDArray[np.float64]

    def evaluate(self, counts: NDArray[np.int64], ids: Ids | None = None) -> SeriesValues:
        """Series of panes; `counts` int64 [P, K]. Integer sums, one division: equal for any split into blocks.

        `ids` uint32 [P, R, ROWS]: of the values of the layout's R features with repeats, in the rows of each pane that
        are looked at (see `repeats.py`); without them nothing is said of repeats.
        """
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
        if ids is not None:
            places = {slot.index: at for at, slot in enumerate(self.layout.repeats)}
            for series in self._repeated:
                groups = drawn(ids[:, places[series.slot.index]], series.among)
                n[:, series.index], hits[:, series.index] = groups
        np.divide(hits, n, out=values, where=n > 0)
        for mean in self._means:
            total = valid[:, mean.slots]
            weighted = np.add.reduceat(counts * mean.weights, self.layout.starts, axis=1)[:, mean.slots]
            quotient = np.full(total.shape, np.nan)
            np.divide(weighted, total * FIXED_POINT, out=quotient, where=total > 0)
            n[:, mean.series], values[:, mean.series] = total, quotient
        return SeriesValues(n, hits, values)


def contrasts_of(layout: Layout, pane_length: int, minimum_effect: float = 1.0) -> Contrasts:
    """All series of a profile's layout for panes of `pane_length` ms. The same layout gives the same series.

    `minimum_effect`: tolerances are so many times what they are by themselves.
    """
    planned = plans(layout, pane_length)
    # Within a pane of a day no season of the day shows.
    days_known = layout.told_days >= 1 or pane_length >= DAY
    own = [series_of(index, slot, plan, days_known=days_known) for index, (slot, plan) in enumerate(planned)]
    series = tuple(
        replace(
            entry,
            told_days=layout.told_days,
            tolerance=entry.tolerance * minimum_effect,
            minimum_effect=minimum_effect,
        )
        for entry in own
    )
    indicators = [(index, slot, plan) for index, (slot, plan) in enumerate(planned) if plan.name in BASES]
    ranges = [(index, slot) for index, slot, plan in indicators if plan.name == "out_of_range"]
    return Contrasts(
        layout,
        series,
        _Indicators(
            _integers(index for index, _, _ in indicators),
            _integers(slot.index for _, slot, _ in indicators),
            _integers(slot.start + plan.cell for _, slot, plan in indicators),
            _integers(BASES[plan.name] for _, _, plan in indicators),
            _integers(index for index, _ in ranges),
            _integers(slot.cell("above") for _, slot in ranges),
        ),
        tuple(_means(layout, name, planned) for name in ("location", "spread")),
        _integers(slot.cell("missing") for slot in layout.slots),
        _integers(slot.cell("invalid") for slot in layout.slots),
        tuple(entry for entry in series if entry.among),
        _season(series),
    )


def _season(series: Sequence[Series]) -> NDArray[np.float64]:
    """Offsets of all series, float64 [48, S]; 0 where the reference shows no season."""
    offsets = np.zeros((CELLS, len(series)))
    for entry in series:
        if entry.noise is not None and entry.noise.season:
            offsets[:, entry.index] = entry.noise.season
    return offsets


def _integers(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(numbers), np.int64)


def _means(layout: Layout, name: str, planned: list[tuple[Slot, Plan]]) -> _Means:
    group = [(index, slot) for index, (slot, plan) in enumerate(planned) if plan.name == name]
    flat = np.zeros(layout.size, np.int64)
    for _, slot in group:
        flat[slot.start : slot.stop] = weights(slot.spec, name)
    return _Means(_integers(index for index, _ in group), _integers(slot.index for _, slot in group), flat)
