"""What a backtest found: on the terminal, or the same as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from driftgauge.alerts.numbers import lasted
from driftgauge.alerts.transition import EventKind
from driftgauge.cli.against_live_view import comparison_json, show_comparison
from driftgauge.cli.alert_view import STYLES, Episode, Episodes, episodes_table
from driftgauge.cli.backtest.input import Place
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.cli.injected_summary import outcomes_as_json, outcomes_table
from driftgauge.cli.score_json import score_object
from driftgauge.cli.score_view import show_score
from driftgauge.cli.sweep_view import Swept, show_sweep, sweep_object
from driftgauge.counted import counted
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model
from driftgauge.errors import DriftgaugeError
from driftgauge.panes.schedule import ALWAYS
from driftgauge.replay.against_live import Comparison
from driftgauge.replay.replay import ReplayTotals
from driftgauge.replay.span import Span
from driftgauge.scoring.alert import Alerts
from driftgauge.scoring.score import Score
from driftgauge.timestamps import format_minute, format_timestamp

_EPISODES_SHOWN = 15
_FEATURES_SHOWN = 8
_KINDS: tuple[EventKind, ...] = ("opened", "escalated", "repeat", "resolved")
_INDENT = (0, 0, 0, 2)


class RejectedAt(NamedTuple):
    """A record that is no event."""

    place: Place
    code: str
    message: str


@dataclass(slots=True)
class Summary:
    """All of it. `records`: what those read are called; `rejected`: the first few that are no events.

    `told`: the alerts as they are scored; `score`: against labelled incidents, if there are any; `swept`: by other
    settings. `faults`: those that were put into what was read. `alerts_file`, `report_file`: None if there is none;
    `complete`: read to the end; `stopped`: why not, if it wasn't Ctrl-C. `against_live`: None if it wasn't asked for.
    """

    models: Sequence[Model]
    records: str
    span: Span
    warnings: Sequence[str] = ()
    faults: InjectedFaults | None = None
    totals: ReplayTotals = field(default_factory=ReplayTotals)
    episodes: Episodes = field(default_factory=Episodes)
    told: Alerts = field(default_factory=Alerts)
    rejected: list[RejectedAt] = field(default_factory=list)
    score: Score | None = None
    swept: Swept | None = None
    alerts_file: str | None = None
    report_file: str | None = None
    complete: bool = False
    stopped: DriftgaugeError | None = None
    against_live: Comparison | None = None

    @property
    def period(self) -> tuple[int, int] | None:
        """Start and end (ms) of what is told of, as far as anything was counted in it."""
        first, last = self.totals.first, self.totals.last
        if first is None or last is None or last <= self.span.start or not self.totals.panes:
            return None
        return max(first, self.span.start), last


def to_json(summary: Summary) -> bytes:
    """One object, indented."""
    totals, episodes, period = summary.totals, summary.episodes, summary.period
    content: dict[str, Any] = {
        "complete": summary.complete,
        "stopped": str(summary.stopped) if summary.stopped is not None else None,
        "alerts_file": summary.alerts_file,
        "report_file": summary.report_file,
        "period": None if period is None else {"from": format_timestamp(period[0]), "to": format_timestamp(period[1])},
        summary.records.replace(" ", "_"): totals.records,
        "events": totals.events,
        "late": totals.late,
        "outside_segments": totals.outside_segments,
        "rejected": {str(code): count for code, count in sorted(totals.reject_codes.items())},
        "first_rejected": [{**one.place.fields, "code": one.code, "message": one.message} for one in summary.rejected],
        "unknown_models": totals.unknown_models,
        "panes": totals.panes,
        "models": [_model(model) for model in summary.models],
        "warnings": summary.warnings,
        "open_before": len(episodes.open_untold()),
        **({"injected": outcomes_as_json(summary.faults.outcomes(episodes))} if summary.faults is not None else {}),
        "alerts": {
            "events": dict(sorted(episodes.events.items())),
            "opened": len(episodes),
            "by_severity": episodes.by_severity(),
            "by_feature": episodes.by_feature(),
            "list": [_episode(episode) for episode in episodes.all()],
        },
    }
    if summary.against_live is not None:
        content["against_live"] = comparison_json(summary.against_live)
    if summary.score is not None:
        content["score"] = score_object(summary.score)
    if summary.swept is not None:
        content["sweep"] = sweep_object(summary.swept)
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def _model(model: Model) -> dict[str, Any]:
    return {
        "model_id": model.subject.model_id,
        "model_version": model.subject.model_version,
        "profile": model.layout.profile_hash,
        "from": format_timestamp(model.since) if model.since != ALWAYS else None,
        "pane": format_duration(model.pane_length),
        "segments": [part.subject.segment for part in model.segments],
        "budget": model.budget,
        "series": len(model.contrasts.series),
    }


def _since(model: Model) -> str:
    return f", from {format_minute(model.since)} on" if model.since != ALWAYS else ""


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "labels": {**episode.labels.model_dump(by_alias=True), "severity": episode.severity},
        "opened": episode.opened,
        "since": episode.since,
        "from": episode.before,
        "to": episode.after,
        "resolved": episode.resolved,
        "summary": episode.summary,
    }


def show(console: Console, summary: Summary) -> None:
    """For people."""
    totals = summary.totals
    if not summary.complete:
        console.print("[bold yellow]Stopped before the end;[/] what follows is what was found so far.\n")
    for model in summary.models:
        console.print(
            f"[bold]Model[/]   {escape(model.subject.model_id)} version {escape(model.subject.model_version)}, "
            f"{len(model.contrasts.series)} series, panes of {format_duration(model.pane_length)}{_since(model)}"
        )
    console.print(f"[bold]Period[/]  {_period(summary)}")
    late = f", {totals.late:,} late" if totals.late else ""
    panes = f"{counted(totals.events, 'events')} in {counted(totals.panes, 'panes')}"
    read = f"{counted(totals.records, summary.records)}: {panes}{late}"
    console.print(f"[bold]Read[/]    {read}")
    for model in summary.models:
        if model.segments:
            names = ", ".join(part.subject.segment for part in model.segments)
            outside = (
                f"; {counted(totals.outside_segments, 'events')} in none of them" if totals.outside_segments else ""
            )
            console.print(f"[bold]Segments[/] by {escape(model.tag)}: {escape(names)}{outside}", soft_wrap=True)
    _show_troubles(console, summary)
    console.print()
    if summary.faults is not None:
        console.print(outcomes_table(summary.faults.outcomes(summary.episodes)))
        console.print()
    _show_alerts(console, summary.episodes, summary.alerts_file)
    if summary.report_file is not None:
        console.print(f"[bold]Report[/]      {escape(summary.report_file)}", soft_wrap=True)
    if summary.against_live is not None:
        show_comparison(console, summary.against_live)
    if summary.score is not None:
        console.print()
        show_score(console, summary.score)
    if summary.swept is not None:
        console.print()
        show_sweep(console, summary.swept)


def _period(summary: Summary) -> str:
    counted = summary.totals.first, summary.totals.last
    if counted[0] is None or counted[1] is None:
        return "nothing was counted"
    if not summary.totals.panes:
        return "no pane was judged"
    if summary.period is None:
        return f"nothing of it was counted: all there is lies before it, {_from_to(counted[0], counted[1])}"
    first, last = summary.period
    before = first - counted[0]
    judged = f"; {lasted(before)} before it were judged and aren't told of" if before > 0 else ""
    return f"{_from_to(first, last)} ({lasted(last - first)}{judged})"


def _from_to(first: int, last: int) -> str:
    return f"{format_minute(first)} to {format_minute(last)}"


def _show_troubles(console: Console, summary: Summary) -> None:
    codes = summary.totals.reject_codes
    if codes:
        reasons = ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items()))
        console.print(
            f"[bold yellow]Rejected[/] {counted(sum(codes.values()), summary.records)} that "
            f"{'are no events' if sum(codes.values()) != 1 else 'is no event'}: {reasons}"
        )
        for example in summary.rejected:
            text = f"{example.place.text}: {example.message}"
            console.print(Padding(Text(text, style="dim"), _INDENT))
    unknown = summary.totals.unknown_models
    if unknown:
        names = ", ".join(f"{name} ({count:,})" for name, count in sorted(unknown.items()))
        console.print("[bold yellow]Passed over[/] events of models that aren't watched:", Text(names))
    for warning in summary.warnings:
        console.print("[bold yellow]Note[/]   ", Text(warning))


def _show_alerts(console: Console, episodes: Episodes, path: str | None) -> None:
    if before := len(episodes.open_untold()):
        console.print(f"[bold]Open[/]    {before:,} from before the period, of which nothing is told in it")
    if not len(episodes):
        console.print("[bold green]No alert.[/]" + (f" {escape(path)} is empty." if path else ""), soft_wrap=True)
        return
    counted = Text(", ").join(
        Text(f"{count:,} {severity}", style=STYLES[severity]) for severity, count in episodes.by_severity().items()
    )
    console.print(Text.assemble(("Alerts", "bold"), "  ", counted))
    console.print()
    found = episodes.all()
    console.print(episodes_table(found[:_EPISODES_SHOWN]))
    if len(found) > _EPISODES_SHOWN:
        console.print(f"… and {len(found) - _EPISODES_SHOWN:,} more in {path}", markup=False, soft_wrap=True)
    console.print()
    features = episodes.by_feature()
    shown = [f"{name} {count:,}" for name, count in list(features.items())[:_FEATURES_SHOWN]]
    more = [f"{len(features) - _FEATURES_SHOWN:,} more"] if len(features) > _FEATURES_SHOWN else []
    console.print(Text.assemble(("By feature", "bold"), "  ", ", ".join([*shown, *more])))
    if path is not None:
        kinds = ", ".join(f"{episodes.events[kind]:,} {kind}" for kind in _KINDS if episodes.events[kind])
        console.print(f"[bold]Events[/]      {kinds}, in {escape(path)}", soft_wrap=True)
