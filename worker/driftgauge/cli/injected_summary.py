"""What became of injected faults: as a table for people, or for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from driftgauge.alerts.numbers import lasted
from driftgauge.cli.alert_view import STYLES
from driftgauge.cli.injected_faults import Outcome
from driftgauge.timestamps import format_timestamp


def outcomes_table(outcomes: Sequence[Outcome]) -> Table:
    """Two lines a fault: what it was and how many records it hit, and the alert that told of it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("records", justify="right")
    table.add_column("injected, and the first alert after it", overflow="fold")
    for one in outcomes:
        table.add_row(f"{one.hits:,}", Text.assemble(one.fault.spec.text, "\n", _found(one)))
    return table


def _found(outcome: Outcome) -> Text:
    first = outcome.first
    if first is not None and outcome.delay is not None:
        severity = first.labels.severity
        what = f" after {lasted(outcome.delay)}: {first.annotations.summary}"
        return Text.assemble((severity, STYLES[severity]), what)
    lines = ["no alert", *(f"open before it: {episode.summary}" for episode in outcome.open_before)]
    return Text("\n".join(lines), style="dim")


def outcomes_as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """An object a fault."""
    return [
        {
            "fault": one.fault.spec.text,
            "from": format_timestamp(one.fault.spec.start),
            "to": format_timestamp(one.fault.spec.end) if one.fault.spec.end is not None else None,
            "records": one.hits,
            "seconds_to_alert": one.delay / 1000 if one.delay is not None else None,
            "alert": {
                "labels": one.first.labels.model_dump(by_alias=True),
                "opened": one.first.startsAt,
                "since": one.first.detail.change_point.at,
                "summary": one.first.annotations.summary,
            }
            if one.first is not None
            else None,
            "open_before": [episode.summary for episode in one.open_before],
        }
        for one in outcomes
    ]
