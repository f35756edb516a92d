"""`driftgauge score`: alerts that were told, against incidents that are known, without reading any event again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from driftgauge.cli.labelled import ToleranceOption, labelled_incidents
from driftgauge.cli.score_json import score_object
from driftgauge.cli.score_view import show_score
from driftgauge.cli.terminal import Terminal
from driftgauge.cli.time_option import refuse_backwards, time_in
from driftgauge.durations import parse_duration
from driftgauge.errors import ConfigError, InputError
from driftgauge.scoring.alert import Alerts
from driftgauge.sources.alert_file import read_alert_events
from driftgauge.timestamps import format_timestamp, parse_timestamp

EXAMPLE = (
    "driftgauge score --alerts alerts.jsonl --incidents incidents.yaml --from 2026-03-01T00:00:00Z "
    "--to 2026-04-01T00:00:00Z"
)

AlertsOption = Annotated[
    Path, typer.Option("--alerts", metavar="FILE", help="Alert events, one a line: of a backtest, or of the topic.")
]
IncidentsOption = Annotated[
    Path, typer.Option("--incidents", metavar="FILE", help="What was wrong, and when: YAML, JSON, JSONL or CSV.")
]
BacktestOption = Annotated[
    Path | None,
    typer.Option("--backtest", metavar="FILE", help="What backtest --json printed: says the time, models and panes."),
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Since when alerts could come.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until when.")]


class _Run(NamedTuple):
    """What the alerts are of: ids of the models, lengths of panes (ms), first and last ms."""

    models: frozenset[str]
    panes: list[int]
    start: int
    end: int


def command(
    alerts: AlertsOption,
    incidents: IncidentsOption,
    backtest: BacktestOption = None,
    start: FromOption = None,
    end: ToOption = None,
    tolerance: ToleranceOption = None,
    json: Annotated[bool, typer.Option("--json", help="The score as one JSON object.")] = False,
) -> None:
    """Say which incidents the alerts found, how soon, and which alerts were told in vain and how often.

    What is scored is the time that --from and --to give, or a backtest's own: also when no alert came.
    """
    run = None if backtest is None else _run(backtest)
    first = time_in(start, "--from") if start is not None else run and run.start
    last = time_in(end, "--to") if end is not None else run and run.end
    if first is None or last is None:
        raise ConfigError(
            "say for which time: --from TIME --to TIME, or --backtest FILE (what backtest --json printed)"
        )
    # Of a backtest's own time, too, which ends of the two may be.
    refuse_backwards(start or format_timestamp(first), first, end or format_timestamp(last), last)
    labelled = labelled_incidents(incidents, tolerance, run.panes if run is not None else ())
    told = Alerts()
    for event in read_alert_events(alerts):
        told.add(event)
    found = told.all()
    named = {alert.model_id for alert in found} | {i.model_id for i in labelled.incidents if i.model_id is not None}
    # Where nobody names a model, there is one all the same.
    models = run.models if run is not None else named or {""}
    score = labelled.score(found, models, first, last)
    if json:
        print(orjson.dumps(score_object(score), option=orjson.OPT_INDENT_2).decode())
    else:
        show_score(Terminal(highlight=False), score)


def _run(path: Path) -> _Run:
    try:
        summary: Any = orjson.loads(path.read_bytes())
        models = frozenset(str(model["model_id"]) for model in summary["models"])
        panes = [parse_duration(model["pane"]) for model in summary["models"]]
        start, end = (parse_timestamp(summary["period"][key]) for key in ("from", "to"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "is not what backtest --json printed of a run in which something was counted"
        raise InputError(f"{path}: {message}") from None
    return _Run(models, panes, start, end)
