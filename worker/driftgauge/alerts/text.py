"""The two texts of an alert: a summary that says what moved from where to where since when, and a description.

Read at 3 a.m. on a phone: plain English, the data's own units first, times in UTC. Texts are annotations and no part
of an alert's identity, so they may change between versions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from driftgauge.alerts.natural import CellShift, Change
from driftgauge.alerts.numbers import distinct, distinct_change, lasted, number, percent, percent_change, since
from driftgauge.alerts.severity import AlertName, alertname_of, measure_of
from driftgauge.alerts.transition import Transition
from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Role
from driftgauge.profiles.profile import CategoricalField, NumericField
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import other_name
from driftgauge.profiles.windows import against_baseline, window_of
from driftgauge.timestamps import format_timestamp

_PREFIXES: dict[Role, str] = {"feature": "", "score": "score_", "label": "prediction_"}
_WORDS = {"missing": "missing", "invalid": "invalid", "unseen": "unseen value", "out_of_range": "out of range"}
_CELLS_IN_SUMMARY = 2
_SEGMENTS_NAMED = 5
_HASH_SHOWN = len("sha256:") + 12

# What to do next, one sentence per alert name that this package raises by itself.
NEXT_STEP: dict[AlertName, str] = {
    "DataQuality": "Next: look at what fills this field upstream (a deployment, a schema change, a broken join) at "
    "that time; until it is mended, treat predictions made from it as unreliable.",
    "FeatureDrift": "Next: ask whether the population or the way it is measured changed at that time; if the change "
    "is real, check the model's quality on recent labels before retraining.",
    "PredictionDrift": "Next: look for alerts on features at the same time; if there are none, check which model "
    "version is being served and whether its threshold was changed.",
}


def summarise(transition: Transition, natural: Change | None, cells: Sequence[CellShift]) -> str:
    """One line. `natural`: the change in the data's own units, where there are any."""
    evidence = transition.evidence
    if transition.is_over:
        return f"{_back(transition)}, lasted {lasted(transition.at - evidence.onset)}"
    when = since(evidence.onset, transition.opened_pane_end)
    text = f"{_moved(transition, natural)} {when}{_added(transition, cells)}"
    if transition.superseded_by is not None:
        return f"{text}; goes on as {transition.superseded_by}"
    if transition.reason == "level_expired":
        return f"{text}; ends, as no days without it are left to compare with"
    if transition.reason is not None:
        return f"{text}; ends with the profile that it was judged by"
    return text


def describe(transition: Transition, model: str, profile: str, cells: Sequence[CellShift]) -> str:
    """Who says so, on how much data, against what, where to look, and what to do next."""
    evidence = transition.evidence
    votes = ", ".join(f"{d.name} ({number(d.statistic)}, limit {number(d.threshold)})" for d in evidence.detectors)
    sentences = [
        f"Model {model}: {describe_series(transition.series)}.",
        f"Detected by {votes}." if votes else "",
        f"Based on {evidence.n_before:,} events before the change and {evidence.n_after:,} since,",
        f"compared with {_reference(transition.series, profile)}.",
    ]
    if transition.superseded_by is not None:
        sentences.append(f"This alert is closed because the same problem is now {transition.superseded_by}.")
    elif transition.reason == "level_expired":
        sentences.append(
            "This alert is closed because too few of the last four weeks' days are left to compare with, without an "
            "alert; it may not be over. From here on it is learned as what production does."
        )
    elif transition.reason is not None:
        sentences.append(
            "This alert is closed because another profile holds from now on; what is off by that one too is told anew."
        )
    elif transition.event == "resolved":
        sentences.append("The series is back where it was; nothing to do.")
    else:
        if cells:
            sentences.append(f"Moved most: {_cells(cells)}.")
        if transition.segments:
            sentences.append(f"Segments that moved with it: {_segments(transition)}.")
        sentences.append(NEXT_STEP[alertname_of(transition.series)])
    return " ".join(sentence for sentence in sentences if sentence)


def describe_series(series: Series) -> str:
    """What a series measures, in words."""
    thing = _thing(series)
    measure, base = measure_of(series), _base(series)
    if series.among:
        return f"distinct values of {thing} among {series.among} events of a pane, drawn at random"
    if measure == "rate":
        return f"share of events whose {thing} is {_WORDS[base] if base != 'unseen' else 'unseen in the reference'}"
    if measure == "share":
        what = _category(series)
        return f"share of predictions that are {what}" if series.feature is None else f"share of {what} in {thing}"
    if measure == "psi":
        return f"distribution of {thing} over the last {_window(series)}"
    return f"{base} of {thing} within its reference distribution"


