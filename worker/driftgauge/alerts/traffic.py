"""The traffic of one subject under watch: silences and volume, each an alert with a story of its own.

Fed with all closed panes and with how far event time has come, since panes without events never close: the same for
any blocks, interleavings and restarts. What is expected is learned from the subject's own clean days, at midnight UTC,
and holds until the last of them is four weeks old: what has lasted for so long is no news any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driftgauge.alerts.lifecycle import LifecycleSettings, repeat_interval
from driftgauge.alerts.traffic_silence import SilenceWatch
from driftgauge.alerts.traffic_state import Moment, decode_level, decode_moment, encode_traffic
from driftgauge.alerts.traffic_story import STALENESS, Stories, TrafficStep
from driftgauge.alerts.traffic_volume import VolumeWatch
from driftgauge.alerts.transition import Reason
from driftgauge.detect.traffic.days import Days
from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.level import Level, learn
from driftgauge.detect.traffic.limits import Limits
from driftgauge.detect.traffic.parts import ALL, Parts
from driftgauge.detect.traffic.volume import Volume
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.season import DAY

_MOMENT, _LEVEL = "traffic", "traffic_level"


class TrafficWatch:
    """What detect holds of one subject's traffic. `level`: what is expected; None: not known yet."""

    def __init__(
        self, layout: Layout, pane_length: int, limits: Limits, analysis: str, lifecycle: LifecycleSettings
    ) -> None:
        """Nothing seen yet. `analysis`: the model's analysis hash, part of every id."""
        self.level: Level | None = None
        self._grid = Grid(pane_length)
        self._parts = Parts(layout)
        self._days = Days(self._grid, self._parts.count)
        self._stories = Stories(self._days, pane_length, repeat_interval(lifecycle, pane_length), analysis)
        self._volume = Volume(self._grid, limits, lifecycle.resolve_panes)
        self._volumes = VolumeWatch(self._volume, lifecycle.resolve_panes, self._stories)
        self._silences = SilenceWatch(self._grid, limits, self._days, self._stories)
        # Ms that the panes, the empty ones included, have come to, and the midnight before; None before the first.
        self._now: int | None = None
        self._turned = 0
        self._stored_level: Level | None = None

    def advance(self, panes: Sequence[Pane]) -> list[TrafficStep]:
        """Take closed panes, oldest first."""
        out: list[TrafficStep] = []
        for pane in panes:
            counted = self._parts.of(pane.counts)
            if counted[ALL]:
                out += self._pass(pane.start)
                out += self._take(pane, counted)
        return out

    def be_silent(self, to: int) -> list[TrafficStep]:
        """No other pane that ends up to then (ms) will close any more."""
        return self._pass(self._grid.at_or_before(to))

    def end(self, at: int) -> list[TrafficStep]:
        """The profile that the panes were counted with holds until then (ms): no alert goes on by another one."""
        return self._end_all(at, "profile_changed")

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields as they are now (days and the level only if new), and fields that may be deleted."""
        fields, gone = self._days.changes()
        moment = None
        if self._now is not None:
            moment = Moment(
                self._now,
                self._turned,
                self._silences.gaps,
                self._days.running,
                self._volume.starts,
                self._volume.counts,
                self._stories.running,
            )
        fields[_MOMENT] = encode_traffic(moment)
        if self.level is not self._stored_level:
            self._stored_level = self.level
            if self.level is None:
                gone.append(_LEVEL)
            else:
                fields[_LEVEL] = encode_traffic(self.level)
        return fields, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Go on from stored fields; without any, traffic is watched from now on. StateError if they don't fit."""
        if _MOMENT not in fields:
            return
        moment = decode_moment(fields[_MOMENT], self._grid, self._parts.count)
        self._days.restore(fields)
        level = None
        if _LEVEL in fields:
            level = self._stored_level = decode_level(fields[_LEVEL], self._grid, self._parts.count)
        if moment is None:
            return
        if moment.running is not None and not self._days.fits(moment.running):
            raise StateError("the stored traffic holds an impossible hour")
        if moment.stories and level is None:
            raise StateError("the stored traffic holds an alert, but not what was expected")
        self._now, self._turned, self._days.running = moment.now, moment.turned, moment.running
        self._silences.gaps, self._stories.running = moment.gaps, moment.stories
        self._volume.starts, self._volume.counts = moment.starts, moment.counts
        self._go_by(level)

    def _pass(self, to: int) -> list[TrafficStep]:
        """No pane from now up to `to` (a pane start, ms) holds an event."""
        out: list[TrafficStep] = []
        while self._now is not None:
            turn = self._grid.at_or_after(self._turned + DAY)
            end = min(to, turn)
            for stretch in self._grid.stretches(self._now, end):
                out += self._silences.be_silent(stretch)
            self._days.empty(self._now, end)
            self._now = max(self._now, end)
            if turn > to:
                break
            out += self._turn(self._now)
        return out

    def _take(self, pane: Pane, counted: list[int]) -> list[TrafficStep]:
        if self._now is None:
            self._turned = pane.start - pane.start % DAY
            self._silences.start(pane.start, self._parts.count)
        out: list[TrafficStep] = []
        silent = STALENESS[ALL] in self._stories.running
        if not silent:
            self._volume.empty(self._silences.gaps[ALL].begin, pane.start)
        for part, events in enumerate(counted):
            if events:
                out += self._silences.speak(part, pane, events)
            elif not pane.incomplete:
                out += self._silences.miss(part, pane, counted[ALL])
        # The start and the end of what was read are cut, and so is the end of a silence.
        if not pane.incomplete:
            self._days.take(pane.start, counted)
            if not silent:
                out += self._volumes.judge(pane, counted[ALL], self.level)
        self._now = pane.end
        return out

    def _turn(self, now: int) -> list[TrafficStep]:
        """A day is over: learn from the clean ones."""
        self._turned += DAY
        self._stories.spoil(self._turned)
        clean = self._days.turn(self._turned)
        learned, out = learn(clean, self._grid, self._parts.count), []
        if not clean:
            out = self._end_all(now, "level_expired")
            self._go_by(None)
        elif learned is not None and (self.level is None or learned.hourly >= self.level.hourly):
            # Of fewer days than that takes, what they told when there were more holds as long as any of them does.
            self._go_by(learned)
        if self._days.silent and not self._stories.running:
            self._days.forget()
            self._volume.forget(now)
            self._go_by(None)
            self._now = None
        return out

    def _go_by(self, level: Level | None) -> None:
        self.level = self._silences.level = level
        self._volume.rebase(level)

    def _end_all(self, at: int, reason: Reason) -> list[TrafficStep]:
        return self._silences.end(at, reason) + self._volumes.end(at, reason)
