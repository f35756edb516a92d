"""A score as one JSON object: times RFC 3339, durations in ms, shares in 0 … 1, null where there is no number."""

from __future__ import annotations

from typing import Any

from driftgauge.durations import format_duration
from driftgauge.scoring.by_kind import Group
from driftgauge.scoring.delays import Quantile
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.matching import Finding, Judged
from driftgauge.scoring.measures import Delays, FalseAlerts, Measures, Recall
from driftgauge.scoring.score import Score
from driftgauge.timestamps import format_timestamp


def score_object(score: Score) -> dict[str, Any]:
    """All of it. Alerts say which of `incidents` they are of by its place in that list."""
    matching = score.matching
    watch = matching.watch
    place = {finding.incident.order: index for index, finding in enumerate(matching.findings)}
    return {
        "period": {"from": format_timestamp(watch.start), "to": format_timestamp(watch.end)},
        "models": sorted(watch.models),
        "tolerance": format_duration(score.tolerance),
        **_measures(score.measures),
        "by_kind": [_group(group, "kind") for group in score.kinds],
        "comparison": [
            {"name": row.name, "every_ms": row.every, **_measures(row.measures)} for row in score.comparison
        ],
        "incidents": [_finding(finding) for finding in matching.findings],
        "incidents_not_judged": [_incident(incident) for incident in matching.not_judged],
        "alerts": [_judged(judged, place) for judged in matching.alerts],
    }


def _measures(measures: Measures) -> dict[str, Any]:
    return {
        **_recall(measures.recall),
        "precision": measures.precision,
        "verdicts": dict(measures.verdicts),
        "false_alerts": _false(measures.false),
        "delay": _delays(measures.delays),
        "mean_time_ratio": measures.mean_time_ratio,
        "in_alert": measures.in_alert,
        "in_alert_quiet": measures.in_alert_quiet,
    }


def _recall(recall: Recall) -> dict[str, Any]:
    counts = {"found": recall.found, "of": recall.incidents}
    return {"recall": recall.share, "recall_interval": recall.interval, **counts}


def _false(false: FalseAlerts) -> dict[str, Any]:
    return {
        "count": false.count,
        "quiet_months": false.months,
        "per_month": false.per_month,
        "per_month_interval": false.interval,
        "mean_time_between_ms": false.mean_time_between,
    }


def _delays(delays: Delays) -> dict[str, Any]:
    return {"median": _quantile(delays.median), "p90": _quantile(delays.p90), "mean_of_found_ms": delays.mean}


def _quantile(quantile: Quantile) -> dict[str, Any]:
    return {"ms": quantile.at, "more_than_ms": quantile.beyond}


def _group(group: Group, word: str) -> dict[str, Any]:
    sizes = {"by_size": [_group(size, "size") for size in group.sizes]} if word == "kind" else {}
    return {word: group.name, **_recall(group.recall), "delay": _delays(group.delays), **sizes}


def _incident(incident: Incident) -> dict[str, Any]:
    times = {"start": incident.start, "end": incident.end}
    words = incident.model_dump(exclude={*times}, exclude_none=True)
    return {**{name: None if time is None else format_timestamp(time) for name, time in times.items()}, **words}


def _finding(finding: Finding) -> dict[str, Any]:
    told = None if finding.by is None else format_timestamp(finding.by.opened)
    return {
        **_incident(finding.incident),
        "watched_to": format_timestamp(finding.until),
        "found_by": None if finding.by is None else finding.by.event_id,
        "told": told,
        "delay_ms": finding.delay,
        "duplicates": [alert.event_id for alert in finding.duplicates],
        "beside": [alert.event_id for alert in finding.beside],
        "open_before": [alert.event_id for alert in finding.open_before],
    }


def _judged(judged: Judged, place: dict[Any, int]) -> dict[str, Any]:
    alert = judged.alert
    labels = {name: getattr(alert, name) for name in ("model_id", "model_version", "segment", "feature", "alertname")}
    return {
        "event_id": alert.event_id,
        "verdict": judged.verdict,
        "incident": None if judged.incident is None else place[judged.incident.order],
        **{name: label for name, label in labels.items() if label},
        "on": alert.on,
        "severity": alert.severity,
        "told": format_timestamp(alert.opened),
        "since": format_timestamp(alert.since),
        "resolved": None if alert.resolved is None else format_timestamp(alert.resolved),
        "summary": alert.summary,
    }
