"""`driftgauge backtest`: the same engine over files; every alert event to a file, a summary to the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.transition import Severity
from driftgauge.cli.backtest_files import FilesInput
from driftgauge.cli.backtest_plan import plan_of
from driftgauge.cli.backtest_report import recorder_of, write_report
from driftgauge.cli.backtest_run import carry_out
from driftgauge.cli.backtest_summary import Summary, show, to_json
from driftgauge.cli.columns_options import (
    ActualOption,
    ExcludeOption,
    FeaturesOption,
    FileOption,
    IdOption,
    IntervalOption,
    MoreArgument,
    PredictionOption,
    ScoreOption,
    SegmentOption,
    SortOption,
    StartOption,
    TimestampOption,
    columns_of,
)
from driftgauge.cli.injected_faults import InjectOption, InjectSeedOption
from driftgauge.cli.model_option import ModelOption
from driftgauge.cli.overwriting import refuse_overwriting
from driftgauge.errors import ConfigError
from driftgauge.report.recorder import Recorder
from driftgauge.sinks.jsonl import JsonLinesFile
from driftgauge.sources.table_paths import table_files

EXAMPLE = (
    "driftgauge backtest --profile profile.json --file requests.csv --timestamp at --prediction decision "
    "--alerts alerts.jsonl"
)

_FAILED, _INTERRUPTED = 3, 130

ProfileOption = Annotated[
    Path | None, typer.Option("--profile", metavar="P", help="A profile, judged with the default settings.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("-c", "--config", metavar="FILE", help="Or a configuration: the ids that run would give.")
]
PaneOption = Annotated[
    str | None, typer.Option("--pane", metavar="auto|60s|1h…", help="Pane length; default: the profile's suggestion.")
]
BudgetOption = Annotated[
    float | None, typer.Option("--budget", metavar="N", help="Expected false alerts per model and month; default 1.")
]
# A shell's glob after --file gives several names, of which an option takes only the first.
AlertsOption = Annotated[Path, typer.Option("--alerts", metavar="OUT.jsonl", help="Where the alert events go.")]
ReportOption = Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="A page on what was found.")]
FailOnOption = Annotated[
    str | None, typer.Option("--fail-on", metavar="SEVERITY", help="Exit code 3 from this severity on: info, warning …")
]


def command(
    file: FileOption,
    alerts: AlertsOption,
    more: MoreArgument = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    pane: PaneOption = None,
    budget: BudgetOption = None,
    model: ModelOption = None,
    timestamp: TimestampOption = None,
    prediction: PredictionOption = None,
    score: ScoreOption = None,
    actual: ActualOption = None,
    id: IdOption = None,  # noqa: A002 (the option's name)
    features: FeaturesOption = None,
    exclude: ExcludeOption = None,
    segment: SegmentOption = None,
    start: StartOption = None,
    interval: IntervalOption = "1s",
    sort: SortOption = False,
    inject: InjectOption = None,
    inject_seed: InjectSeedOption = 0,
    fail_on: FailOnOption = None,
    report: ReportOption = None,
    json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Run the engine over files of rows or events, and see which alerts there would have been, and when.

    Event time is that of the rows, so a year takes as long as reading it. Ctrl-C leaves what was found so far.
    """
    worst = _severity(fail_on)
    columns = columns_of(
        timestamp=timestamp,
        prediction=prediction,
        score=score,
        actual=actual,
        id=id,
        features=features,
        exclude=exclude,
        segment=segment,
        start=start,
        interval=interval,
    )
    plan = plan_of(profile, config, pane, budget).with_faults(inject, inject_seed, model)
    data = table_files([*file, *(more or ())])
    refuse_overwriting("--alerts", alerts, [*data, *plan.read])
    if report is not None:
        refuse_overwriting("--report", report, [*data, *plan.read, alerts])
    opened = FilesInput(plan, data, columns, model=model, sort=sort)
    recorder = recorder_of(opened.plan.models) if report is not None else None
    with JsonLinesFile(alerts) as out:
        summary = carry_out(opened, out, recorder)
        if summary.complete:
            out.complete()
            summary.alerts_file = str(alerts)
        elif out.written:
            summary.alerts_file = str(out.partial)
    if report is not None and recorder is not None:
        _write_report(report, recorder, summary)
        summary.report_file = str(report)
    if json:
        print(to_json(summary).decode())
    else:
        show(Console(highlight=False), summary)
    if not summary.complete:
        raise typer.Exit(_INTERRUPTED)
    if worst is not None and any(
        SEVERITIES.index(found) >= SEVERITIES.index(worst) for found in summary.episodes.by_severity()
    ):
        raise typer.Exit(_FAILED)


def _write_report(path: Path, recorder: Recorder, summary: Summary) -> None:
    try:
        write_report(
            path,
            recorder,
            summary.models,
            summary.totals,
            warnings=[*(summary.faults.told if summary.faults is not None else ()), *summary.warnings],
            complete=summary.complete,
        )
    except OSError as error:
        raise ConfigError(f"--report {path}: can't be written: {error.strerror}; name another file") from None


def _severity(text: str | None) -> Severity | None:
    if text is None:
        return None
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise ConfigError(f"--fail-on {text}: no such severity; there are {', '.join(SEVERITIES)}")
