"""The options by which a command scores alerts against labelled incidents, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from driftgauge.durations import parse_duration
from driftgauge.errors import ConfigError
from driftgauge.scoring.alert import Alert
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.matching import Watch
from driftgauge.scoring.score import Score, score
from driftgauge.sources.incident_file import read_incidents

_TOLERANCE = 3_600_000

IncidentsOption = Annotated[
    Path | None,
    typer.Option("--incidents", metavar="FILE", help="Score the alerts against incidents: YAML, JSON, JSONL or CSV."),
]
ToleranceOption = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="An alert so long after the end of an incident may be of it; default 1h, or a pane if that is longer.",
    ),
]


class Labelled(NamedTuple):
    """Incidents as read from a file, and the tolerance (ms) after their ends."""

    incidents: list[Incident]
    tolerance: int

    def score(self, alerts: Iterable[Alert], models: Iterable[str], start: int, end: int) -> Score:
        """Score the alerts of these models from `start` to `end` (ms)."""
        return score(alerts, self.incidents, Watch(frozenset(models), start, end), self.tolerance)


def labelled_incidents(
    path: Path, tolerance: str | None, panes: Iterable[int], others: Iterable[Incident] = ()
) -> Labelled:
    """Read both options. `panes`: lengths (ms) of the panes, as far as they are known; `others`: that are known too."""
    return Labelled([*read_incidents(path), *others], tolerance_of(tolerance, panes))


def tolerance_of(tolerance: str | None, panes: Iterable[int]) -> int:
    """The value of --tolerance in ms, or its default."""
    try:
        return max([_TOLERANCE, *panes]) if tolerance is None else parse_duration(tolerance)
    except ValueError as error:
        raise ConfigError(f"--tolerance: {error}") from None
