"""What the life cycle decides, before it is dressed up as an alert event.

An episode is the life of one problem on one series of one subject: opened, perhaps escalated and repeated, resolved.
Each step is a `Transition` with the full evidence of that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.types import Direction
from driftgauge.profiles.series import Series

EventKind = Literal["opened", "escalated", "repeat", "resolved"]
Severity = Literal["info", "warning", "critical"]
Reason = Literal["profile_changed", "level_expired"]


@dataclass(frozen=True, slots=True)
class DetectorEvidence:
    """A detector that agreed, with the numbers of its first alarm in this episode.

    `window` ms, `partitions`: as in `Detection`; partitions of all its alarms so far.
    """

    name: str
    statistic: float
    threshold: float
    p_value: float | None = None
    window: int | None = None
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Why. `before` / `after`: level of the series (its own unit, [0, 1] or PSI) before the onset and since.

    `onset`, `onset_earliest`, `onset_latest`: ms, estimated start of the change and the span it may lie in (one pane
    either way). `n_before` / `n_after`: events behind the two levels. `live_counts` int64 [cells of the slot]: what
    was counted since the onset (at most the last comparison window); empty if unknown. `effect_sd`: (after - before)
    in units of one event's reference sd; None for rates and windows.
    """

    detectors: tuple[DetectorEvidence, ...]
    direction: Direction
    before: float
    after: float
    effect_sd: float | None
    onset: int
    onset_earliest: int
    onset_latest: int
    n_before: int
    n_after: int
    live_counts: NDArray[np.int64]


class SegmentMove(NamedTuple):
    """A segment that has moved too, since the whole's onset: its levels of the series, in its unit."""

    segment: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """One step of an episode.

    `opened_pane_end`: end (ms) of the pane that opened the episode: its `startsAt` and part of every id. `at`: end of
    the pane that decided this step (`updatedAt`). `ordinal`: 0 for the opening, then counting up within the episode.
    `analysis`: the model's analysis hash at opening. `severity`: the one this event is published under.
    `superseded_by`: on the `resolved` that an escalation publishes on the old fingerprint, the new severity.
    `reason`: why an episode ended whose problem is not over.
    `offsets`: per source the first and last record offset of the deciding pane. `segments`: of a model's whole, those
    that have surely moved to the same side, the furthest first.
    """

    series: Series
    event: EventKind
    severity: Severity
    opened_pane_end: int
    at: int
    ordinal: int
    analysis: str
    evidence: Evidence
    offsets: Mapping[str, tuple[int, int]]
    superseded_by: Severity | None = None
    reason: Reason | None = None
    segments: tuple[SegmentMove, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the series is back where it was, so that counts since the onset say nothing about today any more."""
        return self.event == "resolved" and self.superseded_by is None and self.reason is None
