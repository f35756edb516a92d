"""The volume of one subject: when it is an alert, since when, and when it is back."""

from __future__ import annotations

import math

import numpy as np

from driftgauge.alerts.levels import SeriesPast
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.traffic_story import VOLUME, Seen, Stories, Story, TrafficStep
from driftgauge.alerts.transition import Reason, Severity
from driftgauge.detect.traffic.level import ONE, Level
from driftgauge.detect.traffic.parts import ALL
from driftgauge.detect.traffic.volume import CALM, Excess, Held, Volume
from driftgauge.panes.merge import Pane

# So many times what is expected, or that part of it, is critical.
_CRITICAL = 3.0
# The volume *now* is that of so many panes.
_LEVEL_PANES = 30


class VolumeWatch:
    """The story on the volume, told from the panes that `volume` remembers."""

    def __init__(self, volume: Volume, resolve_panes: int, stories: Stories) -> None:
        """No pane yet."""
        self._volume = volume
        self._resolve_panes = resolve_panes
        self._stories = stories

    def judge(self, pane: Pane, events: int, level: Level | None) -> list[TrafficStep]:
        """Take a complete pane with events."""
        self._volume.add(pane.start, events)
        story = self._stories.running.get(VOLUME)
        if story is not None:
            return self._go_on(story, pane, events)
        excess = self._volume.excess()
        return [self._open(pane, excess, level)] if excess is not None and level is not None else []

    def end(self, at: int, reason: Reason) -> list[TrafficStep]:
        """What was expected holds no more; to be called while it still does."""
        story = self._stories.running.get(VOLUME)
        if story is None:
            return []
        held = self._volume.since(story.onset, _LEVEL_PANES)
        return [self._stories.end(VOLUME, at, _seen(held), None, reason)]

    def _open(self, pane: Pane, excess: Excess, level: Level) -> TrafficStep:
        onset = self._onset(excess)
        held = self._volume.since(onset, _LEVEL_PANES)
        story = Story(
            severity=_severity(held),
            onset=onset,
            direction=excess.direction,
            statistic=-math.log10(max(excess.p, np.finfo(np.float64).tiny)),
            threshold=-math.log10(excess.level),
            p_value=excess.p,
            n_before=level.events[ALL],
            events=sum(self._volume.since(onset).events),
        )
        return self._stories.open(VOLUME, story, pane.end, _seen(held), pane)

    def _go_on(self, story: Story, pane: Pane, events: int) -> list[TrafficStep]:
        story.events += events
        calm = self._volume.since(story.opened_pane_end, self._resolve_panes)
        if len(calm.starts) >= self._resolve_panes and 1 / CALM <= calm.ratio <= CALM:
            # What lies before is another story.
            self._volume.forget(calm.starts[0])
            return [self._stories.end(VOLUME, pane.end, _seen(calm), pane)]
        held = self._volume.since(story.onset, _LEVEL_PANES)
        severity = _severity(held)
        if SEVERITIES.index(severity) > SEVERITIES.index(story.severity):
            return self._stories.escalate(VOLUME, severity, pane.end, _seen(held), pane)
        if pane.end >= self._stories.repeat_at(VOLUME):
            return [self._stories.tell(VOLUME, "repeat", pane.end, _seen(held), pane)]
        return []

    def _onset(self, excess: Excess) -> int:
        """The best cut of the remembered panes, if what follows it is off that way; else the start of the window."""
        held = self._volume.since(None)
        ratios = np.array([n * ONE / e for n, e in zip(held.events, held.expected, strict=True)])
        # As weights, expected events to six digits after the point.
        weights = np.array([max(1, e >> 12) for e in held.expected], np.int64)
        split = SeriesPast(np.array(held.starts, np.int64), ratios, weights).split()
        if split is not None:
            off = split.after.mean if excess.direction == "up" else 1 / max(split.after.mean, 1e-9)
            if off >= CALM:
                return split.onset
        return held.starts[-min(len(held.starts), excess.scale)]


def _severity(held: Held) -> Severity:
    return "critical" if held.ratio >= _CRITICAL or held.ratio <= 1 / _CRITICAL else "warning"


def _seen(held: Held) -> Seen:
    panes = max(1, len(held.starts))
    return Seen(sum(held.expected) / ONE / panes, sum(held.events) / panes)
