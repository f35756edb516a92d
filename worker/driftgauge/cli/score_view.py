"""A score on the terminal: the numbers, each incident with the alert that found it, and the alerts told in vain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from driftgauge.alerts.numbers import lasted, number, percent
from driftgauge.cli.alert_view import STYLES
from driftgauge.counted import as_many, counted
from driftgauge.durations import format_duration
from driftgauge.scoring.alert import Alert
from driftgauge.scoring.by_kind import Group
from driftgauge.scoring.matching import IN_VAIN, VERDICTS, Finding, Judged
from driftgauge.scoring.measures import Measures, Recall
from driftgauge.scoring.score import Score
from driftgauge.scoring.words import delay_text, rate_text
from driftgauge.timestamps import format_minute

_SHOWN = 30
_OTHERS_SHOWN = 3


def show_score(console: Console, score: Score) -> None:
    """For people."""
    measures, matching = score.measures, score.matching
    watch, false = matching.watch, measures.false
    window = f"up to {format_duration(score.tolerance)} after their end"
    span = f"{format_minute(watch.start)} to {format_minute(watch.end)}"
    _line(console, "Scored", f"{span}, {counted(len(watch.models), 'models')}, {window}")
    _line(console, "Incidents", _found(measures.recall))
    if matching.not_judged:
        _line(
            console, "", f"{len(matching.not_judged):,} more not judged: begun outside that time, or of another model"
        )
    _line(console, "Alerts", ", ".join(_verdicts(measures)) or "none")
    _line(console, "Precision", _share(measures.precision))
    rate = f": {text}" if (text := rate_text(false)) else ""
    _line(
        console, "False", f"{false.count} in {number(false.months)} quiet {as_many(false.months, 'model-months')}{rate}"
    )
    median, p90 = (delay_text(quantile) for quantile in (measures.delays.median, measures.delays.p90))
    _line(console, "Delay", f"median {median}, p90 {p90}")
    quiet = measures.in_alert_quiet
    _line(console, "In alert", f"{percent(measures.in_alert)} of the time, {_share(quiet)} of the quiet time")
    for heading, table in (
        ("Incidents", _incidents(matching.findings)),
        ("By kind", _kinds(score.kinds)),
        ("Told in vain", _in_vain([judged for judged in matching.alerts if judged.verdict in IN_VAIN])),
        ("For comparison", _comparison(score)),
    ):
        if table.row_count:
            console.print()
            console.print(f"[bold]{heading}[/]")
            console.print(table)


def _line(console: Console, word: str, text: str) -> None:
    console.print(Text.assemble((f"{word:<11}", "bold"), text), soft_wrap=True)


def _verdicts(measures: Measures) -> Iterator[str]:
    for verdict in VERDICTS:
        if count := measures.verdicts[verdict]:
            word = verdict.replace("_", " ")
            yield counted(count, f"{word}s") if verdict in ("hit", "duplicate") else f"{count:,} {word}"


def _found(recall: Recall) -> str:
    if recall.interval is None:
        return "none"
    low, high = recall.interval
    return (
        f"{recall.found} of {recall.incidents} found: {_share(recall.share)} (95 %: {percent(low)} … {percent(high)})"
    )


def _share(share: float | None) -> str:
    return "unknown" if share is None else percent(share)


def _columns(*headings: str) -> Table:
    return Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _incidents(findings: Sequence[Finding]) -> Table:
    table = _columns("began", "found", "incident, and the alert that found it")
    for finding in findings[:_SHOWN]:
        what = Text("\n").join([Text(finding.incident.text, style="bold"), *_told(finding)])
        table.add_row(format_minute(finding.incident.start), _when(finding), what)
    return _cut(table, len(findings))


def _when(finding: Finding) -> Text:
    if finding.delay is None:
        return Text(f"missed in {lasted(finding.watched)}", style="bold red")
    return Text(f"after {lasted(finding.delay)}", style="green")


def _told(finding: Finding) -> Iterator[Text]:
    if finding.by is not None:
        yield _alert(finding.by)
        if finding.duplicates:
            yield Text(f"and {counted(len(finding.duplicates), 'duplicates')}", style="dim")
        # Of one that was found, what else was told is no news.
        return
    for word, alerts in (("open before", finding.open_before), ("beside", finding.beside)):
        for alert in alerts[:_OTHERS_SHOWN]:
            yield Text(f"{word}: ", style="dim").append_text(_alert(alert))
        if len(alerts) > _OTHERS_SHOWN:
            yield Text(f"{word}: {len(alerts) - _OTHERS_SHOWN:,} more", style="dim")


def _alert(alert: Alert) -> Text:
    return Text.assemble(alert.summary, "\n", (alert.event_id, "dim"))


def _kinds(groups: Sequence[Group]) -> Table:
    table = _columns("kind", "size", "found", "median delay", "p90")
    for kind in groups:
        _add_group(table, kind, kind.name, kind.sizes[0].name if len(kind.sizes) == 1 else "")
        for size in kind.sizes if len(kind.sizes) > 1 else ():
            _add_group(table, size, "", size.name)
    return table


def _add_group(table: Table, group: Group, kind: str | None, size: str | None) -> None:
    names = (escape("none" if name is None else name) for name in (kind, size))
    found = f"{group.recall.found} of {group.recall.incidents}"
    table.add_row(*names, found, delay_text(group.delays.median), delay_text(group.delays.p90))


def _in_vain(alerts: Sequence[Judged]) -> Table:
    table = _columns("told", "worst", "what changed")
    for alert, verdict, _ in alerts[:_SHOWN]:
        open_before = "" if verdict == "false" else "\nstill open when an incident that names it began"
        what = _alert(alert).append(open_before, style="dim")
        table.add_row(format_minute(alert.opened), Text(alert.severity, style=STYLES[alert.severity]), what)
    return _cut(table, len(alerts))


def _comparison(score: Score) -> Table:
    table = _columns("", "recall", "precision", "false a month", "median delay", "time ratio")
    for name, measures in (("these alerts", score.measures), *((row.name, row.measures) for row in score.comparison)):
        table.add_row(name, *_compared(measures))
    return table


def _compared(measures: Measures) -> Sequence[str]:
    rate, ratio = measures.false.per_month, measures.mean_time_ratio
    return (
        _share(measures.recall.share),
        _share(measures.precision),
        "unknown" if rate is None else number(rate),
        delay_text(measures.delays.median),
        "unknown" if ratio is None else number(ratio),
    )


def _cut(table: Table, rows: int) -> Table:
    if rows > _SHOWN:
        table.add_row("…", f"and {rows - _SHOWN:,} more; --json has all")
    return table
