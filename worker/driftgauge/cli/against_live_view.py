"""How a replay compares with what workers told: on the terminal, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.alert_view import date_and_clock
from driftgauge.counted import counted
from driftgauge.replay.against_live import Comparison, Difference, Reason, SourceDifference
from driftgauge.timestamps import format_minute, format_timestamp

_SHOWN = 15
_INDENT = (0, 0, 0, 2)
_SAYS = {
    Reason.OTHER_CONFIGURATION: "told by workers of another configuration",
    Reason.RETENTION: "older than what is left of the alerts topic",
    Reason.WALL_CLOCK: "told by the wall clock, after the last record here",
    Reason.NOT_YET: "no worker has closed that pane yet",
    Reason.LATE_EVENTS: "live took more events for late, see below",
    Reason.IDLE_DECISION: "a partition was declared idle, see below; what it brought later was late",
    Reason.UNKNOWN: "nothing known explains it: was another beginning read, or another version at work?",
}


def comparison_json(found: Comparison) -> dict[str, Any]:
    """One object."""
    return {
        "same": found.same,
        "other_figures": [event.event_id for event in found.other_figures],
        "only_live": [_difference(entry) for entry in found.only_live],
        "only_here": [_difference(entry) for entry in found.only_here],
        "sources": [_source(entry) for entry in found.sources],
        "unread": found.unread,
    }


def show_comparison(console: Console, found: Comparison) -> None:
    """For people."""
    counts = f"{found.same:,} the same, {len(found.only_live):,} live only, {len(found.only_here):,} here only"
    other = f", {len(found.other_figures):,} with other figures" if found.other_figures else ""
    console.print(f"\n[bold]Live[/]        {counts}{other}")
    lines = [*_lines("live only", found.only_live), *_lines("here only", found.only_here)]
    lines += [f"other figures  {_event(event)}" for event in found.other_figures]
    for line in lines[:_SHOWN]:
        console.print(Padding(Text(line), _INDENT))
    if len(lines) > _SHOWN:
        console.print(f"  … and {len(lines) - _SHOWN:,} more, all with --json")
    for entry in found.sources:
        console.print(Padding(Text(_source_text(entry)), _INDENT))
    if found.unread:
        are = "are no alert events" if found.unread != 1 else "is no alert event"
        console.print(f"  {counted(found.unread, 'records')} of the alerts topic {are}")


def _lines(side: str, differences: Sequence[Difference]) -> list[str]:
    return [f"{side}  {_event(entry.event)}: {_SAYS[entry.reason]}" for entry in differences]


def _event(event: AlertEvent) -> str:
    return f"{date_and_clock(event.updatedAt)}  {event.event}  {event.annotations.summary}"


def _source_text(entry: SourceDifference) -> str:
    live = entry.live
    times = "once" if live.idle == 1 else f"{live.idle:,} times"
    to = format_minute(live.idle_to) if live.idle_to is not None else ""
    idle = f"; it was silent, and declared idle {times}, last up to {to}" if live.idle else ""
    return f"{entry.source}  {counted(live.late, 'events')} late live, {entry.late_here:,} here{idle}"


def _difference(entry: Difference) -> dict[str, Any]:
    event = entry.event
    return {
        "event_id": event.event_id,
        "event": event.event,
        "at": event.updatedAt,
        "summary": event.annotations.summary,
        "reason": entry.reason.value,
    }


def _source(entry: SourceDifference) -> dict[str, Any]:
    live = entry.live
    return {
        "topic": entry.source.topic,
        "partition": entry.source.partition,
        "late_live": live.late,
        "late_here": entry.late_here,
        "late_from": None if live.late_from is None else format_timestamp(live.late_from),
        "declared_idle": live.idle,
        "idle_to": None if live.idle_to is None else format_timestamp(live.idle_to),
    }
