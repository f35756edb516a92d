"""Whether the panes topic takes every pane that the models can give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftgauge.config import Config
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.engine.model import Model
from driftgauge.panes.size import largest_pane


def too_large_panes(config: Config, models: Sequence[Model]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Path and message for each model whose panes may be larger than `limits.max_pane_bytes`."""
    for model in models:
        on_events = [detector for detector in model.detectors() if isinstance(detector, OnEvents)]
        streams = [(detector.name, key) for detector in on_events for key in detector.series_keys]
        needed = largest_pane(model.layout, model.subject, streams, config.limits.event_alarms)
        if needed > config.limits.max_pane_bytes:
            message = (
                f"a pane of {model.subject} may take {needed} bytes: set it to that or more, and max.message.bytes of "
                f"{config.topics.panes} (driftgauge topics create says to what)"
            )
            yield ("limits", "max_pane_bytes"), message
