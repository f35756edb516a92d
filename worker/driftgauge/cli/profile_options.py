"""The options that say what a profile is to be, the same for rows of files (`build`) and events (`learn`)."""

from __future__ import annotations

from typing import Annotated

import typer

from driftgauge.cli.columns_options import names_in
from driftgauge.errors import ConfigError
from driftgauge.profiles.profile import MAX_NAME
from driftgauge.sources.reference_kinds import Choices

ModelIdOption = Annotated[str, typer.Option("--model-id", metavar="ID", help="Name of the model.")]
ModelVersionOption = Annotated[str, typer.Option("--model-version", metavar="V", help="Its version.")]
OutOption = Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write; a folder: named by content.")]
CategoricalOption = Annotated[
    str | None, typer.Option("--categorical", metavar="A,B", help="Columns of numbers that are categories.")
]
NumericOption = Annotated[
    str | None, typer.Option("--numeric", metavar="A,B", help="Columns that are numeric, texts or not.")
]
PositiveOption = Annotated[
    str | None, typer.Option("--positive", metavar="CLASS", help="Positive class; default the greater of two.")
]
MarginOption = Annotated[
    float,
    typer.Option("--margin", min=0.0, max=10.0, help="Out of range begins this share of the range beyond it."),
]


def check_names(model_id: str, model_version: str) -> None:
    """ConfigError for a name that a profile can't hold."""
    for option, name in (("--model-id", model_id), ("--model-version", model_version)):
        if not 0 < len(name) <= MAX_NAME:
            raise ConfigError(f"{option}: has {len(name)} characters; give a name of 1 to {MAX_NAME}")


def choices_of(categorical: str | None, numeric: str | None) -> Choices:
    """What `--categorical` and `--numeric` say. ConfigError for an empty list."""
    return Choices(
        names_in(categorical, "--categorical") if categorical is not None else (),
        names_in(numeric, "--numeric") if numeric is not None else (),
    )
