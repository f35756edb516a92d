"""Scores: rates of false alerts with their uncertainty, delays with those that never came, and one run's verdict.

An alert is true when it is on the struck field and decided after the onset; the first one counts for the delay, more
of them are duplicates. What is never found within the time watched is a censored delay, not a missing one
(statistics: Kaplan, Meier 1958; with one common censoring time its quantiles are those of the sample where censored
delays are infinite).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bench.quality.faults import Fault, TrafficFault
from bench.quality.ours import Alert
from bench.quality.streams import Stream
from driftgauge.scoring.intervals import poisson_interval

MONTH_DAYS = 30.0


def quantile(delays: Sequence[float | None], q: float) -> float:
    """Smallest delay that a share q of all runs has reached; infinite where fewer of them found anything."""
    ordered = sorted(math.inf if delay is None else delay for delay in delays)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


@dataclass(frozen=True)
class Quiet:
    """One run without a fault: days simulated, series watched (0: unknown), what was raised, by series."""

    method: str
    stream: str
    reference: str
    subject: int
    days: float
    series: int
    alerts: int
    by_series: dict[str, int]


@dataclass(frozen=True)
class Struck:
    """One run with a fault.

    `delay`: panes from the onset to the first true alert, None if none came in the time watched; `first`: its series;
    `onset_error`: panes between its estimated onset and the true one (None: it estimates none), `series_onset_error`:
    the same of the first alert that is not on a window; `true_alerts`: on the struck field; `elsewhere`: on other
    fields meanwhile; `before`: false ones in the warm-up.
    """

    method: str
    stream: str
    reference: str
    fault: str
    subject: int
    delay: float | None
    first: str
    onset_error: float | None
    series_onset_error: float | None
    true_alerts: int
    elsewhere: int
    before: int


def struck(
    method: str,
    stream: Stream,
    fault: Fault | TrafficFault,
    subject: int,
    alerts: Iterable[Alert],
    *,
    onset: int,
    before: int = 0,
) -> Struck:
    """One run's score: `alerts` are those after the onset (ms), `before` counts those of the warm-up."""
    at, pane = fault.field, stream.pane
    after = sorted(alerts, key=lambda alert: alert.at)
    true = [alert for alert in after if alert.field == at]
    found = true[0] if true else None
    return Struck(
        method,
        stream.name,
        stream.reference,
        fault.name,
        subject,
        (found.at - onset) / pane if found else None,
        "+".join(sorted({alert.series for alert in true if alert.at == found.at})) if found else "",
        _onset_error(true, onset, pane),
        _onset_error([alert for alert in true if alert.kind != "window"], onset, pane),
        len(true),
        len(after) - len(true),
        before,
    )


def _onset_error(alerts: Sequence[Alert], onset: int, pane: int) -> float | None:
    estimated = alerts[0].onset if alerts else None
    return None if estimated is None else abs(estimated - onset) / pane


@dataclass
class FalseAlerts:
    """All runs without a fault of a method on a stream, pooled."""

    method: str
    stream: str
    reference: str
    months: float = 0.0
    series_months: float = 0.0
    alerts: int = 0
    by_series: Counter[str] = field(default_factory=Counter)

    def add(self, run: Quiet) -> None:
        """Take in one run."""
        self.months += run.days / MONTH_DAYS
        self.series_months += run.series * run.days / MONTH_DAYS
        self.alerts += run.alerts
        self.by_series.update(run.by_series)

    @property
    def per_month(self) -> float:
        """Alerts per model-month."""
        return self.alerts / self.months

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `per_month`."""
        return poisson_interval(self.alerts, self.months)


def median_error(errors: Iterable[float | None]) -> float:
    """Median of the errors that are known; NaN if none is."""
    known = [error for error in errors if error is not None]
    return float(np.median(known)) if known else math.nan


@dataclass
class Detection:
    """All runs of a method with one fault on a stream, pooled."""

    method: str
    stream: str
    reference: str
    fault: str
    runs: list[Struck] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Runs with a true alert."""
        return sum(run.delay is not None for run in self.runs)

    def delay(self, q: float) -> float:
        """Quantile of the delay in panes, misses being infinite."""
        return quantile([run.delay for run in self.runs], q)

    @property
    def first(self) -> str:
        """The series that was most often first."""
        seen = Counter(run.first for run in self.runs if run.first)
        return min(seen, key=lambda name: (-seen[name], name)) if seen else ""

    @property
    def onset_error(self) -> float:
        """Median error of the estimated onset in panes, over the runs that found it; NaN if none did."""
        return median_error(run.onset_error for run in self.runs)

    def mean(self, name: str) -> float:
        """Mean of a count over the runs."""
        return float(np.mean([getattr(run, name) for run in self.runs]))


def pool_quiet(runs: Iterable[Quiet]) -> list[FalseAlerts]:
    """By method, stream and reference, in the order they first came."""
    pools: dict[tuple[str, str, str], FalseAlerts] = {}
    for run in runs:
        key = run.method, run.stream, run.reference
        pools.setdefault(key, FalseAlerts(*key)).add(run)
    return list(pools.values())


def pool_struck(runs: Iterable[Struck]) -> list[Detection]:
    """By method, stream, reference and fault, in the order they first came."""
    pools: dict[tuple[str, str, str, str], Detection] = {}
    for run in runs:
        key = run.method, run.stream, run.reference, run.fault
        pools.setdefault(key, Detection(*key)).runs.append(run)
    return list(pools.values())


def row(run: Quiet | Struck) -> dict[str, Any]:
    """As JSON."""
    return {"kind": type(run).__name__.lower(), **asdict(run)}
