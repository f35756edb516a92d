"""Alert events become alerts: one from its opening to its end, whatever their order."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

from driftgauge.alerts.event import AlertEvent
from driftgauge.scoring.alert import Alert, Alerts
from driftgauge.timestamps import parse_timestamp

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "valid" / "alert"
OPENED = min(
    (AlertEvent.model_validate_json(path.read_bytes()) for path in EXAMPLES.glob("*.json")),
    key=lambda event: (event.event != "opened", event.event_id),
)
START, LATER, END = "2026-03-15T10:04:00Z", "2026-03-15T11:00:00Z", "2026-03-15T12:00:00Z"


def event(kind: str, at: str, number: int, severity: str = "warning", **detail: Any) -> AlertEvent:
    labels = OPENED.labels.model_copy(update={"severity": severity})
    return OPENED.model_copy(
        update={
            "event": kind,
            "event_id": f"{number:08}{OPENED.event_id[8:]}",
            "labels": labels,
            "startsAt": START,
            "updatedAt": at,
            "detail": OPENED.detail.model_copy(update=detail),
        }
    )


def alerts_of(events: Any) -> list[Alert]:
    told = Alerts()
    for one in events:
        told.add(one)
    return told.all()


def test_an_alert_that_rises_is_one_from_its_opening_to_its_end_in_any_order():
    events = [
        event("opened", START, 0),
        event("resolved", LATER, 1, superseded_by="critical"),
        event("escalated", LATER, 2, "critical"),
        event("repeat", "2026-03-15T11:30:00Z", 3, "critical"),
        event("resolved", END, 4, "critical"),
    ]
    expected = alerts_of(events)
    (one,) = expected
    assert (one.opened, one.resolved) == (parse_timestamp(START), parse_timestamp(END))
    assert (one.severity, one.event_id) == ("critical", events[0].event_id)
    for order in permutations(events):
        assert alerts_of([*order, *order[:2]]) == expected


def test_a_milder_alert_that_an_escalation_closes_is_not_over():
    (one,) = alerts_of([event("opened", START, 0), event("resolved", LATER, 1, superseded_by="critical")])
    assert one.resolved is None


def test_an_alert_whose_opening_is_not_among_the_events_counts_from_when_it_was_told_first():
    (one,) = alerts_of([event("repeat", END, 3), event("repeat", LATER, 2)])
    assert (one.opened, one.event_id[:8]) == (parse_timestamp(START), "00000002")


def test_another_series_is_another_alert_and_a_new_opening_too():
    first = event("opened", START, 0)
    other = first.model_copy(update={"labels": first.labels.model_copy(update={"series": "unseen"})})
    again = first.model_copy(update={"startsAt": END})
    assert len(alerts_of([first, other, again])) == 3
