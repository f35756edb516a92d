"""What a replay told against what workers told: nothing that differs is passed over, each with its likely reason."""

from __future__ import annotations

import uuid
from typing import Any

from driftgauge.alerts.event import AlertEvent
from driftgauge.panes.messages import Watermark
from driftgauge.records import Source
from driftgauge.replay.against_live import Comparison, Published, Reason, SourceHistory, compare
from driftgauge.timestamps import format_timestamp

A, B = Source("t", 0), Source("t", 1)
MINUTE = 60_000


def event(number: int, *, mode: str = "live", run_id: str = "r", **labels: str) -> AlertEvent:
    """The event of minute `number`."""
    time = format_timestamp(number * MINUTE)
    point = {"at": time, "earliest": time, "latest": time}
    detail: dict[str, Any] = dict.fromkeys(("from", "to", "effect"), 0.5)
    detail |= {"detectors": [], "direction": "up", "change_point": point, "n_before": 1, "n_after": 1, "cells": []}
    return AlertEvent.model_validate(
        {
            "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            "event": "opened",
            "status": "firing",
            "fingerprint": "d0c169304da698e4",
            "labels": {
                "alertname": "DataQuality",
                "severity": "critical",
                "model_id": "m",
                "model_version": "1",
                "series": "missing",
                **labels,
            },
            "annotations": {"summary": "s", "description": ""},
            **dict.fromkeys(("startsAt", "endsAt", "updatedAt"), time),
            "detail": {**detail, "profile": None},
            "source": {"topic": "t", "offsets": {}},
            "run": {"mode": mode, "run_id": run_id},
        }
    )


def published(*events: AlertEvent, cut: bool = False, **sources: SourceHistory) -> Published:
    named = {"a": A, "b": B}
    found = Published({e.event_id: e for e in events}, {named[key]: value for key, value in sources.items()})
    found.cut = cut
    return found


def compared(
    live: Published, *here: AlertEvent, late_here: dict[Source, int] | None = None, last: int = 99
) -> Comparison:
    return compare(live, here, run_id="r", late_here=late_here or {}, last=last * MINUTE)


def reasons(found: Comparison) -> list[Reason]:
    return [entry.reason for entry in [*found.only_live, *found.only_here]]


def test_the_same_events_are_the_same_whatever_run_told_them() -> None:
    found = compared(published(event(1), event(2)), event(1, mode="backtest"), event(2, mode="backtest"))
    assert (found.same, found.other_figures, found.only_live, found.only_here, found.sources) == (2, [], [], [], [])


def test_an_event_with_the_same_id_and_other_content_is_told() -> None:
    found = compared(published(event(1)), event(1, severity="warning"))
    assert (found.same, [e.event_id for e in found.other_figures]) == (0, [event(1).event_id])


def test_what_one_side_told_has_its_likely_reason() -> None:
    there = SourceHistory(watermark=50 * MINUTE)
    assert reasons(compared(published(event(1, run_id="other"), a=there))) == [Reason.OTHER_CONFIGURATION]
    assert reasons(compared(published(event(9), a=there), last=8)) == [Reason.WALL_CLOCK]
    assert reasons(compared(published(a=there), event(51))) == [Reason.NOT_YET]
    assert reasons(compared(published(event(5), a=there, cut=True), event(4), event(5))) == [Reason.RETENTION]
    assert reasons(compared(published(a=there), event(4))) == [Reason.UNKNOWN]


def test_late_events_and_idle_decisions_are_told_of_the_source_that_had_them() -> None:
    late = SourceHistory(watermark=50 * MINUTE, late=7, late_from=6 * MINUTE)
    found = compared(published(a=late, b=SourceHistory(50 * MINUTE)), event(4), late_here={A: 2, B: 0})
    assert reasons(found) == [Reason.LATE_EVENTS]
    assert [(entry.source, entry.live.late, entry.late_here) for entry in found.sources] == [(A, 7, 2)]
    # As late here as there: that explains nothing.
    assert reasons(compared(published(a=late), event(4), late_here={A: 7})) == [Reason.UNKNOWN]
    idle = SourceHistory(50 * MINUTE, idle=1, idle_to=5 * MINUTE)
    found = compared(published(a=idle), event(4))
    assert (reasons(found), [entry.source for entry in found.sources]) == ([Reason.IDLE_DECISION], [A])
    assert reasons(compared(published(a=idle), event(6))) == [Reason.UNKNOWN]


def test_watermarks_told_twice_count_once_and_not_beyond_the_time_asked_for() -> None:
    found = Published()
    told = [
        Watermark(A, 10, 1, 1, 0),
        Watermark(A, 20, 1, 1, 0, idle=True),
        Watermark(A, 20, 1, 1, 0, idle=True),
        Watermark(A, 30, 1, 1, 4),
        Watermark(A, 10, 1, 1, 0),
        Watermark(A, 40, 1, 1, 9, idle=True),
    ]
    for watermark in told:
        found.take_watermark(watermark, 30)
    assert found.sources == {A: SourceHistory(watermark=30, late=4, late_from=30, idle=1, idle_to=20)}
    assert found.low == 30
