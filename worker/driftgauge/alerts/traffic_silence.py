"""Silences of one subject: no event at all, or no features, or no prediction while the other part goes on."""

from __future__ import annotations

import math

from driftgauge.alerts.traffic_story import STALENESS, Seen, Stories, Story, TrafficStep
from driftgauge.alerts.transition import EventKind, Reason
from driftgauge.detect.traffic.days import Days, Gap
from driftgauge.detect.traffic.grid import Grid, Stretch
from driftgauge.detect.traffic.level import ONE, Level
from driftgauge.detect.traffic.limits import Limits
from driftgauge.detect.traffic.parts import ALL
from driftgauge.detect.traffic.silence import LEAST_PANES, Silence, limit_of
from driftgauge.panes.merge import Pane


class SilenceWatch:
    """The gaps that go on, by part, and when they are alerts. `level`: what is expected now, None: unknown."""

    def __init__(self, grid: Grid, limits: Limits, days: Days, stories: Stories) -> None:
        """To be started with the first pane."""
        self.gaps: list[Silence] = []
        self.level: Level | None = None
        self._grid = grid
        self._limits = limits
        self._days = days
        self._stories = stories

    def start(self, at: int, parts: int) -> None:
        """The first pane starts then (ms)."""
        self.gaps = [Silence(at) for _ in range(parts)]

    def be_silent(self, stretch: Stretch) -> list[TrafficStep]:
        """Panes of one row without an event: what falls due in them, at the end of the pane in which it does."""
        rate, hazard = self._expected(ALL, stretch.cell)
        out: list[TrafficStep] = []
        at, left = stretch.start, stretch.panes
        while left:
            fired = STALENESS[ALL] in self._stories.running
            if fired:
                ahead = self._stories.repeat_at(STALENESS[ALL]) - at
                due: int | None = max(1, -(-ahead // self._grid.pane))
            else:
                due = self._due(ALL, self.gaps[ALL], hazard)
            reached = due is not None and due <= left
            panes = due if due is not None and reached else left
            self.gaps[ALL] = self.gaps[ALL].after(panes, rate, hazard)
            at, left = at + panes * self._grid.pane, left - panes
            if reached:
                out.append(self._tell(ALL, "repeat", at, None) if fired else self._open(ALL, at, None))
        return out

    def speak(self, part: int, pane: Pane, events: int) -> list[TrafficStep]:
        """A part has events in a pane: what ends with that."""
        silence, series = self.gaps[part], STALENESS[part]
        out = []
        if series in self._stories.running:
            out = [self._stories.end(series, pane.end, self._seen(part, events), pane)]
        elif silence.panes >= LEAST_PANES:
            self._days.end_gap(Gap(part, silence.begin, pane.start, silence.panes))
        self.gaps[part] = Silence(pane.end)
        return out

    def miss(self, part: int, pane: Pane, events: int) -> list[TrafficStep]:
        """A part has no events in a pane in which the other one has some."""
        silence, series = self.gaps[part], STALENESS[part]
        if not silence.panes:
            silence = Silence(pane.start)
        rate, hazard = self._expected(part, self._grid.cell_of(pane.start))
        due = self._due(part, silence, hazard) == 1
        self.gaps[part] = silence.after(1, rate, hazard)
        story = self._stories.running.get(series)
        if story is None:
            return [self._open(part, pane.end, pane)] if due else []
        story.events += events
        return [self._tell(part, "repeat", pane.end, pane)] if pane.end >= self._stories.repeat_at(series) else []

    def end(self, at: int, reason: Reason) -> list[TrafficStep]:
        """What was expected holds no more."""
        return [
            self._stories.end(series, at, self._seen(part, 0), None, reason)
            for part, series in enumerate(STALENESS)
            if series in self._stories.running
        ]

    def _expected(self, part: int, cell: int) -> tuple[int, int]:
        """Rate and hazard of a pane."""
        return (self.level.rates[part][cell], self.level.hazards[part][cell]) if self.level is not None else (0, 0)

    def _due(self, part: int, silence: Silence, hazard: int) -> int | None:
        return silence.due(hazard, limit_of(self.level, self._limits, part)) if self.level is not None else None

    def _open(self, part: int, at: int, pane: Pane | None) -> TrafficStep:
        level, silence = self.level, self.gaps[part]
        assert level is not None  # noqa: S101 (nothing is due without)
        size = silence.size / ONE
        story = Story(
            severity="critical",
            onset=silence.begin,
            direction="down",
            statistic=size,
            threshold=limit_of(level, self._limits, part) / ONE,
            p_value=math.exp(-size),
            n_before=level.events[part],
        )
        return self._stories.open(STALENESS[part], story, at, self._seen(part, 0), pane)

    def _tell(self, part: int, event: EventKind, at: int, pane: Pane | None) -> TrafficStep:
        return self._stories.tell(STALENESS[part], event, at, self._seen(part, 0), pane)

    def _seen(self, part: int, events: int) -> Seen:
        missing = self.gaps[part].expected / ONE
        return Seen(missing / self.gaps[part].panes, float(events), round(missing))
