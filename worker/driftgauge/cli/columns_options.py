"""The `[columns]` options, the same for every command that reads a file (`profile build`, `produce`, `backtest`)."""

from __future__ import annotations

from typing import Annotated

import typer

from driftgauge.durations import parse_duration
from driftgauge.errors import ConfigError
from driftgauge.sources.columns import DEFAULT_INTERVAL, DEFAULT_START, Columns
from driftgauge.timestamps import parse_timestamp


def _option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=text)
    return info


DataArgument = Annotated[
    list[str], typer.Argument(metavar="DATA", help="CSV, JSONL or Parquet files, folders or globs of them.")
]
FileOption = Annotated[
    list[str], typer.Option("--file", metavar="DATA", help="CSV, JSONL or Parquet: file, folder or glob; repeatable.")
]
MoreArgument = Annotated[list[str] | None, typer.Argument(metavar="DATA", help="More files, after the first.")]
TimestampOption = Annotated[
    str | None, _option("--timestamp", "COL", "Event time: RFC 3339, date, or epoch s/ms/µs/ns.")
]
PredictionOption = Annotated[str | None, _option("--prediction", "COL", "The model's output: a class, or a number.")]
ScoreOption = Annotated[str | None, _option("--score", "COL", "The model's score or probability.")]
ActualOption = Annotated[str | None, _option("--actual", "COL", "What turned out to be true.")]
IdOption = Annotated[str | None, _option("--id", "COL", "Identifier of the prediction.")]
FeaturesOption = Annotated[str | None, _option("--features", "A,B", "Features; default: all columns not named here.")]
ExcludeOption = Annotated[str | None, _option("--exclude", "A,B", "Columns to leave out.")]
SegmentOption = Annotated[
    str | None, _option("--segment", "COL", "Segment that a row belongs to: the tag by this name.")
]
StartOption = Annotated[
    str | None, _option("--start", "TIME", "Time of row 0 without --timestamp; default 2026-01-01T00:00:00Z.")
]
IntervalOption = Annotated[
    str | None, _option("--interval", "DURATION", "Time between rows without --timestamp; default 1s.")
]
SortOption = Annotated[bool, typer.Option("--sort", help="Sort each file by --timestamp first, in memory.")]


def columns_of(
    *,
    timestamp: str | None,
    prediction: str | None,
    score: str | None,
    actual: str | None,
    id: str | None,  # noqa: A002 - the option's name
    features: str | None,
    exclude: str | None,
    segment: str | None,
    start: str | None,
    interval: str | None,
) -> Columns:
    """The mapping that the options say.

    ConfigError for a time or duration that can't be read, an empty list, and times that are given twice.
    """
    try:
        first = parse_timestamp(start) if start is not None else DEFAULT_START
    except ValueError as error:
        raise ConfigError(f"--start: {error}") from None
    try:
        step = parse_duration(interval) if interval is not None else DEFAULT_INTERVAL
    except ValueError as error:
        raise ConfigError(f"--interval: {error}") from None
    for option, value in (("--start", start), ("--interval", interval)):
        if value is not None and timestamp is not None:
            raise ConfigError(
                f"{option} says when rows were that have no time; with --timestamp {timestamp} that column says it: "
                "leave one of the two out"
            )
    return Columns(
        timestamp=timestamp,
        prediction=prediction,
        score=score,
        actual=actual,
        id=id,
        features=names_in(features, "--features") if features is not None else None,
        exclude=names_in(exclude, "--exclude") if exclude is not None else (),
        segment=segment,
        start=first,
        interval=step,
    )


def names_in(text: str, option: str) -> tuple[str, ...]:
    """`a,b` -> ("a", "b"), each once. ConfigError if no name is left."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ConfigError(f"{option}: names no column; write them with commas: {option} age,income")
    return names
