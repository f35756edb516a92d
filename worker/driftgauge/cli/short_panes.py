"""Panes shorter than the reference can fill: said by `backtest` and `check`, as nothing else would show it."""

from __future__ import annotations

from driftgauge.durations import format_duration, parse_duration
from driftgauge.engine.model import Model


def short_panes(model: Model) -> str | None:
    """What to know about the length of the model's panes; None if it is at least what the profile suggests."""
    suggested = model.profile.suggested_pane
    if model.pane_length >= parse_duration(suggested):
        return None
    return (
        f"panes of {format_duration(model.pane_length)} are shorter than the {suggested} that the profile suggests: "
        "where a pane holds a few events only, small changes come late and their times are vague; leave --pane out or "
        "set panes: {length: auto} if large ones needn't be told of sooner"
    )
