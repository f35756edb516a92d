"""The score of a backtest, where incidents are given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from driftgauge.cli.backtest_summary import Summary
from driftgauge.cli.labelled import Labelled, labelled_incidents
from driftgauge.engine.model import Model
from driftgauge.errors import ConfigError


def labelled_for_backtest(path: Path | None, tolerance: str | None, models: Iterable[Model]) -> Labelled | None:
    """Read both options, of which neither need be given: None without incidents."""
    if path is not None:
        return labelled_incidents(path, tolerance, [model.pane_length for model in models])
    if tolerance is not None:
        raise ConfigError("--tolerance goes with --incidents FILE")
    return None


def score_backtest(labelled: Labelled | None, summary: Summary) -> None:
    """Add the score to a backtest's summary, if there are incidents and something was counted."""
    period = summary.period
    if labelled is not None and period is not None:
        models = [model.subject.model_id for model in summary.models]
        summary.score = labelled.score(summary.told.all(), models, *period)
