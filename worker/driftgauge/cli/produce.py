"""`driftgauge produce`: rows of files onto the configured topic, for demos, load tests and replays."""

from __future__ import annotations

import math
import os
import re
import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from driftgauge import config_file
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
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.model_option import ModelOption, chosen_model
from driftgauge.cli.terminal import Terminal
from driftgauge.counted import counted
from driftgauge.errors import ConfigError
from driftgauge.profiles.kinds import kinds_of_profile
from driftgauge.runtime.clock import MonotonicClock
from driftgauge.runtime.kafka_clients import producer_settings
from driftgauge.runtime.producing import Pace, produce
from driftgauge.runtime.topics import admin_client, require_existing
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.profile_file import read_profile
from driftgauge.sources.tables import open_tables

EXAMPLE = "driftgauge produce -c driftgauge.yaml --file requests.csv --timestamp at --prediction decision --speed 60x"

_SPEED = re.compile(r"(\d+(?:\.\d+)?)x")

SpeedOption = Annotated[
    str, typer.Option("--speed", metavar="max|Nx", help="max, or N times as fast as event time (1x, 60x).")
]
RateOption = Annotated[float | None, typer.Option("--rate", metavar="N", help="Rows a second, instead of --speed.")]


def command(
    config: ConfigOption,
    file: FileOption,
    more: MoreArgument = None,
    model: ModelOption = None,
    speed: SpeedOption = "max",
    rate: RateOption = None,
    timestamp: TimestampOption = None,
    prediction: PredictionOption = None,
    score: ScoreOption = None,
    actual: ActualOption = None,
    id: IdOption = None,  # noqa: A002 - the option's name
    features: FeaturesOption = None,
    exclude: ExcludeOption = None,
    segment: SegmentOption = None,
    start: StartOption = None,
    interval: IntervalOption = None,
    sort: SortOption = False,
) -> None:
    """Put the rows of files on the configured topic as canonical events (files of such events pass unchanged)."""
    loaded = config_file.load_with_profiles(config, os.environ, read_profile)
    # The newest profile of a version reads the rows, as in a backtest.
    newest = {
        f"{entry.model_id}/{entry.model_version}": (entry, profile)
        for entry, profile in zip(loaded.config.models, loaded.profiles, strict=True)
    }
    chosen, profile = newest[chosen_model(list(newest), model)]
    pace = _pace(speed, rate)
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
    kinds = (
        kinds_of_profile(profile, prediction=prediction, score=score, actual=actual) if profile is not None else None
    )
    tables = open_tables([*file, *(more or ())], columns, kinds=kinds, sort=sort)
    topic = loaded.config.topics.inputs[loaded.config.features_topic(chosen)].name
    with admin_client(loaded.config) as admin:
        require_existing(admin, loaded.config, [topic])
    sink = KafkaSink(producer_settings(loaded.config))
    console = Terminal(stderr=True)
    begun, sent = time.monotonic(), 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {table.name: progress.add_task(escape(table.name), total=1.0) for table in tables}
        for table, total, done in produce(
            tables,
            columns,
            topic=topic,
            model_id=chosen.model_id,
            model_version=chosen.model_version,
            sink=sink,
            pace=pace,
            clock=MonotonicClock(),
            wait=lambda ms: time.sleep(ms / 1000),
        ):
            sent = total
            progress.update(
                bars[table.name], completed=done, description=f"{escape(table.name)}  {counted(total, 'rows')}"
            )
    sink.close()
    seconds = time.monotonic() - begun
    console.print(
        f"{counted(sent, 'rows')} to {escape(topic)} in {seconds:.1f} s ({sent / max(seconds, 1e-9):,.0f} a second)"
    )


def _pace(speed: str, rate: float | None) -> Pace:
    if rate is not None:
        if speed != "max":
            raise ConfigError("--speed and --rate exclude each other; give one of them")
        if not (math.isfinite(rate) and rate > 0):
            raise ConfigError(f"--rate {rate}: rows a second must be above 0")
        return Pace(rate=rate)
    if speed == "max":
        return Pace()
    match = _SPEED.fullmatch(speed)
    if not match or float(match[1]) == 0:
        raise ConfigError(f"--speed {speed}: write max, or how many times as fast as event time: 1x, 60x")
    return Pace(speed=float(match[1]))
