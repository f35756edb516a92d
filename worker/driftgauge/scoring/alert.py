"""Alerts put together from the events that were published of them: one from its opening to its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.severity import SEVERITIES, AlertName
from driftgauge.alerts.transition import Severity
from driftgauge.timestamps import parse_timestamp

Identity = tuple[str, ...]


class Alert(NamedTuple):
    """One alert on one series of a subject. Times in ms of event time; `resolved` None: open to the last.

    `opened`: when it was told, which is the end of the pane that decided; `since`: where the change is estimated to
    have begun, as the first event had it. `event_id`: of that event. `on`: the series, in words; `severity`: the worst
    it reached.
    """

    opened: int
    resolved: int | None
    model_id: str
    model_version: str
    segment: str
    feature: str
    alertname: AlertName
    on: str
    event_id: str
    since: int
    severity: Severity
    summary: str

    @property
    def order(self) -> tuple[int, str, str, str, str, str]:
        """By time; equal only if they are the same alert."""
        return self.opened, self.model_id, self.model_version, self.segment, self.on, self.event_id

    def open_at(self, time: int) -> bool:
        """Whether it had been told by then, and was not over."""
        return self.opened <= time and (self.resolved is None or self.resolved > time)


def identity_of(event: AlertEvent) -> Identity:
    """What all events of one alert share, also when its severity rises: subject, series and opening."""
    of = event.labels
    return (of.model_id, of.model_version, of.segment, of.feature, of.series, of.category, of.class_, event.startsAt)


def alerts_of(events: Iterable[AlertEvent]) -> list[Alert]:
    """All alerts, by the time at which they opened. The order of the events and repeated ones change nothing."""
    by_identity: dict[Identity, list[AlertEvent]] = {}
    for event in events:
        by_identity.setdefault(identity_of(event), []).append(event)
    return sorted((_alert(of_one) for of_one in by_identity.values()), key=lambda alert: alert.order)


def _alert(events: list[AlertEvent]) -> Alert:
    first = min(events, key=lambda event: (event.event != "opened", event.updatedAt, event.event_id))
    labels = first.labels
    # An escalation closes the milder alert; the problem itself goes on.
    ends = [e.updatedAt for e in events if e.event == "resolved" and e.detail.superseded_by is None]
    return Alert(
        opened=parse_timestamp(first.startsAt),
        resolved=parse_timestamp(max(ends)) if ends else None,
        model_id=labels.model_id,
        model_version=labels.model_version,
        segment=labels.segment,
        feature=labels.feature,
        alertname=labels.alertname,
        on=labels.on,
        event_id=first.event_id,
        since=parse_timestamp(first.detail.change_point.at),
        severity=max((event.labels.severity for event in events), key=SEVERITIES.index),
        summary=first.annotations.summary,
    )
