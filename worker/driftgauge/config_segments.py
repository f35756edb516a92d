"""Which segments a configuration has watched, and what of it doesn't fit the profile.

Decided by configuration and profile alone, never by which segments' events come first: partitions would disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from driftgauge.config import SegmentsConfig
from driftgauge.config_yaml import Path
from driftgauge.profiles.profile import Profile, SegmentReference

_SHOWN = 8


class WatchedSegments(NamedTuple):
    """The chosen ones, in the profile's order, and the most that there may be, by which they share the budget."""

    chosen: Sequence[SegmentReference]
    limit: int


def watched_segments(profile: Profile, section: SegmentsConfig | None, default_limit: int) -> WatchedSegments:
    """Of a section without problems: the values it names, else the profile's largest up to the limit."""
    section = section or SegmentsConfig()
    limit = section.limit if section.limit is not None else default_limit
    known = profile.segments.values if profile.segments is not None else []
    chosen = [segment for segment in known if section.values is None or segment.value in section.values]
    return WatchedSegments(chosen[:limit], limit)


def problems_of_segments(
    profile: Profile | None, section: SegmentsConfig, default_limit: int
) -> Iterator[tuple[Path, str]]:
    """Path below `segments`, and what is wrong there and how to mend it."""
    if profile is None:
        yield (), "the model has no profile, from which its segments would come: name one under profile"
        return
    if profile.segments is None:
        yield (), f"the profile has no segments: build it with --segment {section.tag or 'COL'}"
        return
    tag = profile.segments.tag
    if section.tag not in (None, tag):
        fix = f"write {tag}, or build the profile with --segment {section.tag}"
        yield ("tag",), f"the profile has no segments by {section.tag}, they are by {tag}: {fix}"
        return
    known = [segment.value for segment in profile.segments.values]
    for index, value in enumerate(section.values or ()):
        if value not in known:
            near = get_close_matches(value, known, n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            shown = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
            yield ("values", index), f"the profile has no segment {value!r}{meant} (it has {shown})"
    limit = section.limit if section.limit is not None else default_limit
    if section.values is not None and len(section.values) > limit:
        where = "limit" if section.limit is not None else "limits.segments"
        yield ("values",), f"names {len(section.values)} segments, but {where} is {limit}: raise it to as many"
