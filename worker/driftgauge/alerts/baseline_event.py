"""`BaselineMissing` as it is published: the alert event of a step in the story of a subject without a profile."""

from __future__ import annotations

from driftgauge.alerts.baseline import BaselineStep
from driftgauge.alerts.event import (
    REPEATS_UNTIL_EXPIRY,
    AlertEvent,
    Annotations,
    ChangePoint,
    Detail,
    Labels,
    Run,
    source_records,
)
from driftgauge.alerts.fingerprint import fingerprint
from driftgauge.alerts.identity import event_id_of
from driftgauge.alerts.numbers import lasted, since
from driftgauge.counted import counted
from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp

# In the place of a series' key in the identity; no key of a series has a capital letter behind its second bar.
KEY = "|volume|BaselineMissing"
NEXT_STEP = (
    "Next: make a profile of what the model was trained on (driftgauge profile build), or of its events that are known "
    "to be good (driftgauge profile learn), name it in the configuration under models, and start the worker anew. If "
    "nobody should send such events, look for who does; source says where they are."
)


def render_baseline(subject: Subject, step: BaselineStep, run: Run, repeat_interval: int) -> AlertEvent:
    """Dress a step up as the event to publish. `repeat_interval`: ms between repeats."""
    labels = Labels(
        alertname="BaselineMissing",
        severity="warning",
        model_id=subject.model_id,
        model_version=subject.model_version,
        segment=subject.segment,
        series="volume",
    )
    resolved = step.event == "resolved"
    return AlertEvent(
        event_id=event_id_of(subject, KEY, step.opened_pane_end, step.event, step.ordinal, step.analysis),
        event=step.event,
        status="resolved" if resolved else "firing",
        fingerprint=fingerprint(labels.model_dump(by_alias=True)),
        labels=labels,
        annotations=Annotations(summary=_summary(subject, step), description=_description(subject, step)),
        startsAt=format_timestamp(step.opened_pane_end),
        endsAt=format_timestamp(step.at if resolved else step.at + REPEATS_UNTIL_EXPIRY * repeat_interval),
        updatedAt=format_timestamp(step.at),
        detail=_detail(step),
        source=source_records(step.offsets),
        run=run,
    )


def _detail(step: BaselineStep) -> Detail:
    """`to`: events in the deciding pane. What was before isn't known: nobody counted."""
    return Detail(
        detectors=[],
        direction="down" if step.event == "resolved" else "up",
        from_=None,
        to=float(step.pane_events),
        effect=None,
        change_point=ChangePoint(
            at=format_timestamp(step.onset),
            earliest=format_timestamp(step.onset),
            latest=format_timestamp(step.onset + step.pane_length),
        ),
        n_before=0,
        n_after=step.events,
        profile=None,
        cells=[],
    )


def _summary(subject: Subject, step: BaselineStep) -> str:
    name, events = _name(subject), counted(step.events, "events")
    if step.configured:
        return f"{name} has a profile now"
    if step.event == "resolved":
        return f"no events of {name}, which has no profile, for {lasted(step.at - step.last_end)} ({events} before)"
    known = f"{events} {since(step.onset, step.opened_pane_end)}"
    return f"events of {name} arrive, but there is no profile for it: nothing is watched ({known})"


def _description(subject: Subject, step: BaselineStep) -> str:
    span = f"between {format_timestamp(step.onset)} and {format_timestamp(step.last_end)}"
    known = f"{_name(subject)}: {counted(step.events, 'events')} {span}."
    if step.configured:
        return f"{known} From now on it is watched; nothing to do."
    if step.event == "resolved":
        return f"{known} None came since; nothing to do, unless they are missed."
    text = "No model with a profile is configured under this name and version, so nothing but their number is known."
    return f"{known} {text} {NEXT_STEP}"


def _name(subject: Subject) -> str:
    """The name comes from outside: what a terminal would obey is spelled out."""
    model_id, version = _printable(subject.model_id), _printable(subject.model_version)
    return f"{model_id} version {version}" if version else f"{model_id} (no version said)"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
