"""Alerts put together from the events that were published of them: one from its opening to its end."""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.severity import SEVERITIES, AlertName
from driftgauge.alerts.transition import Severity
from driftgauge.timestamps import parse_timestamp

Identity = tuple[str, ...]
# The opening is first, then what came earliest.
_Rank = tuple[bool, int, str]


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


class Alerts:
    """Collects events into alerts. Their order and repeated ones change nothing."""

    def __init__(self) -> None:
        """None yet."""
        self._by_identity: dict[Identity, tuple[_Rank, Alert]] = {}

    def add(self, event: AlertEvent) -> None:
        """Take an event."""
        identity = identity_of(event)
        found = (event.event != "opened", parse_timestamp(event.updatedAt), event.event_id), _seen_in(event)
        known = self._by_identity.get(identity)
        self._by_identity[identity] = found if known is None else _joined(*sorted((known, found), key=itemgetter(0)))

    def all(self) -> list[Alert]:
        """Every one, by the time at which it opened."""
        return sorted((alert for _, alert in self._by_identity.values()), key=lambda alert: alert.order)


def _joined(first: tuple[_Rank, Alert], second: tuple[_Rank, Alert]) -> tuple[_Rank, Alert]:
    rank, alert = first
    ends = [end for end in (alert.resolved, second[1].resolved) if end is not None]
    severity = max(alert.severity, second[1].severity, key=SEVERITIES.index)
    return rank, alert._replace(resolved=max(ends, default=None), severity=severity)


def _seen_in(event: AlertEvent) -> Alert:
    labels = event.labels
    # An escalation closes the milder alert; the problem itself goes on.
    over = event.event == "resolved" and event.detail.superseded_by is None
    return Alert(
        opened=parse_timestamp(event.startsAt),
        resolved=parse_timestamp(event.updatedAt) if over else None,
        model_id=labels.model_id,
        model_version=labels.model_version,
        segment=labels.segment,
        feature=labels.feature,
        alertname=labels.alertname,
        on=labels.on,
        event_id=event.event_id,
        since=parse_timestamp(event.detail.change_point.at),
        severity=labels.severity,
        summary=event.annotations.summary,
    )
