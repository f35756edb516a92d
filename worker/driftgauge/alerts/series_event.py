"""A transition of a series as the event to publish."""

from __future__ import annotations

import math

from driftgauge.alerts.distances import distances
from driftgauge.alerts.event import (
    REPEATS_UNTIL_EXPIRY,
    AlertEvent,
    Annotations,
    Cell,
    ChangePoint,
    Detail,
    DetectorNumbers,
    Distances,
    Labels,
    Natural,
    Publishing,
    SegmentChange,
    source_records,
)
from driftgauge.alerts.fingerprint import fingerprint
from driftgauge.alerts.identity import event_id
from driftgauge.alerts.natural import CellShift, Change, natural_change, top_cells
from driftgauge.alerts.severity import alertname_of
from driftgauge.alerts.text import describe, summarise
from driftgauge.alerts.transition import DetectorEvidence, Evidence, Transition
from driftgauge.durations import format_duration
from driftgauge.timestamps import format_timestamp


def render_series(transition: Transition, publishing: Publishing) -> AlertEvent:
    """Dress a transition up: equal transitions give equal events."""
    series, subject = transition.series, publishing.subject
    labels = Labels(
        alertname=alertname_of(series),
        severity=transition.severity,
        model_id=subject.model_id,
        model_version=subject.model_version,
        feature=series.feature or "",
        segment=subject.segment,
        class_=series.shown_category if series.feature is None else "",
        category=series.shown_category if series.feature is not None else "",
        series=series.name,
    )
    resolved = transition.event == "resolved"
    expiry = transition.at if resolved else transition.at + REPEATS_UNTIL_EXPIRY * publishing.repeat_interval
    natural, cells = _natural_change(transition), top_cells(series, transition.evidence.live_counts)
    summary = summarise(transition, natural, cells)
    return AlertEvent(
        event_id=event_id(subject, transition),
        event=transition.event,
        status="resolved" if resolved else "firing",
        fingerprint=fingerprint(labels.model_dump(by_alias=True)),
        labels=labels,
        annotations=Annotations(
            summary=f"{publishing.segment}: {summary}" if publishing.segment else summary,
            description=describe(transition, publishing.model, publishing.profile, cells),
        ),
        startsAt=format_timestamp(transition.opened_pane_end),
        endsAt=format_timestamp(expiry),
        updatedAt=format_timestamp(transition.at),
        generatorURL=publishing.generator_url,
        detail=_detail(transition, publishing.profile, natural, cells),
        source=source_records(transition.offsets),
        run=publishing.run,
    )


def _natural_change(transition: Transition) -> Change | None:
    evidence = transition.evidence
    live = None if transition.is_over else evidence.live_counts
    return natural_change(transition.series, evidence.before, evidence.after, live)


def _distances(transition: Transition) -> Distances | None:
    # A window's counts are those of its last position, whatever the onset.
    if transition.is_over and transition.series.kind != "window":
        return None
    found = distances(transition.series.slot, transition.evidence.live_counts)
    return Distances.model_validate(found) if found else None


def _detail(transition: Transition, profile: str, natural: Change | None, cells: list[CellShift]) -> Detail:
    evidence = transition.evidence
    before, after = _finite(evidence.before), _finite(evidence.after)
    return Detail(
        detectors=[_numbers(detector) for detector in evidence.detectors],
        direction=evidence.direction,
        from_=before,
        to=after,
        effect=None if before is None or after is None else _finite(after - before),
        effect_sd=_finite(evidence.effect_sd),
        change_point=_change_point(evidence),
        n_before=evidence.n_before,
        n_after=evidence.n_after,
        profile=profile,
        cells=[Cell(name=cell.name, from_=cell.before, to=cell.after) for cell in cells],
        natural=None if natural is None else _natural(natural),
        distances=_distances(transition),
        superseded_by=transition.superseded_by,
        reason=transition.reason,
        baseline=None if transition.series.baseline is None else format_timestamp(transition.series.baseline),
        segments=[SegmentChange(segment=m.segment, from_=m.before, to=m.after) for m in transition.segments],
    )


def _natural(change: Change) -> Natural | None:
    effect = change.after - change.before
    # Halves of the range of doubles may lie further apart than any double.
    if not math.isfinite(effect):
        return None
    return Natural(
        statistic=change.statistic,
        unit=change.unit,
        from_=change.before,
        to=change.after,
        effect=effect,
        sd=change.sd,
        among=change.among,
        to_beyond=change.beyond,
    )


def _numbers(detector: DetectorEvidence) -> DetectorNumbers:
    return DetectorNumbers(
        name=detector.name,
        statistic=_finite(detector.statistic),
        threshold=_finite(detector.threshold),
        p_value=_finite(detector.p_value),
        window=None if detector.window is None else format_duration(detector.window),
        partitions=list(detector.partitions),
    )


def _change_point(evidence: Evidence) -> ChangePoint:
    return ChangePoint(
        at=format_timestamp(evidence.onset),
        earliest=format_timestamp(evidence.onset_earliest),
        latest=format_timestamp(evidence.onset_latest),
    )


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None
