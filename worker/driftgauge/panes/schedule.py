"""When a subject's profile or settings change: a chain of plans, each with the event time from which it holds.

A change takes place where a pane of the old plan ends and one of the new plan starts, so that every event is in one
pane, of one plan, whoever counts it and when (rules.md §2.7).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Protocol, Self, TypeVar

from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp

# In the place of a start: there was nothing before.
ALWAYS = -(1 << 62)


class Scheduled(Protocol):
    """A plan that holds for panes that start at `since` (ms) or later, and the one that held `before`."""

    @property
    def since(self) -> int:
        """ALWAYS, or the start of a pane of this plan that is the end of one of the plan before."""
        ...

    @property
    def before(self) -> Self | None:
        """None: nothing was counted or judged before."""
        ...


Plan = TypeVar("Plan", bound=Scheduled)


def all_plans(newest: Plan | None) -> Iterator[Plan]:
    """The newest first."""
    while newest is not None:
        yield newest
        newest = newest.before


def plan_at(newest: Plan | None, time: int) -> Plan | None:
    """The plan that holds at `time` (ms); None: none does."""
    return next((plan for plan in all_plans(newest) if time >= plan.since), None)


def plan_of(plans: Mapping[Subject, Plan], subject: Subject, time: int) -> Plan | None:
    """The plan that holds for a subject at `time` (ms). A segment's ends with the whole's of the same start."""
    found = plan_at(plans.get(subject), time)
    whole = plan_at(plans.get(subject._replace(segment="")), time)
    return found if found is not None and whole is not None and found.since == whole.since else None


def first_pane(effective_from: int, length: int, length_before: int) -> int:
    """Ms: the first start of a pane at or after `effective_from` that is the end of one of `length_before` (ms) too."""
    grid = math.lcm(length, length_before)
    return -(-effective_from // grid) * grid


def refusal(subject: Subject, since: int, reached: int) -> str:
    """Why a change at `since` (ms) can't be made where events up to `reached` (ms) are counted or judged; the way out.

    What is counted by one profile can't be counted again by another: the records may be gone, the panes are published.
    """
    return (
        f"the profile of {subject} is to change at {format_timestamp(since)}, but events up to "
        f"{format_timestamp(reached)} have been taken with what was there before; choose an effective_from some "
        "minutes after that, as other partitions may have come further"
    )
