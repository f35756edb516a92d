"""A sweep for people, as a table, and for machines, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from driftgauge.alerts.numbers import number
from driftgauge.report.settings_table import Settings, Tried, settings_of
from driftgauge.scoring.delays import Quantile
from driftgauge.scoring.words import delay_text
from driftgauge.sweep.rows import Row, worth

_UNKNOWN = "unknown"
_BEYOND = "beyond what these let expect"


class Swept(NamedTuple):
    """What a sweep came to. `knee`: the row to take; `note`: why there is no placebo, where one was wanted."""

    rows: Sequence[Row]
    knee: Row | None
    budget: float
    note: str | None


def show_sweep(console: Console, swept: Swept) -> None:
    """The rows, and which of them to take."""
    labelled = any(row.measures is not None for row in swept.rows)
    found = ("found", "median", "p90") if labelled else ()
    headings = ("", *_axes(swept), "alerts", *found, "in vain", "95 %")
    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in swept.rows:
        mark = "take" if row is swept.knee else "now" if row.as_configured else ""
        style = "bold green" if row is swept.knee else "dim"
        settings = (setting.text for setting in row.choice.settings)
        table.add_row(
            Text(mark, style=style), *settings, f"{row.alerts:,}", *(_found(row) if labelled else ()), *_rate(row)
        )
    delays = "; delays to the alert" if labelled else ""
    console.print(f"[bold]Sweep[/]      the same panes by other settings; in vain: alerts a month{delays}")
    console.print(table)
    console.print(Text(verdict(swept)), soft_wrap=True)


def verdict(swept: Swept) -> str:
    """One sentence."""
    if swept.knee is None:
        return swept.note or "How many of these are in vain isn't known."
    by = "labels" if swept.knee.measures is not None else "shuffled quiet weeks"
    in_vain = swept.knee.in_vain
    if in_vain is not None and in_vain.per_month > swept.budget:
        return f"None keeps to {number(swept.budget)} in vain a month, by {by}; {swept.knee.choice} comes nearest."
    labelled = swept.knee.measures is not None
    finds = "finds" if labelled else "tells"
    within = f"Of those with at most {number(swept.budget)} in vain a month, by {by},"
    if swept.knee.as_configured:
        more = "more, or as much sooner," if labelled else f"more {_BEYOND}"
        return f"{within} none {finds} {more} than {swept.knee.choice}, which is configured."
    if sum(worth(row) == worth(swept.knee) for row in swept.rows) > 1:
        return f"{within} {swept.knee.choice} {finds} as much as any, and least in vain of these."
    return f"{within} {swept.knee.choice} {finds} most{'' if labelled else f' {_BEYOND}'}."


def found_text(row: Row) -> str:
    """`19 of 20`."""
    return "" if row.measures is None else f"{row.measures.recall.found} of {row.measures.recall.incidents}"


def _rate(row: Row) -> tuple[str, str]:
    if row.in_vain is None:
        return _UNKNOWN, ""
    low, high = row.in_vain.interval
    return number(row.in_vain.per_month), f"{number(low)} … {number(high)}"


def _found(row: Row) -> tuple[str, ...]:
    if row.measures is None:
        return ("", "", "")
    delays = row.measures.delays
    return found_text(row), delay_text(delays.median), delay_text(delays.p90)


def settings_table(swept: Swept) -> Settings:
    """For the report."""
    labelled = any(row.measures is not None for row in swept.rows)
    found = ("found", "median delay", "p90") if labelled else ()
    rows = [
        Tried(
            settings=tuple(setting.text for setting in row.choice.settings),
            texts=(f"{row.alerts:,}", *(_found(row) if labelled else ()), *_rate(row)),
            alerts=row.alerts,
            in_vain=None if row.in_vain is None else row.in_vain.per_month,
            found=None if row.measures is None else row.measures.recall.share,
            delay=None if row.measures is None else row.measures.delays.median.at,
            take=row is swept.knee,
            now=row.as_configured,
        )
        for row in swept.rows
    ]
    headings = (*_axes(swept), "alerts", *found, "in vain a month", "95 %")
    return settings_of(verdict(swept), headings, rows)


def _axes(swept: Swept) -> list[str]:
    settings = swept.rows[0].choice.settings if swept.rows else ()
    return [setting.axis.removeprefix("detectors.").replace("_", " ") for setting in settings]


def sweep_object(swept: Swept) -> dict[str, Any]:
    """For `--json`."""
    return {
        "budget": swept.budget,
        "note": swept.note,
        "rows": [
            {
                "settings": {setting.axis: setting.value for setting in row.choice.settings},
                "as_configured": row.as_configured,
                "knee": row is swept.knee,
                "alerts": row.alerts,
                "recall": None if row.measures is None else row.measures.recall.share,
                "found": None if row.measures is None else row.measures.recall.found,
                "incidents": None if row.measures is None else row.measures.recall.incidents,
                "delay_median_s": _seconds(None if row.measures is None else row.measures.delays.median),
                "delay_p90_s": _seconds(None if row.measures is None else row.measures.delays.p90),
                "in_vain": _in_vain_object(row),
            }
            for row in swept.rows
        ],
    }


def _in_vain_object(row: Row) -> dict[str, Any] | None:
    if row.in_vain is None:
        return None
    low, high = row.in_vain.interval
    return {
        "by": "labels" if row.measures is not None else "placebo",
        "count": row.in_vain.count,
        "model_months": row.in_vain.months,
        "per_month": row.in_vain.per_month,
        "interval": [low, high],
    }


def _seconds(quantile: Quantile | None) -> float | None:
    return None if quantile is None or quantile.at is None else quantile.at / 1000
