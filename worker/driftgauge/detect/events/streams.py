"""What single events say of a series, as numbers: the streams that detectors on events are fed.

A numeric field's values, and the 0/1 indicator of a category, in units of the reference's own standard deviation and
clipped: river's detectors know no scale, and one value that is no number leaves them deaf for ever. Or the indicator
as it is, for detectors that were made for the errors of a model. What is missing or invalid is in neither, unless the
series is the rate of just that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.normalise import CLIP_SD, SMALLEST_SD
from driftgauge.profiles.profile import CategoricalField, NumericField
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import other_name

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Unit(NamedTuple):
    """How a series' values are standardised: (value - mean) / scale."""

    mean: float
    scale: float


class _Cells(NamedTuple):
    """Of a categorical series: the cell within its slot that is a hit, and those that may not count."""

    hit: int
    missing: int
    invalid: int


@dataclass(frozen=True, slots=True)
class EventStream:
    """One series event by event. `unit` None: its indicator, 0 or 1. Built by `of`."""

    series: Series
    unit: Unit | None
    _cells: _Cells | None
    _levels: Floats  # of a share: what no hit and a hit come to

    @classmethod
    def of(cls, series: Series, unit: Unit | None) -> Self:
        """Of a series that has such values; ValueError if it hasn't."""
        return cls(series, unit, _cells(series), _clipped(np.array([0.0, 1.0]), unit or Unit(0.0, 1.0)))

    def read(self, column: NDArray[np.generic]) -> tuple[NDArray[np.generic], Bools | None]:
        """Values of the events that count for the series (float64, or int64 for an indicator), and which those are.

        `column` [n] as in `EventColumns`; bool [n], None: all of them.
        """
        if self.unit is not None and self._cells is None:
            finite = np.isfinite(column)
            chosen = _all_or_some(finite)
            return _clipped(_chosen(column, chosen), self.unit), chosen
        hits, counted = self._indicator(column)
        chosen = _all_or_some(counted)
        hits = _chosen(hits, chosen)
        if self.unit is None:
            return hits.astype(np.int64), chosen
        return self._levels[hits.view(np.int8)], chosen

    def _indicator(self, column: NDArray[np.generic]) -> tuple[Bools, Bools]:
        """Bool [n] each: whether the event has what the series is the share of, and whether it counts at all."""
        if self._cells is None:
            return _of_number(_rate(self.series), self.series.slot.spec, column)
        hit, missing, invalid = self._cells
        if hit == missing:
            return column == hit, np.ones(len(column), np.bool_)
        present = column != missing
        return column == hit, present if hit == invalid else present & (column != invalid)


def value_streams(series: Iterable[Series]) -> list[EventStream]:
    """Standardised streams: numeric fields and scores by their location, and shares.

    Those without spread in the reference are left out: nothing scales them.
    """
    units = [(entry, _unit(entry)) for entry in series]
    return [EventStream.of(entry, unit) for entry, unit in units if unit is not None]


def is_indicator(series: Series) -> bool:
    """Whether an event gives the series a 0 or a 1: rates and shares."""
    return series.kind == "rate" or (series.kind == "value" and isinstance(series.slot.spec, CategoricalField))


def _unit(series: Series) -> Unit | None:
    spec = series.slot.spec
    if series.kind != "value":
        return None
    if isinstance(spec, CategoricalField):
        return Unit(series.reference, series.sd) if series.sd > SMALLEST_SD else None
    if not series.name.endswith("location"):
        return None
    # No finer than doubles of this size can tell apart.
    scale = max(spec.sd, SMALLEST_SD * max(abs(spec.minimum), abs(spec.maximum)))
    return Unit(spec.mean, scale) if scale >= np.finfo(np.float64).tiny else None


def _clipped(values: Floats, unit: Unit) -> Floats:
    z = (values - unit.mean) / unit.scale
    return np.minimum(np.maximum(z, -CLIP_SD), CLIP_SD)


def _all_or_some(counted: Bools) -> Bools | None:
    return None if counted.all() else counted


def _chosen(values: NDArray[Any], counted: Bools | None) -> NDArray[Any]:
    return values if counted is None else values[counted]


def _of_number(rate: str, spec: NumericField | CategoricalField, column: NDArray[np.generic]) -> tuple[Bools, Bools]:
    assert isinstance(spec, NumericField)  # noqa: S101 (the others have cells)
    values = column.astype(np.float64, copy=False)
    missing = np.isnan(values)
    if rate == "missing":
        return missing, np.ones(len(values), np.bool_)
    if rate == "invalid":
        return np.isinf(values), ~missing
    return (values < spec.low) | (values > spec.high), np.isfinite(values)


def _rate(series: Series) -> str:
    return series.name.removeprefix("score_").removeprefix("prediction_")


def _cells(series: Series) -> _Cells | None:
    """None for numeric fields. The cell of the rarer categories stands behind the others'."""
    slot, spec = series.slot, series.slot.spec
    if not isinstance(spec, CategoricalField):
        return None
    special = {name: slot.cell(name) - slot.start for name in ("missing", "invalid", "unseen")}
    if series.kind == "rate":
        hit = special[_rate(series)]
    else:
        other = series.category == other_name(spec)
        hit = spec.bins if other else spec.cell_names[: spec.bins].index(series.category or "")
    return _Cells(hit, special["missing"], special["invalid"])
