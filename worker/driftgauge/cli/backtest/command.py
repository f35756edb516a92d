"""`driftgauge backtest`: the same engine over what there is; every alert event to a file, a summary to the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.transition import Severity
from driftgauge.cli.backtest.choice import Asked, opened_input
from driftgauge.cli.backtest.job import Analysis, Files
from driftgauge.cli.backtest.panes import FromPanesOption
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.backtest.report import recorder_of, write_report
from driftgauge.cli.backtest.run import carry_out
from driftgauge.cli.backtest.score import labelled_for_backtest, score_backtest
from driftgauge.cli.backtest.stopping import stopped_by_signals
from driftgauge.cli.backtest.summary import Summary, show, to_json
from driftgauge.cli.backtest.sweep import Sweep, SweepOption
from driftgauge.cli.backtest.topics import FromOffsetOption
from driftgauge.cli.backtest.workers import WorkersOption, shared_input, shared_judge
from driftgauge.cli.columns_options import (
    ActualOption,
    ExcludeOption,
    FeaturesOption,
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
from driftgauge.cli.kept_files import KeptFiles, kept_files
from driftgauge.cli.labelled import IncidentsOption, ToleranceOption
from driftgauge.cli.model_option import ModelOption
from driftgauge.cli.overwriting import refuse_missing_folder, refuse_overwriting, refuse_sharing
from driftgauge.cli.published_alerts import published_alerts
from driftgauge.cli.span_options import FromOption, ToOption, WarmUpOption, span_of
from driftgauge.cli.terminal import Terminal
from driftgauge.engine.publish import run_id_of
from driftgauge.errors import ConfigError, DriftgaugeError, InputError
from driftgauge.panes.schedule import ALWAYS
from driftgauge.replay.against_live import Comparison, Published, compare
from driftgauge.report.recorder import Recorder
from driftgauge.sources.table_paths import table_files

EXAMPLE = (
    "driftgauge backtest --profile profile.json --file requests.csv --timestamp at --prediction decision "
    "--alerts alerts.jsonl, or driftgauge backtest -c driftgauge.yaml --from 2026-03-01 --to 2026-03-15 --alerts "
    "alerts.jsonl"
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
DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--file", metavar="DATA", help="CSV, JSONL or Parquet: file, folder or glob; repeatable. Default: the topics."
    ),
]
PanesOutOption = Annotated[
    Path | None, typer.Option("--panes-out", metavar="OUT.jsonl", help="Where the panes go, as on the panes topic.")
]
AgainstLiveOption = Annotated[
    bool, typer.Option("--against-live", help="Say which alerts workers told too, and which one side told only.")
]
# A shell's glob after --file gives several names, of which an option takes only the first.
AlertsOption = Annotated[Path, typer.Option("--alerts", metavar="OUT.jsonl", help="Where the alert events go.")]
ReportOption = Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="A page on what was found.")]
FailOnOption = Annotated[
    str | None, typer.Option("--fail-on", metavar="SEVERITY", help="Exit code 3 from this severity on: info, warning …")
]


def command(
    alerts: AlertsOption,
    file: DataOption = None,
    more: MoreArgument = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    warm_up: WarmUpOption = None,
    from_offset: FromOffsetOption = None,
    from_panes: FromPanesOption = False,
    panes_out: PanesOutOption = None,
    against_live: AgainstLiveOption = False,
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
    interval: IntervalOption = None,
    sort: SortOption = False,
    workers: WorkersOption = 1,
    incidents: IncidentsOption = None,
    tolerance: ToleranceOption = None,
    inject: InjectOption = None,
    inject_seed: InjectSeedOption = None,
    sweep: SweepOption = None,
    fail_on: FailOnOption = None,
    report: ReportOption = None,
    json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Run the engine over files, topics or stored panes, and see which alerts there would have been, and when.

    Event time is that of the rows, so a year takes as long as reading it. Ctrl-C leaves what was found so far. Topics
    are read as they are at the start, in no consumer group: no worker notices.
    """
    worst, span = _severity(fail_on), span_of(from_, to, warm_up)
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
    analysis = Analysis(profile, config, pane, budget, model, inject or (), inject_seed)
    plan = analysis.plan()
    named = [*(file or ()), *(more or ())]
    data = table_files(named) if named else []
    asked = Asked(
        data, from_panes, from_offset or (), panes_out, against_live, columns, model, sort, span, bool(inject)
    )
    asked.check()
    labelled = labelled_for_backtest(incidents, tolerance, plan.models, plan.faults)
    read = [*data, *plan.read, *([incidents] if incidents is not None else [])]
    outputs = {"--alerts": alerts, "--panes-out": panes_out, "--report": report}
    for option, path in outputs.items():
        if path is not None:
            refuse_overwriting(option, path, read)
    refuse_sharing(outputs)
    if report is not None:
        refuse_missing_folder("--report", report)
    # These look at every pane that closes, and at what was raised by it.
    apart = report is None and not sweep
    # First, so that what can't be read is said before the work; and so that it holds nothing that the replay doesn't.
    published = published_alerts(plan, span) if against_live else None
    with (
        stopped_by_signals(),
        opened_input(plan, asked) as opened,
        shared_input(opened, workers, analysis, Files(data, columns, sort)) as shared,
        shared_judge(opened.plan, workers if apart else 1, analysis, by_rows=opened.plan is not plan) as judge,
        kept_files(alerts, panes_out, plan.layouts) as files,
    ):
        told: list[AlertEvent] = []
        recorder = recorder_of(opened.plan.models) if report is not None else None
        swept = Sweep(sweep, opened.plan, labelled=labelled) if sweep else None
        summary = carry_out(shared, files, told.append if published is not None else None, recorder, swept, judge)
        summary.alerts_file = _alerts_file(summary, files, alerts)
    if swept is not None:
        summary.swept = swept.conclude(summary)
    if published is not None and summary.complete:
        summary.against_live = _compared(plan, summary, published, told)
    score_backtest(labelled, summary)
    unwritten = _write_report(report, recorder, summary) if report is not None and recorder is not None else None
    if json:
        print(to_json(summary).decode())
    else:
        show(Terminal(highlight=False), summary)
    # After the summary, which may be of hours and needs no disk.
    if unwritten is not None:
        raise unwritten
    _end(summary, worst)