def _moved(transition: Transition, natural: Change | None) -> str:
    series, evidence = transition.series, transition.evidence
    measure, thing = measure_of(series), _thing(series)
    if series.among:
        return f"{thing}: {distinct_change(series.among, evidence.before, evidence.after)}"
    if measure == "rate":
        return f"{thing} {_WORDS[_base(series)]} {percent_change(evidence.before, evidence.after)}"
    if measure == "share":
        return f"{_share(series)} {percent_change(evidence.before, evidence.after)}"
    if measure == "psi":
        moved = "is not that of production's last clean days" if against_baseline(series) else "moved"
        return f"{thing} distribution {moved}: PSI {_psi(evidence.after)} over {_window(series)}{_limit(transition)}"
    size = _size(evidence.effect_sd)
    if natural is not None and natural.statistic == "median" and (shown := _median_change(natural)):
        return f"{thing} median {shown}{_distance(transition)}"
    if _base(series) == "spread":
        return f"{thing} {_spread(natural, evidence.direction)}{size}"
    return f"{thing} moved {'up' if evidence.direction == 'up' else 'down'}{size}"


def _median_change(natural: Change) -> str:
    """`52,300 → 48,100`; empty where both read the same, as with many equal values."""
    start, end = number(natural.before), number(natural.after)
    if natural.beyond is not None:
        return f"{start} → {natural.beyond} {end}"
    return f"{start} → {end}" if start != end else ""


def _distance(transition: Transition) -> str:
    """How far it moved, in sd. The first median is the profile's: where the series was off it before, both are told."""
    series, evidence = transition.series, transition.evidence
    was, now = evidence.before - series.reference, evidence.after - series.reference
    if series.sd <= 0 or not (math.isfinite(was) and math.isfinite(now)) or abs(was) <= series.tolerance:
        return _size(evidence.effect_sd)
    return f" ({now / series.sd:+.2f} sd off the profile, {was / series.sd:+.2f} before)"


def _spread(natural: Change | None, direction: str) -> str:
    """Spread is how far values lie from the reference's middle: those that have left it together are no wider."""
    width = 0.0 if natural is None or natural.statistic != "interquartile_range" else natural.after - natural.before
    if direction == "up":
        return "spread wider" if width >= 0 else "lies at the edges of the reference"
    return "spread narrower" if width <= 0 else "lies in the middle of the reference"


def _added(transition: Transition, cells: Sequence[CellShift]) -> str:
    series = transition.series
    if measure_of(series) == "psi":
        return f"; most: {_cells(cells[:_CELLS_IN_SUMMARY])}" if cells else ""
    return _side(transition) if _base(series) == "out_of_range" else ""


def _side(transition: Transition) -> str:
    """On which side of the reference's range the values lie, from the counts since the onset."""
    slot, live = transition.series.slot, transition.evidence.live_counts
    if not isinstance(slot.spec, NumericField) or len(live) != len(slot.spec.counts):
        return ""
    below, above = (int(live[slot.cell(name) - slot.start]) for name in ("below", "above"))
    low, high = ("it", "it") if slot.redacted else (number(slot.spec.low), number(slot.spec.high))
    if below and above:
        return "" if slot.redacted else f", outside {low} to {high}"
    if above:
        return f", above {high}"
    return f", below {low}" if below else ""


def _back(transition: Transition) -> str:
    series, after = transition.series, transition.evidence.after
    measure, thing = measure_of(series), _thing(series)
    if series.among:
        return f"{thing} back to {distinct(series.among, after)} in {series.among} events"
    if measure == "rate":
        return f"{thing} {_WORDS[_base(series)]} back to {percent(after)}"
    if measure == "share":
        return f"{_share(series)} back to {percent(after)}"
    if measure == "psi":
        return f"{thing} distribution back: PSI {_psi(after)} over {_window(series)}"
    return f"{thing} {_base(series)} back to where it was{_size(transition.evidence.effect_sd)}"


def _size(effect_sd: float | None) -> str:
    return f" ({effect_sd:+.2f} sd)" if effect_sd is not None and math.isfinite(effect_sd) else ""


def _psi(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "unknown"


def _limit(transition: Transition) -> str:
    limits = [d.threshold for d in transition.evidence.detectors if d.name == "psi"]
    return f" (limit {_psi(limits[0])})" if limits else ""


def _cells(cells: Sequence[CellShift]) -> str:
    return "; ".join(f"{cell.name} {percent_change(cell.before, cell.after)}" for cell in cells)


def _segments(transition: Transition) -> str:
    names = [move.segment for move in transition.segments]
    more = len(names) - _SEGMENTS_NAMED
    return ", ".join(names[:_SEGMENTS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _share(series: Series) -> str:
    category = _category(series)
    return f"predicted share of {category}" if series.feature is None else f"{series.feature}: share of {category}"


def _category(series: Series) -> str:
    """The category as text; an empty one in quotes, and `other` by what it stands for."""
    spec = series.slot.spec
    if isinstance(spec, CategoricalField) and series.category == other_name(spec):
        return "rarer values"
    return series.shown_category or '""'


def _thing(series: Series) -> str:
    return {"score": "score", "label": "prediction"}.get(series.slot.role, series.slot.name)


def _base(series: Series) -> str:
    return series.name.removeprefix(_PREFIXES[series.slot.role])


def _window(series: Series) -> str:
    return format_duration(window_of(series))


def _reference(series: Series, profile: str) -> str:
    """What the distribution, or the level, was held against."""
    if not against_baseline(series):
        return f"profile {profile[:_HASH_SHOWN]}"
    until = "" if series.baseline is None else f" before {format_timestamp(series.baseline)}"
    return f"production's own days without an alert{until}, and not with what the model was trained on"
