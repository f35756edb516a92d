"""A memory too short for the longest means that are looked at: said by `check`, `backtest` and `run`."""

from __future__ import annotations

from driftgauge.detect.detectors.multiscale import SCALES, MultiScale
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model


def short_ring(model: Model) -> str | None:
    """What is not looked at because of `limits.ring_panes`; None if everything is."""
    ring = model.settings.ring_panes
    left_out = [scale for scale in SCALES if scale > ring]
    if not left_out or MultiScale.name not in model.settings.detectors:
        return None
    spans = " and ".join(f"{scale} panes ({format_duration(scale * model.pane_length)})" for scale in left_out)
    return (
        f"limits.ring_panes is {ring}: means over {spans} are not looked at, so small lasting shifts are found late or "
        f"not at all; set it to {max(SCALES)} or more"
    )
