"""`driftgauge backtest`: the same engine over files; every alert event to a file, a summary to the terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driftgauge import config_file
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.transition import Severity
from driftgauge.cli.alert_view import Episodes
from driftgauge.cli.backtest_summary import Rejected, Summary, show, to_json
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
from driftgauge.cli.model_option import ModelOption, chosen_model
from driftgauge.cli.overwriting import refuse_overwriting
from driftgauge.cli.replay_progress import ReplayProgress
from driftgauge.cli.replayed_alerts import replayed_alerts
from driftgauge.cli.short_panes import short_panes
from driftgauge.cli.short_ring import short_ring
from driftgauge.cli.table_replay import WatchedTables, mismatches, segment_mismatch
from driftgauge.config import LONGEST_PANE
from driftgauge.decode.columns import Reject
from driftgauge.durations import format_duration, parse_duration
from driftgauge.engine.configured import models_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.problems import problems_of
from driftgauge.engine.profiled import by_rows, default_model
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.profiles.kinds import kinds_of_profile
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.replay import ReplaySource, ReplayTotals
from driftgauge.sinks.jsonl import JsonLinesFile
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.profile_file import read_profile
from driftgauge.sources.table_paths import table_files
from driftgauge.sources.tables import open_tables

EXAMPLE = (
    "driftgauge backtest --profile profile.json --file requests.csv --timestamp at --prediction decision "
    "--alerts alerts.jsonl"
)

# The group of a run without a configuration: part of its run_id.
_GROUP = "backtest"
_REJECTS_KEPT = 5
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
    fail_on: FailOnOption = None,
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
    plan = _plan(profile, config, pane, budget, model)
    data = table_files([*file, *(more or ())])
    refuse_overwriting("--alerts", alerts, [*data, *plan.read])
    kinds = kinds_of_profile(plan.rows_of.profile, prediction=prediction, score=score, actual=actual)
    tables = WatchedTables(open_tables(data, columns, kinds=kinds, sort=sort))
    if profile is not None and not columns.timed and not any(table.canonical for table in tables.tables):
        plan = plan.by_rows()
    warnings = mismatches(tables.tables, columns, plan.rows_of.profile)
    warnings += [note] if (note := segment_mismatch(tables.tables, columns, plan.rows_of)) is not None else []
    notes = (note for model in plan.models for note in (short_panes(model), short_ring(model)))
    warnings += dict.fromkeys(note for note in notes if note is not None)
    with JsonLinesFile(alerts) as out:
        summary = _replay(plan, tables, columns, out, warnings)
        if summary.complete:
            out.complete()
            summary.alerts_file = str(alerts)
        elif out.written:
            summary.alerts_file = str(out.partial)
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


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is analysed. `rows_of`: the model that rows of tables, and events that name none, belong to.

    `read`: the files that say so, which are the profiles and the configuration.
    """

    models: Sequence[Model]
    rows_of: Model
    group: str
    read: Sequence[Path]
    unprofiled: Unprofiled | None = None

    def by_rows(self) -> _Plan:
        """The same for rows without times."""
        return replace(self, models=[by_rows(model) for model in self.models], rows_of=by_rows(self.rows_of))


def _plan(
    profile: Path | None, config: Path | None, pane: str | None, budget: float | None, model: str | None
) -> _Plan:
    if (profile is None) == (config is None):
        raise ConfigError("give either --profile P (default settings) or -c FILE (a configuration's settings)")
    if profile is not None:
        if model is not None:
            raise ConfigError("--model goes with -c FILE; a profile is of one model")
        only = _profiled(profile, pane or "auto", 1.0 if budget is None else budget)
        return _Plan([only], only, _GROUP, [profile])
    assert config is not None  # noqa: S101 (one of the two is given)
    for option, value in (("--pane", pane), ("--budget", budget)):
        if value is not None:
            raise ConfigError(f"{option} goes with --profile; with -c FILE the configuration says it")
    loaded = config_file.load_with_profiles(config, os.environ, read_profile, examine=problems_of)
    models = models_of(loaded.config, loaded.profiles)
    if not models:
        raise ConfigError(f"{config}: no model has a profile, so there is nothing to judge; driftgauge profile build")
    # Where a version changes its profile, the newest reads the rows: what a cell means can't change within a file.
    newest = {f"{one.subject.model_id}/{one.subject.model_version}": one for one in models}
    read = [config, *(Path(entry.profile) for entry in loaded.config.models if entry.profile is not None)]
    chosen, group = newest[chosen_model(list(newest), model)], loaded.config.kafka.group_id
    return _Plan(models, chosen, group, read, unprofiled_of(loaded.config, models))


def _profiled(path: Path, pane: str, budget: float) -> Model:
    if not (math.isfinite(budget) and 0 < budget <= 1000):
        raise ConfigError(f"--budget {budget:g}: expected false alerts per model and month, above 0 and at most 1000")
    loaded = read_profile(path)
    try:
        length = None if pane == "auto" else parse_duration(pane)
    except ValueError as error:
        raise ConfigError(f"--pane: {error}, or auto") from None
    if length is not None and not 1000 <= length <= LONGEST_PANE:
        raise ConfigError(f"--pane {pane}: a pane is at least 1s and at most {format_duration(LONGEST_PANE)} long")
    return default_model(loaded, pane=pane, budget=budget)


def _severity(text: str | None) -> Severity | None:
    if text is None:
        return None
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise ConfigError(f"--fail-on {text}: no such severity; there are {', '.join(SEVERITIES)}")


def _replay(plan: _Plan, tables: WatchedTables, columns: Columns, out: JsonLinesFile, warnings: list[str]) -> Summary:
    summary = Summary(plan.models, ReplayTotals(), Episodes(), warnings)
    subject = plan.rows_of.subject
    decoder = decoder_of(plan.models, None, default_model_id=subject.model_id, unprofiled=plan.unprofiled)
    sources = [
        ReplaySource(
            ingest_of(plan.models, Source(table.name, 0), decoder, unprofiled=plan.unprofiled),
            record_batches(table, columns, model_id=subject.model_id, model_version=subject.model_version),
        )
        for table in tables.tables
    ]

    def note(batch: RecordBatch, reject: Reject) -> None:
        if len(summary.rejected) < _REJECTS_KEPT:
            row = batch.offsets[reject.row] + 1
            summary.rejected.append(Rejected(batch.source.topic, row, reject.code, reject.message))

    try:
        with ReplayProgress() as progress:
            for events in replayed_alerts(plan.models, sources, plan.group, out, summary.totals, note, plan.unprofiled):
                for event in events:
                    summary.episodes.add(event)
                totals = summary.totals
                progress.update(tables.done, totals.event_time, totals.records, len(summary.episodes))
        summary.complete = True
    except KeyboardInterrupt:
        pass
    return summary
