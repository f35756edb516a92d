"""The score of a backtest, where incidents are given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from driftgauge.cli.backtest_summary import Summary
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.cli.labelled import Labelled, labelled_incidents, tolerance_of
from driftgauge.engine.model import Model
from driftgauge.errors import ConfigError


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
    period = summary.period
    if labelled is not None and period is not None:
        models = [model.subject.model_id for model in summary.models]
        summary.score = labelled.score(summary.told.all(), models, *period)
