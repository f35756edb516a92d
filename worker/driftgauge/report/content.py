"""What stands on the page, as words, rows and figures: a pure function of what was recorded and of a few totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driftgauge.alerts.distances import distances
from driftgauge.alerts.numbers import lasted, number, percent
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.transition import Severity
from driftgauge.counted import counted
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.series import Series
from driftgauge.report.figures import Figure, Tick, bar, figure_of, shares, time_axis, time_ticks
from driftgauge.report.incidents import Incident, incidents_of
from driftgauge.report.labelled import Labelled
from driftgauge.report.levels import levels_of
from driftgauge.report.recorder import Problem, Recorder
from driftgauge.report.settings_table import Settings
from driftgauge.report.trail import Stretch
from driftgauge.subject import Subject
from driftgauge.timestamps import format_minute, format_timestamp, parse_timestamp

_INCIDENTS_SHOWN, _SYMPTOMS_SHOWN, _CELLS_SHOWN, _POINTS = 25, 12, 26, 160
_ROW = 22


@dataclass(frozen=True, slots=True)
class Period:
    """What was looked at. Times in ms; `complete`: to its end."""

    first: int
    last: int
    events: int
    panes: int
    late: int
    rejected: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A cell before and after: its name, both shares as text, and both as widths in percent of the widest."""

    name: str
    before: str
    after: str
    before_width: float
    after_width: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure and what it shows."""

    title: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Symptom:
    """One line about what moved too."""

    severity: Severity
    text: str
    onset: str
    told: str


@dataclass(frozen=True, slots=True)
class Story:
    """An incident, told. `span`: x and width of its bar in the timeline, `y` its place."""

    number: int
    severity: Severity
    model: str
    headline: str
    text: str
    onset: str
    told: str
    delay: str
    escalated: str
    over: str
    evidence: list[str]
    cells_of: str
    cells: list[Row]
    plots: list[Plot]
    symptoms: list[Symptom]
    symptoms_left_out: int
    y: int
    span: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quality:
    """A field over the whole replay, beside its reference: shares as text, and how often it was told of."""

    model: str
    field: str
    missing: str
    missing_worst: str
    invalid: str
    strange: str
    distance: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Content:
    """The page."""

    title: str
    verdict: str
    severity: Severity | None
    facts: list[tuple[str, str]]
    stories: list[Story]
    left_out: int
    timeline_height: int
    timeline_ticks: list[Tick]
    quality: list[Quality]
    settings: Settings | None
    labelled: Labelled | None
    warnings: list[str]


def content_of(
    recorder: Recorder,
    period: Period,
    models: Sequence[str],
    warnings: Sequence[str],
    settings: Settings | None = None,
    labelled: Labelled | None = None,
) -> Content:
    """`models`: a line on each that was watched; `settings`: those tried; `labelled`: what was known to be wrong."""
    incidents = incidents_of(recorder.problems)
    axis = time_axis(period.first, period.last)
    shown = _worst(incidents)
    stories = [
        _story(i, incident, recorder, 12 + _ROW * (i - 1), bar(incident.onset, _end(incident, period), axis))
        for i, incident in enumerate(shown, start=1)
    ]
    span = lasted(period.last - period.first)
    return Content(
        title=f"Drift report, {_day(period.first)} to {_day(period.last)}",
        verdict=_verdict(incidents, span, complete=period.complete),
        severity=max((i.severity for i in incidents), key=SEVERITIES.index, default=None),
        facts=[
            ("Period", f"{format_minute(period.first)} to {format_minute(period.last)} UTC ({span})"),
            *(("Watched", text) for text in models),
            ("Events", f"{period.events:,} in {counted(period.panes, 'panes')}" + _troubles(period)),
            ("Alerts", f"{len(recorder.problems):,} in {counted(len(incidents), 'incidents')}"),
        ],
        stories=stories,
        left_out=len(incidents) - len(shown),
        timeline_height=24 + _ROW * len(stories) + 14,
        timeline_ticks=time_ticks(axis),
        quality=_quality(recorder),
        settings=settings,
        labelled=labelled,
        warnings=list(warnings),
    )


def _worst(incidents: Sequence[Incident]) -> list[Incident]:
    """All of them in order of time; of too many the worst."""
    ranked = sorted(incidents, key=lambda i: (-SEVERITIES.index(i.severity), i.onset))
    return sorted(ranked[:_INCIDENTS_SHOWN], key=lambda i: i.onset)


def _verdict(incidents: Sequence[Incident], span: str, *, complete: bool) -> str:
    stopped = "" if complete else " It was stopped before the end of the data."
    if not incidents:
        return f"Nothing to report: no alert in {span}.{stopped}"
    critical = sum(incident.severity == "critical" for incident in incidents)
    count = counted(len(incidents), "incidents")
    worst = f", {critical} of them critical" if critical and len(incidents) > 1 else ", critical" if critical else ""
    still = sum(incident.resolved is None for incident in incidents)
    open_text = f" {still} still open at the end." if still else ""
    return f"{count}{worst}, in {span}.{open_text}{stopped}"


def _story(index: int, incident: Incident, recorder: Recorder, y: int, span: tuple[float, float]) -> Story:
    cause = incident.cause
    event = cause.worst
    votes = [
        f"{d.name}: {_number(d.statistic)} against a limit of {_number(d.threshold)}"
        + (f", p = {d.p_value:.1e}" if d.p_value is not None else "")
        + (f", window {d.window}" if d.window else "")
        for d in event.detail.detectors
    ]
    over = incident.resolved
    symptoms = [
        Symptom(p.worst.labels.severity, p.worst.annotations.summary, format_minute(p.onset), format_minute(p.told))
        for p in incident.symptoms
    ]
    return Story(
        number=index,
        severity=incident.severity,
        model=str(cause.subject),
        headline=event.annotations.summary,
        text=event.annotations.description,
        onset=format_minute(cause.onset),
        told=format_minute(cause.told),
        delay=lasted(max(0, cause.told - cause.onset)),
        escalated=f"{event.labels.severity} from {format_minute(parse_timestamp(event.updatedAt))} on"
        if event.labels.severity != cause.opened.labels.severity
        else "",
        over=f"over at {format_minute(over)}" if over is not None else "open at the end",
        evidence=[*votes, f"{event.detail.n_before:,} events before, {event.detail.n_after:,} since"],
        cells_of=cause.series.slot.name if cause.series is not None else "",
        cells=_cells(cause.series, cause.live) if cause.series is not None and cause.live is not None else [],
        plots=_plots(cause, recorder),
        symptoms=symptoms[:_SYMPTOMS_SHOWN],
        symptoms_left_out=max(0, len(symptoms) - _SYMPTOMS_SHOWN),
        y=y,
        span=span,
    )


def _cells(series: Series, live: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[Row]:
    """Shares of all events in the reference and since the onset; of many cells those with the most."""
    slot = series.slot
    if len(live) != len(slot.spec.counts):
        return []
    before, after = shares(slot.spec.counts), shares(live.tolist())
    chosen = [i for i in range(len(before)) if before[i] or after[i]]
    if len(chosen) > _CELLS_SHOWN:
        ranked = sorted(chosen, key=lambda i: (-max(before[i], after[i]), i))
        chosen = sorted(ranked[:_CELLS_SHOWN])
    widest = max((max(before[i], after[i]) for i in chosen), default=0.0) or 1.0
    names = slot.shown_names
    # Special cells stand behind the values, but what is below them reads better before.
    chosen.sort(key=lambda i: (names[i] != "below" or i < slot.spec.bins, i))
    return [
        Row(
            names[i],
            percent(before[i]),
            percent(after[i]),
            round(100 * before[i] / widest, 1),
            round(100 * after[i] / widest, 1),
        )
        for i in chosen
    ]


def _plots(problem: Problem, recorder: Recorder) -> list[Plot]:
    """Over the whole replay, and around the onset where that is closer."""
    if problem.series is None or problem.contrasts is None:
        return []
    marks = {"change": problem.onset, "told": problem.told}
    if problem.resolved is not None:
        marks["resolved"] = problem.resolved
    slot = problem.series.slot
    plots = []
    close = recorder.close_up(problem)
    trail = recorder.trails.get((problem.subject, problem.contrasts.layout.profile_hash))
    whole = trail.whole() if trail is not None else None
    if close is not None and close.starts[0] <= problem.onset and (whole is None or close.span <= whole.span / 2):
        plots.append(_plot("Around the change", problem.series, problem.contrasts, close.merged(_POINTS), marks))
    if whole is not None:
        merged = whole.merged(_POINTS)
        counts = merged.counts[:, slot.start : slot.stop]
        plots.append(
            _plot(
                "Over the whole replay",
                problem.series,
                problem.contrasts,
                Stretch(merged.length, merged.starts, counts, merged.events),
                marks,
            )
        )
    return [plot for plot in plots if plot is not None]


def _plot(title: str, series: Series, contrasts: Contrasts, stretch: Stretch, marks: dict[str, int]) -> Plot | None:
    levels = levels_of(series, contrasts, stretch)
    if levels is None:
        return None
    figure = figure_of(
        stretch.starts,
        levels.values,
        length=stretch.length,
        reference=levels.reference,
        limits=(levels.low, levels.high),
        marks=marks,
    )
    unit = f" ({levels.unit})" if levels.unit else ""
    name = series.feature or series.slot.role
    every = lasted(stretch.length)
    # Series of the output say themselves what they are of.
    what = levels.what.removeprefix(f"{name} ")
    return None if figure is None else Plot(f"{title}: {name}, {what}{unit}, a point every {every}", figure)


def _quality(recorder: Recorder) -> list[Quality]:
    rows = []
    for (subject, profile), trail in sorted(recorder.trails.items()):
        if subject.segment or profile == NO_PROFILE:
            continue
        contrasts = recorder.watched[subject, profile]
        whole = trail.whole()
        for slot in contrasts.layout.slots:
            part = Stretch(whole.length, whole.starts, whole.counts[:, slot.start : slot.stop], whole.events)
            rows.append(_field(subject, slot, contrasts, part, recorder))
    return rows


def _field(subject: Subject, slot: Slot, contrasts: Contrasts, part: Stretch, recorder: Recorder) -> Quality:
    total, before = part.counts.sum(axis=0), np.array(slot.spec.counts, np.int64)
    specials = slot.spec.cell_names[slot.spec.bins :]

    def share(counts: np.ndarray[tuple[int], np.dtype[np.int64]], *names: str) -> float:
        held = sum(int(counts[slot.spec.bins + specials.index(name)]) for name in names if name in specials)
        return held / int(counts.sum()) if counts.any() else float("nan")

    worst = max((share(row, "missing") for row in part.counts if row.any()), default=float("nan"))
    strange = ("below", "above", "unseen")
    found = distances(slot, total).get("psi")
    alerts = sum(
        p.series is not None and p.series.slot.name == slot.name and p.subject == subject and p.contrasts is contrasts
        for p in recorder.problems
    )
    return Quality(
        str(subject),
        slot.name,
        f"{percent(share(before, 'missing'))} → {percent(share(total, 'missing'))}",
        percent(worst),
        f"{percent(share(before, 'invalid'))} → {percent(share(total, 'invalid'))}",
        f"{percent(share(before, *strange))} → {percent(share(total, *strange))}",
        "" if found is None else number(round(found, 4)),
        alerts,
    )


def _end(incident: Incident, period: Period) -> int:
    return period.last if incident.resolved is None else incident.resolved


def _troubles(period: Period) -> str:
    parts = [(period.late, "late"), (period.rejected, "rejected")]
    return "".join(f", {count:,} {what}" for count, what in parts if count)


def _number(value: float | None) -> str:
    return "unknown" if value is None else number(value)


def _day(time: int) -> str:
    return format_timestamp(time)[:10]
