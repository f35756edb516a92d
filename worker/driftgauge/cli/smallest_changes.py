"""What a model's detectors would find, as `check` shows it: per series the smallest change, in the data's own units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from driftgauge.alerts.numbers import distinct, number, percent
from driftgauge.alerts.severity import measure_of
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series

# The standard deviation of a position within the reference distribution: uniform in 0..1.
_POSITION_SD = 1 / math.sqrt(12)


class SmallestChange(NamedTuple):
    """One series: its reference level and tolerance, what of it is found and by when, and that in words."""

    series: Series
    found: Sensitivity
    within: str
    text: str


def events_per_pane(model: Model) -> float:
    """As in the reference, on average; at least one."""
    span = model.profile.reference
    panes = max(1.0, (span.last_ms - span.first_ms) / model.pane_length)
    return max(1.0, span.rows / panes)


def smallest_changes(model: Model, events: float) -> list[SmallestChange]:
    """Of every series whose sensitivity can be told, in the order of the series."""
    found = sorted(s for detector in model.detectors() for s in detector.sensitivity(events))
    by_index = {series.index: series for series in model.contrasts.series}
    return [
        SmallestChange(
            by_index[one.series], one, format_duration(one.panes * model.pane_length), _text(by_index[one.series], one)
        )
        for one in found
    ]


def as_json(changes: Sequence[SmallestChange]) -> list[dict[str, Any]]:
    """Plain values; `smallest` null: no change of that kind would be found."""
    return [
        {
            "feature": change.series.feature,
            "series": change.series.name,
            "category": change.series.category,
            "reference": change.series.reference,
            "tolerance": change.series.tolerance,
            "detector": change.found.detector,
            "within": change.within,
            "smallest": change.found.reached if math.isfinite(change.found.reached) else None,
            "text": change.text,
        }
        for change in changes
    ]


def _text(series: Series, found: Sensitivity) -> str:
    measure, reached = measure_of(series), found.reached
    if not math.isfinite(reached):
        return "nothing: too few events"
    if series.among:
        return f"a fall to {distinct(series.among, reached)} in {series.among} events"
    if measure == "rate":
        return f"a rise to {percent(reached)}"
    if measure == "share":
        return f"a change by {reached * 100:.2g} points"
    spec = series.slot.spec
    if series.name.endswith("location") and isinstance(spec, NumericField):
        sd = reached / _POSITION_SD
        return f"a shift of {number(sd * spec.sd)} ({sd:.2f} sd)"
    return f"a change by {reached:.2g} of {series.reference:.2g}"
