"""Where a partition begins: a pure decision from what is stored of it and what its log still has.

Normal is to go on at the stored position. All other cases have a name, and most a policy of that name in the section
`recovery` of the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from driftgauge.config import RecoveryConfig


class Case(StrEnum):
    """What was found. The names stand in the log and in docs/runbook.md."""

    GOES_ON = "goes_on"
    FIRST_START = "first_start"
    ADDED = "added"
    RESET = "reset"
    INHERITED = "inherited"
    LOST = "lost"
    DAMAGED = "damaged"
    CHANGED = "changed"
    ROLLED_BACK = "rolled_back"
    RETENTION_GAP = "retention_gap"
    TRUNCATED = "truncated"
    RECREATED = "recreated"


QUIET = (Case.GOES_ON, Case.FIRST_START, Case.ADDED)
# A group that never read it differs in nothing from one whose state and offsets are both lost.
_POLICY_OF = {Case.INHERITED: Case.LOST}


class Bounds(NamedTuple):
    """What a partition's log has: its first offset, the one its next record gets, the id of its topic ("": unknown).

    `committed`: what the consumer group was told last, None if nothing.
    """

    first: int
    end: int
    topic_id: str
    committed: int | None


class Unstored(NamedTuple):
    """What is known of a partition without usable state.

    `why`: RESET, DAMAGED or CHANGED; None: nothing is stored. `resume`: the offset from which what was not published
    yet can be counted anew, None if nobody told. `start`: where `kafka.start` says. `added`: after the group's first
    start.
    """

    why: Case | None
    resume: int | None
    start: int
    added: bool


@dataclass(frozen=True, slots=True)
class Beginning:
    """Read on from `position`. `gap`: first offset that should have been read and is gone, and the one after the last.

    `replayed`: records that are read again, though others have been told they were done with.
    """

    case: Case
    position: int
    gap: tuple[int, int] | None = None
    replayed: int = 0

    def refused_by(self, policies: RecoveryConfig) -> str | None:
        """The option that says not to begin so; None: none does."""
        policy = _POLICY_OF.get(self.case, self.case)
        return f"recovery.{policy}" if getattr(policies, policy, None) == "fail" else None

    def policy(self, policies: RecoveryConfig) -> str:
        """What the configuration says about it; `always` where it has no say."""
        return getattr(policies, _POLICY_OF.get(self.case, self.case), "always")


def go_on(position: int, topic_id: str, bounds: Bounds) -> Beginning:
    """With state up to `position` of the topic of that id."""
    if topic_id and bounds.topic_id and topic_id != bounds.topic_id:
        return Beginning(Case.RECREATED, bounds.first)
    if position > bounds.end:
        return Beginning(Case.TRUNCATED, bounds.end)
    if position < bounds.first:
        return Beginning(Case.RETENTION_GAP, bounds.first, (position, bounds.first))
    if bounds.committed is not None and position < bounds.committed:
        return Beginning(Case.ROLLED_BACK, position, replayed=bounds.committed - position)
    return Beginning(Case.GOES_ON, position)


def begin(known: Unstored, bounds: Bounds) -> Beginning:
    """Without state."""
    if known.why is None and known.resume is None and bounds.committed is None:
        # What was written before it was ours is nobody else's either.
        return Beginning(Case.ADDED, bounds.first) if known.added else Beginning(Case.FIRST_START, known.start)
    case = known.why or (Case.INHERITED if bounds.committed is None else Case.LOST)
    # Where nobody told, `kafka.start` may be right now what it was then; but not beyond what had been read.
    read_to = bounds.committed if bounds.committed is not None else known.start
    wanted = known.resume if known.resume is not None else min(known.start, read_to)
    if wanted > bounds.end:
        return Beginning(case, bounds.first)
    if wanted < bounds.first:
        return Beginning(case, bounds.first, (wanted, bounds.first))
    return Beginning(case, wanted)
