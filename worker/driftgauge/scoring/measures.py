"""What a matching is worth, in numbers: recall, precision, false alerts, delays, time in alert.

Times are summed over the models watched: a month of two models is two model-months. *Quiet* is the time in no window of
an incident of that model; only then can an alert be false, so only that time counts for the rate of false alerts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftgauge.scoring.delays import MEDIAN, P90, Quantile, quantile
from driftgauge.scoring.intervals import binomial_interval, poisson_interval
from driftgauge.scoring.matching import IN_VAIN, VERDICTS, Finding, Matching, Verdict
from driftgauge.scoring.spans import Span, length, overlap, rest, union

# Of the false-alarm budget too: 30 days.
MONTH = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the incidents were found, with a 95 % interval of the share; None where there were none."""

    found: int
    incidents: int

    @property
    def share(self) -> float | None:
        """Of the incidents, those found."""
        return self.found / self.incidents if self.incidents else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Exact, as if incidents were drawn at random."""
        return binomial_interval(self.found, self.incidents) if self.incidents else None


@dataclass(frozen=True, slots=True)
class FalseAlerts:
    """Alerts that were told in the quiet time of `quiet` ms; None where there was no such time."""

    count: int
    quiet: int

    @property
    def months(self) -> float:
        """Model-months of quiet time."""
        return self.quiet / MONTH

    @property
    def per_month(self) -> float | None:
        """Per model-month."""
        return self.count / self.months if self.quiet else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of that, as if they came independently of each other."""
        return poisson_interval(self.count, self.months) if self.quiet else None

    @property
    def mean_time_between(self) -> float | None:
        """Quiet time per false alert, ms; None without one."""
        return self.quiet / self.count if self.count and self.quiet else None


@dataclass(frozen=True, slots=True)
class Delays:
    """From the start of an incident to the alert that found it, ms. `mean`: of those found alone; None if none was."""

    median: Quantile
    p90: Quantile
    mean: float | None


@dataclass(frozen=True, slots=True)
class Measures:
    """All of it. `in_alert`, `in_alert_quiet`: share of the time, and of the quiet time, with an open alert."""

    recall: Recall
    verdicts: Mapping[Verdict, int]
    false: FalseAlerts
    delays: Delays
    in_alert: float
    in_alert_quiet: float | None

    @property
    def precision(self) -> float | None:
        """Of the incidents found and the false alerts together, the former; None if there was neither."""
        told = self.recall.found + self.false.count
        return self.recall.found / told if told else None

    @property
    def mean_time_ratio(self) -> float | None:
        """Mean time between false alerts by the mean delay, times the recall; None if one of them is unknown."""
        return mean_time_ratio(self.false.mean_time_between, self.delays.mean, self.recall.share)


def mean_time_ratio(between_false: float | None, delay: float | None, recall: float | None) -> float | None:
    """How much more rarely it cries wolf than it takes to tell of one, less what is missed (Bifet et al. 2013)."""
    return None if between_false is None or not delay or recall is None else between_false / delay * recall


def measure(matching: Matching, tolerance: int) -> Measures:
    """Measures of a matching that was made with this `tolerance` (ms)."""
    verdicts = dict.fromkeys(VERDICTS, 0)
    for judged in matching.alerts:
        verdicts[judged.verdict] += 1
    span = matching.watch.span
    watched = alerted = quiet = alerted_quiet = 0
    for model in sorted(matching.watch.models):
        calm, alarm = rest(matching.windows(model, tolerance), span), _in_alert(matching, model)
        watched += length([span])
        alerted += length(alarm)
        quiet += length(calm)
        alerted_quiet += overlap(calm, alarm)
    return Measures(
        recall=recall_of(matching.findings),
        verdicts=verdicts,
        false=FalseAlerts(sum(verdicts[verdict] for verdict in IN_VAIN), quiet),
        delays=delays_of(matching.findings),
        in_alert=alerted / watched if watched else 0.0,
        in_alert_quiet=alerted_quiet / quiet if quiet else None,
    )


def recall_of(findings: Sequence[Finding]) -> Recall:
    """Of these incidents."""
    return Recall(sum(finding.by is not None for finding in findings), len(findings))


def delays_of(findings: Sequence[Finding]) -> Delays:
    """Of these incidents."""
    found = [finding.delay for finding in findings if finding.delay is not None]
    missed = [finding.watched for finding in findings if finding.by is None]
    mean = sum(found) / len(found) if found else None
    return Delays(quantile(found, missed, MEDIAN), quantile(found, missed, P90), mean)


def _in_alert(matching: Matching, model_id: str) -> list[Span]:
    end = matching.watch.end
    alerts = (judged.alert for judged in matching.alerts)
    return union(
        ((a.opened, end if a.resolved is None else a.resolved) for a in alerts if a.model_id == model_id),
        matching.watch.span,
    )
