"""`driftgauge check`: strict validation of a configuration, then the plan that `run` would follow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from driftgauge import config_file
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.short_panes import short_panes
from driftgauge.cli.short_ring import short_ring
from driftgauge.cli.smallest_changes import as_json, events_per_pane, smallest_changes, spans
from driftgauge.cli.terminal import Terminal
from driftgauge.counted import as_many, counted
from driftgauge.durations import format_duration
from driftgauge.engine.configured import models_of
from driftgauge.engine.problems import problems_of
from driftgauge.runtime.plan import resolved_plan
from driftgauge.sources.profile_file import read_profile

EXAMPLE = "driftgauge check -c driftgauge.yaml"


def command(
    config: ConfigOption,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    events: Annotated[
        float | None,
        typer.Option(min=1, help="Events a pane that the smallest changes are told for (default: as the reference)."),
    ] = None,
) -> None:
    """Validate a configuration and the profiles it names, without Kafka and Redis, and print the resolved plan.

    Problems are listed all at once as FILE:LINE:COLUMN: PATH: MESSAGE; the exit code is then 2. For each series it says
    the smallest lasting changes that would be found within an hour and within a day, as the false-alarm budget has it.
    """
    loaded = config_file.load_with_profiles(config, os.environ, read_profile, examine=problems_of)
    models = models_of(loaded.config, loaded.profiles)
    plan = resolved_plan(loaded.config, models)
    for entry, model in zip(plan["models"], models, strict=True):
        entry["events_per_pane"] = events or events_per_pane(model)
        entry["notes"] = [note for note in (short_panes(model), short_ring(model)) if note is not None]
        entry["smallest_changes_within"] = spans(model)
        entry["smallest_changes"] = as_json(smallest_changes(model, entry["events_per_pane"]))
    if json:
        print(orjson.dumps(plan, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(plan)


def _show(plan: dict[str, Any]) -> None:
    console = Terminal(highlight=False)
    kafka, redis, panes = plan["kafka"], plan["redis"], plan["panes"]
    servers = ", ".join(kafka["bootstrap_servers"])
    how = " ".join([kafka["protocol"], *([kafka["sasl_mechanism"]] if kafka["sasl_mechanism"] else []), *_user(kafka)])
    console.print(f"[bold]Kafka[/]   {escape(servers)}  {escape(how)}, group {escape(kafka['group_id'])}")
    whom = " ".join([redis["url"], *_user(redis)])
    console.print(f"[bold]Redis[/]   {escape(whom)}  namespace {escape(redis['namespace'])}")
    console.print("[bold]Topics[/]")
    for purpose, name in plan["topics"].items():
        console.print(f"  {purpose.replace('_', ' '):<13} {name}", markup=False)
    console.print(
        f"[bold]Panes[/]   out of order up to {format_duration(panes['out_of_orderness'])}, idle after "
        f"{format_duration(panes['idle_after'])}, {counted(panes['partitions'], 'partitions')}"
    )
    for model in plan["models"]:
        console.print()
        console.print(f"[bold]Model[/]   {escape(model['model_id'])} version {escape(model['model_version'])}")
        console.print(f"  profile    {model['profile']}", markup=False, soft_wrap=True)
        if model["from"] is not None or model["to"] is not None:
            console.print(f"  holds      {_holds(model)}", markup=False)
        console.print(
            f"  watches    {model['features']} features counted from {model['features_topic']}, "
            f"{model['series']} series, panes of {format_duration(model['pane_length'])}",
            markup=False,
        )
        console.print(f"  traffic    {_traffic(model['traffic'], model['pane_length'])}", soft_wrap=True)
        more = ", and as many of all segments" if model["segments"] is not None else ""
        budget = model["false_alarm_budget"]
        console.print(f"  budget     {budget:g} {as_many(budget, 'false alerts')} expected per 30 days{more}")
        console.print(f"  memory     about {model['state_bytes'] / 1e6:.1f} MB of history")
        if model["segments"] is not None:
            console.print(f"  segments   {_segments(model['segments'])}", markup=False, soft_wrap=True)
        for note in model["notes"]:
            console.print(f"  [bold yellow]note[/]       {escape(note)}", soft_wrap=True)
        console.print(_detectors(model["detectors"]))
        console.print(f"  Found at {model['events_per_pane']:,.4g} events a pane, if it lasts:")
        console.print(_changes(model["smallest_changes"], model["smallest_changes_within"]))
    for entry in plan["without_profile"]:
        console.print()
        console.print(f"[bold]Model[/]   {escape(entry['model_id'])} version {escape(entry['model_version'])}")
        console.print(
            "  [bold red]NOT WATCHED[/]: it has no profile, so its events give one BaselineMissing alert and nothing "
            "else; make one with driftgauge profile build, or from its events with profile learn",
            soft_wrap=True,
        )
    console.print()
    unwatched = f", {len(plan['without_profile'])} NOT WATCHED" if plan["without_profile"] else ""
    watched = {(model["model_id"], model["model_version"]) for model in plan["models"]}
    console.print(f"The configuration is fine: {counted(len(watched), 'models')}{unwatched}.")


def _user(service: dict[str, Any]) -> list[str]:
    return ["as", service["username"]] if service["username"] else []


def _holds(model: dict[str, Any]) -> str:
    """In the panes between which times."""
    bounds = [f"{word} {model[key]}" for word, key in (("from", "from"), ("until", "to")) if model[key] is not None]
    return f"{' '.join(bounds)}, in event time"


def _segments(segments: dict[str, Any]) -> str:
    watched = segments["watched"]
    series, size = (sum(entry[key] for entry in watched) for key in ("series", "state_bytes"))
    names = ", ".join(entry["segment"] for entry in watched)
    return (
        f"{len(watched)} by {segments['tag']}: {names}; {series} series in all, about {size / 1e6:.1f} MB more, "
        f"{watched[0]['false_alarm_budget']:.2g} false alerts expected of each per 30 days"
    )


def _traffic(traffic: dict[str, Any] | None, pane: int) -> str:
    if traffic is None:
        return "not watched (detectors.traffic is not enabled)"
    return (
        f"silence of two panes ({format_duration(2 * pane)}) and more is told of after "
        f"{traffic['silence_from_days']:g} day of its own events, volume after {traffic['volume_from_days']:g}"
    )


def _detectors(detectors: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=True, show_header=False)
    for name, settings in detectors.items():
        table.add_row(name, "  ".join(f"{key}={_short(value)}" for key, value in settings.items()))
    return table


def _changes(changes: Sequence[dict[str, Any]], spans: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=True, header_style="")
    hour, day = spans
    table.add_column("")
    table.add_column(f"within {hour}")
    # Where panes are long, the two may be one.
    if day != hour:
        table.add_column(f"within {day}")
    for change in changes:
        name = " ".join(part for part in (change["feature"], change["series"], change["category"]) if part)
        found, later = change["text"], change["within_a_day"]["text"]
        texts = [found, "the same" if later == found else later]
        table.add_row(escape(name), *texts[: len(table.columns) - 1])
    return table


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple | dict):
        return f"[{len(value)} values]" if len(value) > 4 else str(value)
    return str(value)
