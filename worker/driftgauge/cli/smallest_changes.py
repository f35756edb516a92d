"""What a model's detectors would find, as `check` shows it: per series the smallest change, in the data's own units.

Within an hour, and within a day, as longer means find smaller changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from driftgauge.alerts.numbers import distinct, number, percent
from driftgauge.alerts.severity import measure_of
from driftgauge.detect.sensitivity import DAY, HOUR, panes_within
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series

# The standard deviation of a position within the reference distribution: uniform in 0..1.
_POSITION_SD = 1 / math.sqrt(12)


class Found(NamedTuple):
    """What of a series is found, by which detector and how soon as a rule, and that in words."""

    detector: str
    reached: float
    within: str
    text: str


class SmallestChange(NamedTuple):
    """One series: what is found within an hour (None: the reference doesn't tell), and within a day."""

    series: Series
    hour: Found | None
    day: Found


def events_per_pane(model: Model) -> float:
    """As in the reference, on average; at least one."""
    span = model.profile.reference
    panes = max(1.0, (span.last_ms - span.first_ms) / model.pane_length)
    return max(1.0, span.rows / panes)


def smallest_changes(model: Model, events: float) -> list[SmallestChange]:
    """Of every series whose sensitivity can be told, in the order of the series."""
    hour, day = (_found(model, events, span) for span in (HOUR, DAY))
    by_index = {series.index: series for series in model.contrasts.series}
    return [SmallestChange(by_index[index], hour.get(index), found) for index, found in sorted(day.items())]


def spans(model: Model) -> tuple[str, str]:
    """The hour and the day as the model's panes have them: a time of two panes at least."""
    hour, day = (format_duration(panes_within(span, model.pane_length) * model.pane_length) for span in (HOUR, DAY))
    return hour, day


def as_json(changes: Sequence[SmallestChange]) -> list[dict[str, Any]]:
    """Plain values: what is found within an hour, and beside it `within_a_day`.

    `smallest` null: no change of that kind would be found.
    """
    return [
        {
            "feature": change.series.feature,
            "series": change.series.name,
            "category": None if change.series.category is None else change.series.shown_category,
            "reference": change.series.reference,
            "tolerance": change.series.tolerance,
            "detector": change.day.detector,
            **_values(change.hour),
            "within_a_day": _values(change.day),
        }
        for change in changes
    ]


def _found(model: Model, events: float, span: int) -> dict[int, Found]:
    panes = panes_within(span, model.pane_length)
    by_index = {series.index: series for series in model.contrasts.series}
    return {
        one.series: Found(
            one.detector,
            one.reached,
            format_duration(one.panes * model.pane_length),
            _text(by_index[one.series], one.reached),
        )
        for detector in model.detectors()
        for one in detector.sensitivity(events, panes, model.settings.ring_panes)
    }


def _values(found: Found | None) -> dict[str, Any]:
    if found is None:
        return {
            "within": None,
            "smallest": None,
            "text": "not known: measured over longer times only",
        }
    return {
        "within": found.within,
        "smallest": found.reached if math.isfinite(found.reached) else None,
        "text": found.text,
    }


def _text(series: Series, reached: float) -> str:
    measure = measure_of(series)
    if not math.isfinite(reached):
        return "nothing: too few events, or too much wander"
    if series.among:
        return f"a fall to {distinct(series.among, reached)} in {series.among} events"
    if measure == "rate":
        return f"a rise to {percent(reached)}"
    if measure == "share":
        return f"a change by {reached * 100:.2g} points"
    spec = series.slot.spec
    if series.name.endswith("location") and isinstance(spec, NumericField):
        sd = reached / _POSITION_SD
        return f"a shift of {sd:.2f} sd" if series.slot.redacted else f"a shift of {number(sd * spec.sd)} ({sd:.2f} sd)"
    return f"a change by {reached:.2g} of {series.reference:.2g}"
