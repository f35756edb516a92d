"""The line of a series over time, in the units that its alerts are told in, and the limits that it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.distances import distances
from driftgauge.alerts.natural import quantile_of
from driftgauge.durations import format_duration
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series
from driftgauge.profiles.windows import window_of
from driftgauge.report.trail import Counts, Stretch


class Levels(NamedTuple):
    """`values` float64 [m], NaN where nothing is behind one; `what` they are and in which `unit`.

    `reference`: the level of the reference; `low`, `high`: what changes within these aren't worth an alert; None: no
    such limit on that side.
    """

    values: NDArray[np.float64]
    what: str
    unit: str
    reference: float | None
    low: float | None
    high: float | None


def levels_of(series: Series, contrasts: Contrasts, stretch: Stretch) -> Levels | None:
    """Of a stretch with the counts of the series' field; None where counts don't tell it (repeats)."""
    spec = series.slot.spec
    if series.among:
        return None
    if series.kind == "window":
        window = window_of(series)
        found = [
            np.nan if counts is None else distances(series.slot, counts).get("psi", np.nan)
            for counts in _windows(stretch, window)
        ]
        what = f"distance from the reference over {format_duration(window)}"
        return Levels(np.array(found, np.float64), what, "PSI", None, None, series.tolerance)
    if isinstance(spec, NumericField) and series.kind == "value" and not series.slot.redacted:
        return _quantiles(series, spec, stretch.counts)
    values = _values(series, contrasts, stretch.counts)
    low = None if series.kind == "rate" else series.reference - series.tolerance
    if series.category is not None or series.kind == "rate":
        return _shares(series, values, low)
    high = series.reference + series.tolerance
    return Levels(values, "mean position within the reference", "", series.reference, low, high)


def _windows(stretch: Stretch, window: int) -> Iterator[Counts | None]:
    """Per span the counts of the window (ms) that ends with it; None where the stretch begins later than that."""
    sums = np.concatenate([np.zeros_like(stretch.counts[:1]), np.cumsum(stretch.counts, axis=0)])
    begins = np.minimum(stretch.starts, stretch.starts + stretch.length - window)
    for end, begin in enumerate(begins.tolist(), start=1):
        whole = begin >= int(stretch.starts[0])
        yield sums[end] - sums[np.searchsorted(stretch.starts, begin)] if whole else None


def _shares(series: Series, values: NDArray[np.float64], low: float | None) -> Levels:
    what = series.name.replace("_", " ") if series.kind == "rate" else f"share of {series.shown_category}"
    floor = None if low is None else 100 * low
    return Levels(
        100 * values, what, "% of events", 100 * series.reference, floor, 100 * (series.reference + series.tolerance)
    )


def _quantiles(series: Series, spec: NumericField, counts: Counts) -> Levels:
    """Medians of a location; of a spread the distance between the quartiles. Limits: the reference's own quantiles."""
    reference = np.array(spec.counts, np.int64)

    def at(row: Counts, share: float) -> float:
        found = quantile_of(spec, row, share)
        return np.nan if found is None else found.value

    if series.name.endswith("location"):
        values = [at(row, 0.5) for row in counts]
        # A mean position of so much more or less is what a shift to that quantile gives.
        low, high = (at(reference, 0.5 + side * series.tolerance) for side in (-1, 1))
        return Levels(np.array(values), "median", "", at(reference, 0.5), low, high)
    values = [at(row, 0.75) - at(row, 0.25) for row in counts]
    width = at(reference, 0.75) - at(reference, 0.25)
    return Levels(np.array(values), "interquartile range", "", width, None, None)


def _values(series: Series, contrasts: Contrasts, counts: Counts) -> NDArray[np.float64]:
    slot: Slot = series.slot
    whole = np.zeros((len(counts), contrasts.layout.size), np.int64)
    whole[:, slot.start : slot.stop] = counts
    return contrasts.evaluate(whole).values[:, series.index]
