"""The whole of a model, as the alerts of its segments are held against it.

What moves all segments is one problem, and the whole's alert tells it. While that is open, one of a segment is told
only if the segment has surely moved further than the rest of the model (ADR 21).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from driftgauge.alerts.episode import Episode
from driftgauge.alerts.levels import SeriesPast
from driftgauge.alerts.move import SURE, Move
from driftgauge.detect.history import History
from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.series import Series

# So many times as far as the rest: by their nature, segments differ in how far one cause moves them.
_FURTHER = 1.5


class Standing(NamedTuple):
    """How it stands with the whole's alerts from a pane on (start, ms), by series key.

    `firing`: the episodes that are open; `calm_since`: of series that had one resolved, see `Episodes`.
    """

    since: int
    firing: Mapping[str, Episode]
    calm_since: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Whole:
    """A block of the whole's panes, judged before those of the segments.

    `history` ends with the block. `timeline`: how it stood before the block, then from each pane on that changed that.
    Panes are named by their start (ms).
    """

    series: Mapping[str, Series]
    history: History
    timeline: Sequence[Standing]

    def _at(self, pane: int) -> Standing:
        return next(standing for standing in reversed(self.timeline) if standing.since <= pane)

    def is_firing(self, key: str, pane: int) -> bool:
        """Whether an alert on that series is open after a pane."""
        return key in self._at(pane).firing

    def calm_since(self, key: str, pane: int) -> int:
        """Ms, since when it was known by a pane that the last alert on that series is over; ALWAYS: there was none."""
        return self._at(pane).calm_since.get(key, ALWAYS)

    def tells(self, moves: Sequence[Move], pane: int) -> bool:
        """Whether an alert is open after a pane that tells all these moves of a series of a segment as well."""
        standing = self._at(pane)
        return all(
            episode is not None and _as_far(self._move(self._past(move, pane), move, episode.before), move)
            for move in moves
            for episode in [standing.firing.get(move.series.key)]
        )

    def moves_too(self, move: Move, pane: int, onset: int) -> bool:
        """Whether the whole has surely moved as a segment has since `onset` (ms), by what would be worth an alert."""
        series = self.series.get(move.series.key)
        if series is None:
            return False
        past = self._past(move, pane)
        before = past.until(onset)
        own = self._move(past, move, before.mean if before.n > move.level.n else series.reference)
        far = abs(own.level.mean - own.before) > series.tolerance and own.is_sure
        return far and _as_far(own, move)

    def _past(self, move: Move, pane: int) -> SeriesPast:
        return SeriesPast.of(self.history, self.series[move.series.key].index, self.history.after(pane))

    def _move(self, past: SeriesPast, move: Move, before: float) -> Move:
        """The whole's over the panes of a segment's."""
        same = past.since(move.since)
        return Move(self.series[move.series.key], before, same.last(len(same.n)), move.since, move.wander)


def _as_far(whole: Move, segment: Move) -> bool:
    """Whether a segment has not surely moved further than `_FURTHER` times as far as the rest of the model.

    Over the same panes: with w the segment's part of the events, the whole moves w times as far as the segment and
    1 - w times as far as the rest.
    """
    if not segment.level.n:
        # No event since its onset shows that it has moved at all.
        return True
    rest_n = whole.level.n - segment.level.n
    if rest_n <= 0:
        # There is no rest; or, of repeats, the whole had too few rows for its groups.
        return whole.level.n > 0
    part = segment.level.n / whole.level.n
    rest = replace(whole, level=whole.level._replace(n=rest_n))
    moved = (whole.distance - part * segment.distance) / (1 - part) * math.copysign(1, segment.distance)
    limit = _FURTHER * max(0.0, moved)
    beyond = abs(segment.distance) - limit
    noise = segment.variance(limit) + _FURTHER**2 * rest.variance(abs(segment.distance) / _FURTHER)
    return beyond <= SURE * math.sqrt(noise)
