"""Problems that began together are one incident, told by the one that most likely is their cause.

No more than an order: data that is broken explains a feature that moved, which explains a prediction that moved. Of the
same rank the one that began first, then the one that moved furthest. What such a cause explains may also begin later,
while it goes on, for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftgauge.alerts.severity import SEVERITIES, AlertName
from driftgauge.alerts.transition import Severity
from driftgauge.report.recorder import Problem
from driftgauge.timestamps import parse_timestamp

_DAY = 86_400_000

_CAUSES: tuple[AlertName, ...] = (
    "BaselineMissing",
    "FeaturePipelineBroken",
    "DataQuality",
    "TrafficAnomaly",
    "FeatureDrift",
    "PredictionDrift",
)


@dataclass(frozen=True, slots=True)
class Incident:
    """`cause` and its `symptoms`, which began with it. All of one model and version, segments included."""

    cause: Problem
    symptoms: tuple[Problem, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them."""
        return (self.cause, *self.symptoms)

    @property
    def onset(self) -> int:
        """Ms: when the first of them began."""
        return min(problem.onset for problem in self.problems)

    @property
    def told(self) -> int:
        """Ms: when the first of them was told."""
        return min(problem.told for problem in self.problems)

    @property
    def resolved(self) -> int | None:
        """Ms: when the last of them was over; None if one of them still is open."""
        ends = [problem.resolved for problem in self.problems]
        return None if None in ends else max(end for end in ends if end is not None)

    @property
    def severity(self) -> Severity:
        """The worst of them."""
        return max((problem.worst.labels.severity for problem in self.problems), key=SEVERITIES.index)


def incidents_of(problems: Sequence[Problem]) -> list[Incident]:
    """Oldest first."""
    groups: list[list[Problem]] = []
    for problem in sorted(problems, key=lambda p: (p.onset, p.told)):
        group = next((g for g in groups if _together(g, problem)), None)
        if group is None:
            groups.append([problem])
        else:
            group.append(problem)
    return [_incident(group) for group in groups]


def _together(group: Sequence[Problem], problem: Problem) -> bool:
    first = group[0]
    if first.subject[:2] != problem.subject[:2]:
        return False
    # An onset is an estimate, so what began before the first of them was told may well have begun with it.
    if parse_timestamp(problem.worst.detail.change_point.earliest) <= min(p.told for p in group):
        return True
    cause = min(group, key=_likely_cause)
    goes_on = cause.resolved is None or problem.onset < cause.resolved
    return goes_on and problem.onset < cause.onset + _DAY and _rank(cause) < _rank(problem)


def _incident(group: Sequence[Problem]) -> Incident:
    cause, *symptoms = sorted(group, key=_likely_cause)
    return Incident(cause, tuple(symptoms))


def _likely_cause(problem: Problem) -> tuple[int, bool, int, float]:
    return _rank(problem), bool(problem.subject.segment), problem.onset, -abs(problem.worst.detail.effect or 0.0)


def _rank(problem: Problem) -> int:
    name = problem.worst.labels.alertname
    return _CAUSES.index(name) if name in _CAUSES else len(_CAUSES)
