"""How many events came over the last 1, 15, 60 and 360 panes, against how many were to be expected.

An alarm needs half as many again, or two thirds, and p below the level of its scale, with the variance E^2 tau^2 + D E
of the current E: wander of windows of that length, and counts that are burstier (D) than Poisson's. Scale 1 takes the
two of the last three panes that agree best, at the lesser one of them; longer windows take back their most extreme
pane, and those beyond half an hour of panes must still show it in the last of them. Distances are logarithms of N / E:
a rate can't fall below nothing, and what doubles or halves it is alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.level import ONE, Level
from driftgauge.detect.traffic.limits import Limits
from driftgauge.detect.traffic.parts import ALL
from driftgauge.detect.types import Direction
from driftgauge.detect.windows.means import WindowNoise, p_value
from driftgauge.profiles.scale_noise import SCALES

_PANES_OF_PAIR = 3
_RECENT = 30
# In the place of none, whose logarithm is none.
_LEAST_EVENTS = 0.5
# Alarms from a factor of 1.5 either way, an end within its square root.
SMALLEST = 1.5
CALM = math.sqrt(SMALLEST)


class Excess(NamedTuple):
    """What a window of `scale` panes showed; `p` and the `level` it had to be below."""

    scale: int
    direction: Direction
    p: float
    level: float


class Held(NamedTuple):
    """Panes: `starts` ms, `events`, and `expected` in 2^-32 events."""

    starts: list[int]
    events: list[int]
    expected: list[int]

    @property
    def ratio(self) -> float:
        """Events over expected ones; NaN if none were expected."""
        expected = sum(self.expected)
        return sum(self.events) * ONE / expected if expected else math.nan


class Volume:
    """The last panes whose volume counts: complete ones outside of silences. `starts`, `counts`: what is stored."""

    def __init__(self, grid: Grid, limits: Limits, keep: int) -> None:
        """None yet; `keep`: panes that are remembered at least."""
        self.starts: list[int] = []
        self.counts: list[int] = []
        self._grid = grid
        self._limits = limits
        self._keep = max(keep, SCALES[-1])
        self._level: Level | None = None
        self._expected: list[int] = []
        self._events: list[int] = []
        self._sums: dict[int, tuple[int, int]] = {}

    def rebase(self, level: Level | None) -> None:
        """Go by this level from the next pane on; it has to be told again after a restore."""
        self._level = level if level is not None and level.wander else None
        self._expected = [self._rate(start) for start in self.starts]
        self._events = [n if e else 0 for n, e in zip(self.counts, self._expected, strict=True)]
        self._sums = {w: (sum(self._events[-w:]), sum(self._expected[-w:])) for w in (*SCALES[1:], _RECENT)}

    def add(self, start: int, count: int) -> None:
        """Take the next pane."""
        expected = self._rate(start)
        # What there is no expectation of is no evidence.
        events = count if expected else 0
        self.starts.append(start)
        self.counts.append(count)
        self._events.append(events)
        self._expected.append(expected)
        for w, (n, e) in self._sums.items():
            out = len(self.starts) - 1 - w
            gone = (self._events[out], self._expected[out]) if out >= 0 else (0, 0)
            self._sums[w] = n + events - gone[0], e + expected - gone[1]
        if len(self.starts) > self._keep:
            for held in (self.starts, self.counts, self._events, self._expected):
                del held[0]

    def empty(self, begin: int, end: int) -> None:
        """Take the panes between two pane starts (ms), without an event each."""
        for start in range(max(begin, end - self._keep * self._grid.pane), end, self._grid.pane):
            self.add(start, 0)

    def since(self, start: int | None, most: int | None = None) -> Held:
        """The panes from `start` (ms; None: all) on of which anything is expected; of these the last `most`."""
        first = 0 if start is None else int(np.searchsorted(self.starts, start))
        chosen = [i for i in range(first, len(self.starts)) if self._expected[i]]
        chosen = chosen[-most:] if most is not None else chosen
        return Held(*([held[i] for i in chosen] for held in (self.starts, self._events, self._expected)))

    def forget(self, before: int) -> None:
        """Nothing before `before` (ms) is evidence any more."""
        first = int(np.searchsorted(self.starts, before))
        self.starts, self.counts = self.starts[first:], self.counts[first:]
        self.rebase(self._level)

    def excess(self) -> Excess | None:
        """What the newest pane shows, at the shortest scale that shows it."""
        if self._level is None or not self._expected or not self._expected[-1]:
            return None
        found = self._pair()
        for i, w in enumerate(SCALES):
            if found is None and i and len(self.starts) >= w:
                found = self._window(i, *self._sums[w])
        return found

    def _rate(self, start: int) -> int:
        cell = self._grid.cell_of(start)
        return self._level.rates[ALL][cell] if self._level is not None and self._level.judged[cell] else 0

    def _pair(self) -> Excess | None:
        last = list(zip(self._events[-_PANES_OF_PAIR:], self._expected[-_PANES_OF_PAIR:], strict=True))
        if len(last) < _PANES_OF_PAIR or not all(e for _, e in last):
            return None
        ordered = sorted(last, key=lambda pane: (pane[0] * ONE / pane[1], pane))
        lesser = ordered[1]
        direction = _direction(*lesser)
        if direction is None:
            return None
        extreme = ordered[2] if direction == "up" else ordered[0]
        expected = (lesser[1] + extreme[1]) / ONE
        # Three pairs can be made of three panes, and any may be the one that agrees.
        return self._test(
            0, direction, expected * lesser[0] * ONE / lesser[1], expected, _PANES_OF_PAIR, _PANES_OF_PAIR
        )

    def _window(self, i: int, events: int, expected: int) -> Excess | None:
        w = SCALES[i]
        direction = _direction(events, expected)
        if direction is None:
            return None
        if w > _RECENT and not _still(*self._sums[_RECENT], direction):
            return None
        panes = range(len(self.starts) - w, len(self.starts))
        beyond = [self._events[j] * ONE - self._expected[j] for j in panes]
        extreme = max(beyond) if direction == "up" else min(beyond)
        events_left = events - extreme / ONE
        if _direction(events_left, expected) != direction:
            return None
        return self._test(i, direction, events_left, expected / ONE, w, 1)

    def _test(
        self, i: int, direction: Direction, events: float, expected: float, panes: int, ways: int
    ) -> Excess | None:
        level = self._level
        wander = level.wander[i] if level is not None else None
        if level is None or wander is None:
            return None
        dispersion = self._dispersion(level, i, panes)
        ratio = max(events, _LEAST_EVENTS) / expected
        if ratio <= 1 if direction == "up" else ratio >= 1:
            # Hardly an event was expected, so that none is nothing to speak of.
            return None
        distance = abs(math.log(ratio))
        # Wander multiplies, so it is held against the logarithm; chance goes by the difference, so it is stretched.
        stretch = distance / abs(ratio - 1)
        scatter = dispersion * stretch**2
        kurtosis = wander.kurtosis
        if i == 0 and wander.measured > 0:
            # As if it were wander's own: each tail counts by its part of the variance, squared.
            kurtosis += level.tails * (scatter / expected / wander.measured) ** 2
        of_window = (wander.measured, wander.tau2, wander.dof, kurtosis, scatter, 0.0)
        noise = WindowNoise(*(_one(x) for x in of_window))
        reach = dispersion * stretch if direction == "up" else 0.0
        p = ways * float(p_value(_one(distance), _one(expected), noise, _one(reach))[0])
        return Excess(SCALES[i], direction, p, self._limits.levels[i]) if p < self._limits.levels[i] else None

    def _dispersion(self, level: Level, i: int, panes: int) -> float:
        """Of the last panes' counts, at this scale or the longest that is shorter than an hour."""
        if not level.spread:
            return 1.0
        by_cell = level.spread[min(i, len(level.spread) - 1)]
        starts, expected = self.starts[-panes:], self._expected[-panes:]
        weighted = sum(e / ONE * by_cell[self._grid.cell_of(start)] for start, e in zip(starts, expected, strict=True))
        return weighted / (sum(expected) / ONE)


def _direction(events: float, expected: int) -> Direction | None:
    ratio = events * ONE / expected if expected else 1.0
    return "up" if ratio >= SMALLEST else "down" if ratio <= 1 / SMALLEST else None


def _still(events: int, expected: int, direction: Direction) -> bool:
    ratio = events * ONE / expected if expected else 1.0
    return ratio >= CALM if direction == "up" else ratio <= 1 / CALM


def _one(x: float) -> NDArray[np.float64]:
    return np.array([x])
