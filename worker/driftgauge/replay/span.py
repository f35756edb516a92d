"""Which part of event time a replay tells of, and how much before it is judged without being told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane


@dataclass(frozen=True, slots=True)
class Span:
    """All in ms of event time. Told is what panes say that end after `start` and at or before `end`.

    Panes that start at `judged_from` or later are judged, so that detectors, levels and the season know a past: all
    there are, unless less is asked for.
    """

    start: int = MIN_TIME
    end: int = END_OF_TIME
    judged_from: int = MIN_TIME

    def tells(self, at: int) -> bool:
        """Whether a transition at the end of that pane is told."""
        return self.start < at <= self.end

    def judged(self, messages: Iterable[Message]) -> list[Message]:
        """Without the panes that are not judged. Watermarks stay: what they pass is known to be empty then."""
        return [
            message
            for message in messages
            if not isinstance(message, PartialPane) or (message.start >= self.judged_from and message.end <= self.end)
        ]


ALL = Span()
