"""`driftgauge inject`: a file written again with faults in it, for whatever reads it next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from driftgauge.cli.columns_options import (
    ActualOption,
    ExcludeOption,
    FeaturesOption,
    IdOption,
    IntervalOption,
    PredictionOption,
    ScoreOption,
    SegmentOption,
    StartOption,
    TimestampOption,
    columns_of,
)
from driftgauge.cli.overwriting import refuse_overwriting
from driftgauge.cli.visible_text import visible
from driftgauge.counted import counted
from driftgauge.errors import ConfigError
from driftgauge.runtime.injecting.file import inject_file
from driftgauge.sources.profile_file import read_profile

EXAMPLE = (
    "driftgauge inject --file requests.csv --timestamp at --inject unit:income:0.001:20%@2026-03-01 "
    "--out requests-in-thousands.csv"
)


def command(
    file: Annotated[Path, typer.Option("--file", metavar="IN", help="CSV, JSONL or Parquet, of rows or events.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT", help="Where to write it, in the same format.")],
    inject: Annotated[
        list[str], typer.Option("--inject", metavar="FAULT", help="null:FIELD:0.3@FROM[..TO] …; repeatable.")
    ],
    seed: Annotated[int, typer.Option("--inject-seed", metavar="N", help="Another seed hits other records.")] = 0,
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="P", help="Says what fields hold; needed for events, and for sd."),
    ] = None,
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
    json: Annotated[bool, typer.Option("--json", help="What was hit, as one JSON object.")] = False,
) -> None:
    """Write a file again with faults in it: the kinds and how they are written are in docs/injection.md.

    Kinds: null, stuck, rename, unit, shift, ramp, flip, drop, delay. Each is KIND:FIELD:…@FROM[..TO].
    """
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
    if not file.is_file():
        raise ConfigError(f"--file {file}: no such file; name one, as it is written again on its own")
    refuse_overwriting("--out", out, [file, *([profile] if profile is not None else [])])
    known = read_profile(profile) if profile is not None else None
    hits = inject_file(file, out, inject, seed=seed, columns=columns, profile=known)
    if json:
        content = {
            "file": str(out),
            "injected": [{"fault": hit.fault.spec.text, "records": hit.records} for hit in hits],
        }
        print(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
        return
    for hit in hits:
        print(visible(f"{counted(hit.records, 'records'):>17}  {hit.fault.spec.text}"))
    print(visible(f"written to {out}"))
