"""The `--model ID[/VERSION]` option: which configured model the rows of a table belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from driftgauge.errors import ConfigError

ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="ID[/VERSION]", help="Which configured model rows are of, if there are several."),
]


def chosen_model(names: Sequence[str], wanted: str | None) -> str:
    """The model that `wanted` names among `ID/VERSION` names; the only one if it is None. ConfigError else."""
    if wanted is None:
        if len(names) > 1:
            raise ConfigError(f"--model: the configuration has several models; name one of {', '.join(names)}")
        return names[0]
    matching = [name for name in names if wanted in (name, name.rpartition("/")[0])]
    if len(matching) != 1:
        found = "no" if not matching else "more than one"
        raise ConfigError(f"--model {wanted}: {found} such model; there are {', '.join(names)}")
    return matching[0]
