"""How far the traffic of a subject has come, as bytes, and back. Strictly decoded."""

from __future__ import annotations

import math

import msgspec

from driftgauge.alerts.traffic_story import STALENESS, VOLUME, Story, TrafficSeries
from driftgauge.detect.traffic.days import Running
from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.level import Level, check_level
from driftgauge.detect.traffic.silence import Silence
from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY

_VERSION = 1


class Moment(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What is known of the panes up to now.

    `now`: ms that the panes, the empty ones included, have come to; `turned`: the midnight from which the level in
    force holds. `gaps`: by part, the panes without an event up to now. `running`: the row that isn't complete.
    `starts`, `counts`: the last panes whose volume counts.
    """

    now: int
    turned: int
    gaps: list[Silence]
    running: Running | None = None
    starts: list[int] = []
    counts: list[int] = []
    stories: dict[TrafficSeries, Story] = {}
    version: int = _VERSION


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_moments = msgspec.msgpack.Decoder(Moment | None)
_levels = msgspec.msgpack.Decoder(Level)


def encode_traffic(part: Moment | Level | None) -> bytes:
    """Equal parts give equal bytes."""
    return _encoder.encode(part)


def decode_moment(data: bytes, grid: Grid, parts: int) -> Moment | None:
    """The inverse. StateError if the bytes aren't that or hold what can't be."""
    try:
        moment: Moment | None = _moments.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the stored traffic can't be read: {error}") from error
    if moment is None:
        return None
    if moment.version != _VERSION:
        raise StateError(f"the stored traffic has version {moment.version}, this program reads {_VERSION}")
    starts = moment.starts
    fits = (
        moment.now == grid.at_or_before(moment.now)
        and moment.turned % DAY == 0
        and moment.turned <= moment.now <= grid.at_or_after(moment.turned + DAY)
        and len(moment.gaps) == parts
        and all(gap.fits and grid.at_or_before(gap.begin) == gap.begin <= moment.now for gap in moment.gaps)
        and len(starts) == len(moment.counts)
        and starts == sorted(set(starts))
        and all(start == grid.at_or_before(start) < moment.now for start in starts)
        and min(moment.counts, default=0) >= 0
        and all(name in (*STALENESS[:parts], VOLUME) and _fits(story) for name, story in moment.stories.items())
        and all(gap.panes for name, gap in zip(STALENESS, moment.gaps, strict=False) if name in moment.stories)
    )
    if not fits:
        raise StateError("the stored traffic holds impossible numbers")
    return moment


def decode_level(data: bytes, grid: Grid, parts: int) -> Level:
    """The same for the level."""
    try:
        level = _levels.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the stored level of the traffic can't be read: {error}") from error
    check_level(level, grid, parts)
    return level


def _fits(story: Story) -> bool:
    return (
        min(story.n_before, story.events, story.ordinal) >= 0
        and math.isfinite(story.statistic)
        and math.isfinite(story.threshold)
        and 0 <= story.p_value <= 1
    )
