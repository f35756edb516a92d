"""A change in the units of the data: the median before and after, and the cells that moved most.

Detectors work on normalised series; a person wants to read "income 52,300 -> 48,100". All of it comes from counts:
those of the reference and those since the onset.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series

TOP_CELLS = 5
Counts = NDArray[np.int64]
Beyond = Literal["below", "above"]


class Median(NamedTuple):
    """A median in natural units. `beyond`: it lies outside the reference's range, and `value` is the limit passed."""

    value: float
    beyond: Beyond | None = None


class CellShift(NamedTuple):
    """A cell's share before and after, in [0, 1]."""

    name: str
    before: float
    after: float


def median_of(spec: NumericField, counts: Counts) -> Median | None:
    """Median of int64 [cells] counts, by linear interpolation inside its bin; None where nothing valid was counted."""
    below, above = (int(counts[spec.cell_names.index(name, spec.bins)]) for name in ("below", "above"))
    bins = counts[: spec.bins]
    half = (below + int(bins.sum()) + above) / 2
    if half == 0:
        return None
    if below and half <= below:
        return Median(spec.low, "below")
    reached = below + np.cumsum(bins)
    if not len(bins) or half > reached[-1]:
        return Median(spec.high, "above")
    index = int(np.searchsorted(reached, half))
    bounds = [spec.minimum, *spec.edges, spec.maximum]
    inside = (half - (reached[index] - bins[index])) / bins[index]
    return Median(float(bounds[index] + inside * (bounds[index + 1] - bounds[index])))


def medians(series: Series, live: Counts) -> tuple[Median, Median] | None:
    """Median of the reference and of `live`; None where the series isn't a numeric location or nothing is known."""
    spec = series.slot.spec
    if series.category is not None or not series.name.endswith("location") or not isinstance(spec, NumericField):
        return None
    if len(live) != len(spec.counts):
        return None
    before, after = median_of(spec, np.array(spec.counts, np.int64)), median_of(spec, live)
    return None if before is None or after is None else (before, after)


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
    return [CellShift(slot.spec.cell_names[used[i]], float(p[i]), float(q[i])) for i in order if p[i] != q[i]]


def _smoothed(counts: Counts) -> NDArray[np.float64]:
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)), np.float64)


def _cells_used(slot: Slot, *, everything: bool) -> list[int]:
    hidden = () if everything else (slot.cell("missing"), slot.cell("invalid"))
    return [cell - slot.start for cell in range(slot.start, slot.stop) if cell not in hidden]
