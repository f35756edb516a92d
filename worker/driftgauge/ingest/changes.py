"""Changes of profiles as a source's event time reaches them: a function of its watermark, so they need no state."""

from __future__ import annotations

from collections.abc import Iterable

from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.messages import ProfileChange


class ProfileChanges:
    """The changes that are planned. `reached`: event time (ms) up to which they have been told."""

    def __init__(self, planned: Iterable[ProfileChange]) -> None:
        """None told yet."""
        self.reached = MIN_TIME
        self._planned = sorted(planned, key=lambda change: (change.effective_from, change.model_id, change.profile))

    def up_to(self, time: int) -> list[ProfileChange]:
        """Those that event time has reached since the last call."""
        due = [change for change in self._planned if self.reached < change.effective_from <= time]
        self.reached = max(self.reached, time)
        return due
