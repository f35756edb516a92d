"""The `--replay JOB` option, the same for every command that has to do with a replay by workers."""

from __future__ import annotations

from typing import Annotated

import typer

from driftgauge.config import Config
from driftgauge.config_replay import replay_of

ReplayOption = Annotated[
    str | None,
    typer.Option(
        "--replay",
        metavar="JOB",
        help="Of the replay of that name: a group, state, panes, alerts and dead letters of its own.",
    ),
]


def replayed(config: Config, job: str | None) -> Config:
    """`config`, or that of the replay `job`. ConfigError."""
    return config if job is None else replay_of(config, job)
