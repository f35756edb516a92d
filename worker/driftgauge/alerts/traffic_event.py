"""Alerts on traffic as they are published: the alert event of a step in the story of a silence, or of a volume."""

from __future__ import annotations

from driftgauge.alerts.event import (
    REPEATS_UNTIL_EXPIRY,
    AlertEvent,
    Annotations,
    ChangePoint,
    Detail,
    DetectorNumbers,
    Labels,
    Publishing,
    TrafficUnit,
    source_records,
)
from driftgauge.alerts.fingerprint import fingerprint
from driftgauge.alerts.identity import event_id_of
from driftgauge.alerts.numbers import lasted, number, since
from driftgauge.alerts.severity import AlertName
from driftgauge.alerts.traffic_story import VOLUME, TrafficSeries, TrafficStep
from driftgauge.profiles.season import DAY, HOUR
from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp

_MINUTE = 60_000
_UNITS: dict[TrafficUnit, tuple[int, str]] = {
    "events/min": (_MINUTE, "a minute"),
    "events/h": (HOUR, "an hour"),
    "events/d": (DAY, "a day"),
}
_THINGS: dict[TrafficSeries, str] = {
    "staleness": "event",
    "staleness_features": "event with features",
    "staleness_prediction": "event with a prediction",
}
_MEASURES: dict[TrafficSeries, str] = {
    "staleness": "time without an event",
    "staleness_features": "time without an event with features, while predictions come",
    "staleness_prediction": "time without an event with a prediction, while features come",
    "volume": "number of events against what the hour of the week lets expect",
}
_NEXT_STEP: dict[TrafficSeries, str] = {
    "staleness": "Next: see whether the service is up, and whether its events still reach the topic; until they do, "
    "nothing else of this model is watched.",
    "staleness_features": "Next: look at what sends the features (a job, a feature store, a topic); until they come "
    "again, no feature is watched.",
    "staleness_prediction": "Next: look at what sends the predictions; until they come again, the output is not "
    "watched.",
    "volume": "Next: ask whether the callers have changed at that time (a release, a campaign, retries, a partition "
    "that is missing); if this is the new normal, nothing is to be done: after four weeks it is taken for that.",
}


def render_traffic(step: TrafficStep, publishing: Publishing) -> AlertEvent:
    """Dress a step up as the event to publish."""
    subject = publishing.subject
    labels = Labels(
        alertname=_alertname(step.series),
        severity=step.severity,
        model_id=subject.model_id,
        model_version=subject.model_version,
        segment=subject.segment,
        series=step.series,
    )
    resolved = step.event == "resolved"
    expiry = step.at if resolved else step.at + REPEATS_UNTIL_EXPIRY * publishing.repeat_interval
    return AlertEvent(
        event_id=event_id_of(subject, _key(step.series), step.opened_pane_end, step.event, step.ordinal, step.analysis),
        event=step.event,
        status="resolved" if resolved else "firing",
        fingerprint=fingerprint(labels.model_dump(by_alias=True)),
        labels=labels,
        annotations=Annotations(summary=_summary(step), description=_description(step, subject)),
        startsAt=format_timestamp(step.opened_pane_end),
        endsAt=format_timestamp(expiry),
        updatedAt=format_timestamp(step.at),
        generatorURL=publishing.generator_url,
        detail=_detail(step, publishing.profile),
        source=source_records(step.offsets),
        run=publishing.run,
    )


def _alertname(series: TrafficSeries) -> AlertName:
    return "FeaturePipelineBroken" if series == "staleness_features" else "TrafficAnomaly"


def _key(series: TrafficSeries) -> str:
    """In the place of a series' key in the identity; no key of a series has a capital letter behind its second bar."""
    return f"|{series}|{_alertname(series)}"


def _detail(step: TrafficStep, profile: str) -> Detail:
    unit = _unit(step)
    before, after = _rate(step, step.before), _rate(step, step.after)
    # The last event lies in the pane before a silence.
    slack = 0 if step.series != VOLUME else step.pane_length
    return Detail(
        detectors=[
            DetectorNumbers(
                name=step.detector.name,
                statistic=step.detector.statistic,
                threshold=step.detector.threshold,
                p_value=step.detector.p_value,
            )
        ],
        direction=step.direction,
        from_=before,
        to=after,
        effect=after - before,
        unit=unit,
        change_point=ChangePoint(
            at=format_timestamp(step.onset),
            earliest=format_timestamp(step.onset - step.pane_length),
            latest=format_timestamp(step.onset + slack),
        ),
        n_before=step.n_before,
        n_after=step.n_after,
        profile=profile,
        cells=[],
        superseded_by=step.superseded_by,
        reason=step.reason,
    )


def _summary(step: TrafficStep) -> str:
    when = since(step.onset, step.opened_pane_end)
    long = lasted(step.at - step.onset)
    if step.reason == "profile_changed":
        return f"{_what(step)} {when}; ends with the profile that it was counted by"
    if step.reason == "level_expired":
        return f"{_what(step)}, for {long}: that is no news any more, what is usual is learned anew"
    if step.series != VOLUME:
        if step.event == "resolved":
            things = _THINGS[step.series].replace("event", "events", 1)
            return f"{things} again, after {long}: about {step.missing:,} are missing"
        return f"{_what(step)} {when} (usually {_usual(step)})"
    if step.event == "resolved" and step.superseded_by is None:
        return f"volume back to {_per(step, step.after)} (usually {number(_rate(step, step.before))}), lasted {long}"
    text = f"{_what(step)} {when}"
    return f"{text}; goes on as {step.superseded_by}" if step.superseded_by is not None else text


def _description(step: TrafficStep, subject: Subject) -> str:
    detector = step.detector
    sentences = [
        f"Model {subject}: {_MEASURES[step.series]}.",
        f"Detected by {detector.name} ({number(detector.statistic)}, limit {number(detector.threshold)}).",
        f"What is usual was learned from {step.n_before:,} events of production.",
        f"About {step.missing:,} events are missing so far." if step.missing else "",
    ]
    if step.superseded_by is not None:
        sentences.append(f"This alert is closed because the same problem is now {step.superseded_by}.")
    elif step.reason == "profile_changed":
        sentences.append(
            "This alert is closed because another profile holds from now on; what is usual is learned anew."
        )
    elif step.reason == "level_expired":
        sentences.append("No day of the last four weeks was without a traffic alert; nothing to do.")
    elif step.event == "resolved":
        sentences.append("Events come as usual again; nothing to do." if step.series == VOLUME else "Nothing to do.")
    else:
        sentences.append(_NEXT_STEP[step.series])
    return " ".join(sentence for sentence in sentences if sentence)


def _what(step: TrafficStep) -> str:
    if step.series != VOLUME:
        return f"no {_THINGS[step.series]}"
    return f"volume {number(_rate(step, step.before))} → {_per(step, step.after)}"


def _usual(step: TrafficStep) -> str:
    return f"{number(_rate(step, step.before))} {_span(step)}"


def _per(step: TrafficStep, events: float) -> str:
    return f"{number(_rate(step, events))} events {_span(step)}"


def _span(step: TrafficStep) -> str:
    return _UNITS[_unit(step)][1]


def _unit(step: TrafficStep) -> TrafficUnit:
    """By the length of the panes, so that all events of a model are in the same one."""
    if step.pane_length < HOUR:
        return "events/min"
    return "events/h" if step.pane_length < DAY else "events/d"


def _rate(step: TrafficStep, events: float) -> float:
    """Events a pane in the unit of time."""
    return events * _UNITS[_unit(step)][0] / step.pane_length
