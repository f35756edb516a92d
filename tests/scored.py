"""Alerts and incidents in whole units of time, to score against each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from driftgauge.scoring.alert import Alert
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.matching import Matching, Watch, match

HOUR = 3_600_000
DAY = 24 * HOUR
MONTH = 30 * DAY


def alert(opened: int, resolved: int | None = None, feature: str = "job", **given: Any) -> Alert:
    """One of model `loans`, on the missing values of a feature."""
    fields = {
        "model_id": "loans",
        "model_version": "1",
        "segment": "",
        "alertname": "DataQuality",
        "on": f"{feature} missing",
        "event_id": f"{feature}@{opened}",
        "since": opened,
        "severity": "warning",
        "summary": f"{feature} missing",
    }
    return Alert(opened=opened, resolved=resolved, feature=feature, **(fields | given))


def incident(start: int, end: int | None = None, **given: Any) -> Incident:
    """From `start` to `end` (ms); names only what is given."""
    return Incident.model_construct(start=start, end=end, **given)


def matched(
    alerts: Iterable[Alert],
    incidents: Iterable[Incident],
    *,
    end: int = 1000,
    start: int = 0,
    tolerance: int = 0,
    models: Iterable[str] = ("loans",),
) -> Matching:
    """Matched in a span."""
    return match(alerts, incidents, Watch(frozenset(models), start, end), tolerance)


def verdicts(matching: Matching) -> list[str]:
    """Of the alerts, by time."""
    return [judged.verdict for judged in matching.alerts]