def _compared(plan: Plan, summary: Summary, published: Published, told: Sequence[AlertEvent]) -> Comparison:
    totals = summary.totals
    return compare(
        published,
        told,
        run_id=run_id_of(plan.models, plan.group),
        late_here=totals.late_of,
        last=ALWAYS if totals.last is None else totals.last,
    )


def _alerts_file(summary: Summary, files: KeptFiles, alerts: Path) -> str | None:
    if summary.complete:
        return str(alerts)
    return str(files.alerts.partial) if files.alerts.written else None


def _end(summary: Summary, worst: Severity | None) -> None:
    """With an exit code that says how it was, unless all is well."""
    if summary.stopped is not None:
        raise summary.stopped
    if not summary.complete:
        raise typer.Exit(_INTERRUPTED)
    if worst is not None and summary.period is None:
        raise InputError("--fail-on: no pane was judged, so nothing is known that could pass")
    if worst is not None and any(
        SEVERITIES.index(found) >= SEVERITIES.index(worst) for found in summary.episodes.by_severity()
    ):
        raise typer.Exit(_FAILED)


def _write_report(path: Path, recorder: Recorder, summary: Summary) -> DriftgaugeError | None:
    """What kept it from being written, if anything did."""
    try:
        write_report(
            path,
            recorder,
            summary.models,
            summary.totals,
            period=summary.period,
            warnings=[*(summary.faults.told if summary.faults is not None else ()), *summary.warnings],
            complete=summary.complete,
            swept=summary.swept,
            score=summary.score,
        )
    except OSError as error:
        return DriftgaugeError(f"--report {path}: can't be written: {error.strerror}; name another file")
    summary.report_file = str(path)
    return None


def _severity(text: str | None) -> Severity | None:
    if text is None:
        return None
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise ConfigError(f"--fail-on {text}: no such severity; there are {', '.join(SEVERITIES)}")
