"""`driftgauge profile build|learn|show|diff`: makes a profile from reference data, and shows what profiles hold."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from driftgauge.cli.columns_options import (
    ActualOption,
    DataArgument,
    ExcludeOption,
    FeaturesOption,
    IdOption,
    IntervalOption,
    PredictionOption,
    ScoreOption,
    SegmentOption,
    SortOption,
    StartOption,
    TimestampOption,
    columns_of,
)
from driftgauge.cli.overwriting import refuse_overwriting
from driftgauge.cli.profile_learn import LEARN_EXAMPLE, learn
from driftgauge.cli.profile_options import (
    CategoricalOption,
    MarginOption,
    ModelIdOption,
    ModelVersionOption,
    NumericOption,
    OutOption,
    PositiveOption,
    check_names,
    choices_of,
)
from driftgauge.cli.profile_view import show_profile, show_written
from driftgauge.cli.terminal import Terminal
from driftgauge.durations import format_duration
from driftgauge.errors import ConfigError
from driftgauge.profiles.build import OUT_OF_RANGE_MARGIN, Reference, build_profile
from driftgauge.profiles.build_segments import SEGMENTS
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import MAX_SEGMENTS
from driftgauge.profiles.summary import differences
from driftgauge.sources.columns import Columns
from driftgauge.sources.profile_file import profile_json, read_profile, write_profile
from driftgauge.sources.reference_file import read_reference
from driftgauge.sources.reference_kinds import Choices
from driftgauge.sources.table_paths import table_files
from driftgauge.timestamps import format_timestamp

profile = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Build, learn, show and compare profiles.")

profile.command(epilog=f"Example: {LEARN_EXAMPLE}")(learn)

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ProfileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A profile.")]


@profile.callback()
def root() -> None:
    """Build, learn, show and compare profiles."""


@profile.command(
    epilog="Example: driftgauge profile build train.csv --model-id loan-approval --model-version 7 "
    "--prediction approved --actual repaid --out profiles/"
)
def build(
    data: DataArgument,
    model_id: ModelIdOption,
    model_version: ModelVersionOption,
    out: OutOption,
    timestamp: TimestampOption = None,
    prediction: PredictionOption = None,
    score: ScoreOption = None,
    actual: ActualOption = None,
    id_: IdOption = None,
    features: FeaturesOption = None,
    exclude: ExcludeOption = None,
    segment: SegmentOption = None,
    segments: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_SEGMENTS, metavar="N", help=f"Largest segments that get a reference; default {SEGMENTS}."
        ),
    ] = None,
    start: StartOption = None,
    interval: IntervalOption = None,
    sort: SortOption = False,
    categorical: CategoricalOption = None,
    numeric: NumericOption = None,
    positive: PositiveOption = None,
    margin: MarginOption = OUT_OF_RANGE_MARGIN,
    rows: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N rows.")] = None,
    json: JsonOption = False,
) -> None:
    """Profile of a model's training or reference data."""
    check_names(model_id, model_version)
    columns = columns_of(
        timestamp=timestamp,
        prediction=prediction,
        score=score,
        actual=actual,
        id=id_,
        features=features,
        exclude=exclude,
        segment=segment,
        start=start,
        interval=interval,
    )
    if segments is not None and segment is None:
        raise ConfigError("--segments is how many of the segments get a reference: name their column, --segment COL")
    if positive is not None and (actual is None or prediction is score is None):
        raise ConfigError(
            "--positive is the class of precision and recall, which takes what was predicted and what was true: name "
            "--prediction or --score, and --actual"
        )
    choices = choices_of(categorical, numeric)
    refuse_overwriting("--out", Path(out), table_files(data))
    reference, notes = _read(data, columns, choices, sort, rows)
    built = build_profile(
        reference,
        model_id=model_id,
        model_version=model_version,
        margin=margin,
        positive=positive,
        segments=SEGMENTS if segments is None else segments,
    )
    written = write_profile(built.profile, Path(out), folder=out.endswith("/"))
    if json:
        sys.stdout.write(profile_json(built.profile))
        return
    show_written(built.profile, [*notes, *built.notes], written, _next_command(written, data, columns))


def _read(
    data: Sequence[str], columns: Columns, choices: Choices, sort: bool, rows: int | None
) -> tuple[Reference, list[Note]]:
    console = Terminal(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading", total=1.0)
        return read_reference(
            data,
            columns,
            choices,
            sort=sort,
            rows=rows,
            progress=lambda name, done: progress.update(bar, description=escape(name), completed=done),
        )


def _next_command(written: Path, data: Sequence[str], columns: Columns) -> str:
    """The same columns over production data; here the reference itself, which should stay quiet."""
    words = ["driftgauge", "backtest", "--profile", str(written)]
    for name in data:
        words += ["--file", name]
    for option, column in columns.named.items():
        words += [option, column]
    for option, names in (("--features", columns.features), ("--exclude", columns.exclude)):
        words += [option, ",".join(names)] if names else []
    if columns.timestamp is None and columns.interval != Columns().interval:
        words += ["--interval", format_duration(columns.interval)]
    if columns.timestamp is None and columns.start != Columns().start:
        words += ["--start", format_timestamp(columns.start)]
    return shlex.join([*words, "--alerts", "alerts.jsonl"])


@profile.command(epilog="Example: driftgauge profile show profiles/loan-approval-7.json")
def show(file: ProfileArgument, json: JsonOption = False) -> None:
    """Readable summary of a profile."""
    shown = read_profile(file)
    if json:
        sys.stdout.write(profile_json(shown))
    else:
        show_profile(Terminal(highlight=False), shown)


@profile.command(epilog="Example: driftgauge profile diff profiles/loan-approval-6.json profiles/loan-approval-7.json")
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A profile.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    json: JsonOption = False,
) -> None:
    """What changed from one profile to another."""
    found = differences(read_profile(before), read_profile(after))
    if json:
        print(orjson.dumps([d._asdict() for d in found], option=orjson.OPT_INDENT_2).decode())
        return
    console = Terminal(highlight=False)
    if not found:
        console.print("no difference")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("field", "what", "A", "B"):
        table.add_column(heading, overflow="fold")
    for difference in found:
        table.add_row(*(escape(text) for text in difference))
    console.print(table)
