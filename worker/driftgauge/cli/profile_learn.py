"""`driftgauge profile learn`: a profile from the events of a model that are on the configured topics already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import Progress

from driftgauge import config_file
from driftgauge.cli.columns_options import ExcludeOption, FeaturesOption, names_in
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.overwriting import refuse_overwriting
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
from driftgauge.cli.profile_view import show_written
from driftgauge.cli.terminal import Terminal
from driftgauge.cli.time_option import refuse_backwards, time_in
from driftgauge.cli.topic_range import topic_range
from driftgauge.config import Config
from driftgauge.engine.topics import topics_of_version
from driftgauge.profiles.build import OUT_OF_RANGE_MARGIN, build_profile
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import Profile
from driftgauge.sources.columns import Columns
from driftgauge.sources.event_log import EventChoice
from driftgauge.sources.profile_file import write_profile
from driftgauge.sources.reference_events import LearnedReference, read_events
from driftgauge.sources.reference_kinds import Choices
from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp

LEARN_EXAMPLE = (
    "driftgauge profile learn -c driftgauge.yaml --model-id loan-approval --model-version 8 "
    "--from 2026-03-01T00:00:00Z --to 2026-03-15T00:00:00Z --out profiles/"
)
ROWS = 200_000

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="First event time to take; default: all there is.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Event time to stop before.")]
RowsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Of more events, so many spread over all are taken.")]


def learn(
    config: ConfigOption,
    model_id: ModelIdOption,
    model_version: ModelVersionOption,
    out: OutOption,
    from_: FromOption = None,
    to: ToOption = None,
    rows: RowsOption = ROWS,
    features: FeaturesOption = None,
    exclude: ExcludeOption = None,
    categorical: CategoricalOption = None,
    numeric: NumericOption = None,
    positive: PositiveOption = None,
    margin: MarginOption = OUT_OF_RANGE_MARGIN,
    json: Annotated[bool, typer.Option("--json", help="What was read and written, as one JSON object.")] = False,
) -> None:
    """Profile of a model whose training data isn't at hand, from its events on the topics of a configuration.

    Take a time in which all was well: what is in these events is what "normal" will mean. It reads what is on the
    topics when it starts, in no consumer group; a running worker is not disturbed.
    """
    check_names(model_id, model_version)
    settings = config_file.load(config, os.environ)
    refuse_overwriting("--out", Path(out), [config])
    choice = _choice(settings, Subject(model_id, model_version), from_, to)
    columns = Columns(
        features=names_in(features, "--features") if features is not None else None,
        exclude=names_in(exclude, "--exclude") if exclude is not None else (),
    )
    learned = _read(settings, choice, rows, columns, choices_of(categorical, numeric))
    built = build_profile(
        learned.reference, model_id=model_id, model_version=model_version, margin=margin, positive=positive
    )
    written = write_profile(built.profile, Path(out), folder=out.endswith("/"))
    notes = [*learned.notes, *built.notes]
    if json:
        print(orjson.dumps(_summary(built.profile, learned, written, notes), option=orjson.OPT_INDENT_2).decode())
        return
    show_written(built.profile, notes, written, _next_step(config, built.profile, written))


def _choice(settings: Config, subject: Subject, from_: str | None, to: str | None) -> EventChoice:
    start, end = time_in(from_, "--from"), time_in(to, "--to")
    refuse_backwards(from_, start, to, end)
    versions = {entry.model_version for entry in settings.models if entry.model_id == subject.model_id}
    return EventChoice(
        subject,
        lone=versions <= {subject.model_version},
        out_of_orderness=settings.panes.out_of_orderness,
        max_bytes=settings.limits.max_record_bytes,
        start=start,
        end=end,
    )


def _read(settings: Config, choice: EventChoice, rows: int, columns: Columns, choices: Choices) -> LearnedReference:
    topics = topics_of_version(settings, choice.subject)
    console = Terminal(stderr=True)
    with (
        topic_range(settings, list(topics)) as (log, _),
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("looking", total=1.0)
        return read_events(
            log,
            topics,
            choice,
            limit=rows,
            columns=columns,
            choices=choices,
            progress=lambda word, done: progress.update(bar, description=word, completed=done),
        )


def _summary(profile: Profile, learned: LearnedReference, written: Path, notes: Sequence[Note]) -> dict[str, Any]:
    reference = profile.reference
    return {
        "model_id": profile.model_id,
        "model_version": profile.model_version,
        "profile": profile.content_hash,
        "file": str(written),
        "topics": reference.files,
        "events": learned.events,
        "rows": reference.rows,
        "first": format_timestamp(reference.first_ms),
        "last": format_timestamp(reference.last_ms),
        "features": len(profile.features),
        "suggested_pane": profile.suggested_pane,
        "offline_metrics": profile.offline_metrics,
        "notes": [note._asdict() for note in notes],
    }


def _next_step(config: Path, profile: Profile, written: Path) -> str:
    return (
        f"name {written} in {config} under models, as the profile of {profile.model_id} version "
        f"{profile.model_version} (if that has one already: in another entry, with an effective_from that lies ahead); "
        f"then driftgauge check -c {config}, and start the workers anew"
    )
