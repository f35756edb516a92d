"""One side's run over the same events: what was measured, and how it becomes a row of the results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.stage_clock import Instant

OURS, LOOP = "driftgauge", "hand-written"


@dataclass(frozen=True)
class Measurement:
    """`stages`: ns by stage, in the order of a record's way. `outcome`: what the run found, for a look at its sense."""

    side: str
    events: int
    stages: Mapping[str, Instant]
    outcome: Mapping[str, Any]

    @property
    def wall(self) -> float:
        """µs per event."""
        return sum(stage.wall for stage in self.stages.values()) / 1000 / self.events

    @property
    def cpu(self) -> float:
        """µs per event."""
        return sum(stage.cpu for stage in self.stages.values()) / 1000 / self.events

    def row(self, scenario: str, number: int) -> dict[str, Any]:
        """The raw figures as JSON."""
        return {
            "scenario": scenario,
            "round": number,
            "side": self.side,
            "events": self.events,
            "wall_us_per_event": round(self.wall, 3),
            "cpu_us_per_event": round(self.cpu, 3),
            "events_per_second": round(1e6 / self.wall),
            "stages": {
                name: {"wall_us": round(t.wall / 1000 / self.events, 3), "cpu_us": round(t.cpu / 1000 / self.events, 3)}
                for name, t in self.stages.items()
            },
            "outcome": dict(self.outcome),
            "load_1min": round(os.getloadavg()[0], 2),
        }


def in_order(stages: Mapping[str, Instant], names: tuple[str, ...]) -> dict[str, Instant]:
    """All stages, those of `names` first and in that order."""
    return {name: stages[name] for name in (*names, *stages) if name in stages}
