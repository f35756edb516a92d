"""The score of a backtest, where incidents are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from driftgauge.cli.backtest.summary import Summary
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.cli.labelled import Labelled, labelled_incidents, tolerance_of
from driftgauge.engine.model import Model
from driftgauge.errors import ConfigError
from driftgauge.scoring.incident import Incident


def labelled_for_backtest(
    path: Path | None, tolerance: str | None, models: Iterable[Model], faults: InjectedFaults | None
) -> Labelled | None:
    """What the alerts are scored against: the incidents of a file, and the faults that were injected. None: neither."""
    panes = [model.pane_length for model in models]
    injected = faults.incidents if faults is not None else []
    if path is not None:
        return labelled_incidents(path, tolerance, panes, injected)
    if injected:
        return Labelled(injected, tolerance_of(tolerance, panes))
    if tolerance is not None:
        raise ConfigError("--tolerance goes with --incidents FILE")
    return None


def score_backtest(labelled: Labelled | None, summary: Summary) -> None:
    """Add the score to a backtest's summary, if there are incidents and something was counted."""
    if labelled is None:
        return
    summary.warnings = [*summary.warnings, *_unwatched(labelled.incidents, summary.models)]
    period = summary.period
    if period is not None:
        models = [model.subject.model_id for model in summary.models]
        summary.score = labelled.score(summary.told.all(), models, *period)


def _unwatched(incidents: Iterable[Incident], models: Sequence[Model]) -> Iterator[str]:
    """Features that incidents of these models name and none of these has: they would look like misses."""
    watched = dict.fromkeys(name for model in models for name in model.profile.features)
    known = {None, *(model.subject.model_id for model in models)}
    named = dict.fromkeys(i.feature for i in incidents if i.feature is not None and i.model_id in known)
    for feature in named:
        if feature not in watched:
            close = get_close_matches(feature, watched, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "an incident of the output names none"
            yield f"--incidents: no profile has a feature {feature!r}, so no alert can find its incidents; {meant}"
