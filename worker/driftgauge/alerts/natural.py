"""A change in the units of the data: a median, a width, a percentage before and after, and the cells that moved most.

Detectors work on normalised series; a person wants to read "income 52,300 -> 48,100". Where values are told it is from
counts: those of the reference and those since the onset.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series

TOP_CELLS = 5
Counts = NDArray[np.int64]
Beyond = Literal["below", "above"]
Statistic = Literal["median", "interquartile_range", "percent_of_events", "distinct_values"]
Unit = Literal["value", "percent", "values"]


class Quantile(NamedTuple):
    """A quantile in natural units. `beyond`: it lies outside the reference's range, and `value` is the limit passed."""

    value: float
    beyond: Beyond | None = None


class Change(NamedTuple):
    """What `statistic` was in the reference (or before the onset) and is now, in `unit`.

    Of a feature's location the median and of its spread the interquartile range, in the feature's own unit, with the
    reference's `sd` in it; of rates and shares percent of the events; of repeats the distinct values of `among` events.
    `beyond`: `after` is a bound only, as values lie outside the reference's range; widths are then larger.
    """

    statistic: Statistic
    unit: Unit
    before: float
    after: float
    sd: float | None = None
    beyond: Beyond | None = None
    among: int | None = None


class CellShift(NamedTuple):
    """A cell's share before and after, in [0, 1]."""

    name: str
    before: float
    after: float


def quantile_of(spec: NumericField, counts: Counts, share: float) -> Quantile | None:
    """The value below which a `share` of int64 [cells] counts lies, linear inside its bin; None if nothing is valid."""
    below, above = (int(counts[spec.cell_names.index(name, spec.bins)]) for name in ("below", "above"))
    bins = counts[: spec.bins]
    rank = (below + int(bins.sum()) + above) * share
    if rank == 0:
        return None
    if below and rank <= below:
        return Quantile(spec.low, "below")
    reached = below + np.cumsum(bins)
    if not len(bins) or rank > reached[-1]:
        return Quantile(spec.high, "above")
    index = int(np.searchsorted(reached, rank))
    bounds = [spec.minimum, *spec.edges, spec.maximum]
    if _crowded(spec, bins, index):
        # Where within the outermost bin so many lie is anyone's guess: perhaps all at its end, or just outside.
        return Quantile(bounds[1], "below") if index == 0 else Quantile(bounds[-2], "above")
    inside = (rank - (reached[index] - bins[index])) / bins[index]
    return Quantile(float(bounds[index] + inside * (bounds[index + 1] - bounds[index])))


def _crowded(spec: NumericField, bins: Counts, index: int) -> bool:
    """Whether an outermost bin with some width holds more than twice the share that it had in the reference."""
    bounds = [spec.minimum, *spec.edges, spec.maximum]
    if len(bins) < 3 or index not in {0, len(bins) - 1} or bounds[index] == bounds[index + 1]:
        return False
    reference = spec.counts[: len(bins)]
    return bool(bins[index] * sum(reference) > 2 * reference[index] * bins.sum())


def natural_change(series: Series, before: float, after: float, live: Counts | None) -> Change | None:
    """A change from level `before` to `after` in natural units; None where there are none to be told.

    `live` int64 [cells of the slot]: counts since the onset; None: they say nothing about how it is now.
    """
    if series.kind == "window" or not (math.isfinite(before) and math.isfinite(after)):
        return None
    if series.among:
        held = series.among
        return Change("distinct_values", "values", held * (1 - before), held * (1 - after), among=held)
    if series.kind == "rate" or series.category is not None:
        return Change("percent_of_events", "percent", 100 * before, 100 * after)
    spec = series.slot.spec
    if live is None or not isinstance(spec, NumericField) or len(live) != len(spec.counts) or series.slot.redacted:
        return None
    counts = np.array(spec.counts, np.int64), live
    return _median(spec, *counts) if series.name.endswith("location") else _width(spec, *counts)


def _median(spec: NumericField, reference: Counts, live: Counts) -> Change | None:
    before, after = quantile_of(spec, reference, 0.5), quantile_of(spec, live, 0.5)
    if before is None or after is None:
        return None
    return Change("median", "value", before.value, after.value, spec.sd, after.beyond)


def _width(spec: NumericField, reference: Counts, live: Counts) -> Change | None:
    widths: list[float] = []
    beyond: Beyond | None = None
    for counts in (reference, live):
        low, high = quantile_of(spec, counts, 0.25), quantile_of(spec, counts, 0.75)
        if low is None or high is None:
            return None
        widths.append(high.value - low.value)
        beyond = high.beyond or low.beyond
    return Change("interquartile_range", "value", widths[0], widths[1], spec.sd, beyond)


def top_cells(series: Series, live: Counts) -> list[CellShift]:
    """At most five cells by (q - p) ln(q / p), largest first, without those that did not move.

    Shares are of all events for missing and invalid rates, and of the present and valid ones for everything else, so
    that a NULL storm doesn't drown what else is said. Half an event is added per cell for the logarithm only.
    """
    slot = series.slot
    if len(live) != len(slot.spec.counts):
        return []
    used = _cells_used(slot, everything=series.kind == "rate" and series.name.endswith(("missing", "invalid")))
    reference, now = np.array(slot.spec.counts, np.int64)[used], live[used]
    if not reference.sum() or not now.sum():
        return []
    p, q = reference / reference.sum(), now / now.sum()
    p1, q1 = _smoothed(reference), _smoothed(now)
    moved = (q1 - p1) * np.log(q1 / p1)
    order = sorted(range(len(used)), key=lambda i: (-moved[i], i))[:TOP_CELLS]
    names = slot.shown_names
    return [CellShift(names[used[i]], float(p[i]), float(q[i])) for i in order if p[i] != q[i]]


def _smoothed(counts: Counts) -> NDArray[np.float64]:
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)), np.float64)


def _cells_used(slot: Slot, *, everything: bool) -> list[int]:
    hidden = () if everything else (slot.cell("missing"), slot.cell("invalid"))
    return [cell - slot.start for cell in range(slot.start, slot.stop) if cell not in hidden]
