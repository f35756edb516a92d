"""Settings side by side: what each told, found and told in vain; and which of them to take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from driftgauge.scoring.alert import Alert
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.intervals import poisson_interval
from driftgauge.scoring.matching import Watch, match
from driftgauge.scoring.measures import MONTH, Measures, measure
from driftgauge.sweep.axes import Choice
from driftgauge.sweep.placebo import WEEK


@dataclass(frozen=True, slots=True)
class InVain:
    """Alerts told where nothing happened, in so many model-months."""

    count: int
    months: float

    @property
    def per_month(self) -> float:
        """Per model and 30 days."""
        return self.count / self.months

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval of that."""
        return poisson_interval(self.count, self.months)


@dataclass(frozen=True, slots=True)
class Row:
    """A choice of settings. `alerts` in `months` model-months; `measures` against incidents; `placebo`: shuffled weeks.

    Both are None where there is nothing to tell them from.
    """

    choice: Choice
    as_configured: bool
    alerts: int
    months: float
    measures: Measures | None
    placebo: InVain | None

    @property
    def in_vain(self) -> InVain | None:
        """By labels where there are any, else by the placebo; None: nobody knows."""
        if self.measures is None:
            return self.placebo
        false = self.measures.false
        return InVain(false.count, false.months) if false.quiet else None


def row_of(
    choice: Choice,
    alerts: Iterable[Alert],
    watch: Watch,
    *,
    as_configured: bool,
    incidents: Sequence[Incident] | None,
    tolerance: int,
    placebo: InVain | None,
) -> Row:
    """`incidents`: None if there are no labels; `tolerance`: ms, of `match`."""
    told = [alert for alert in alerts if watch.start < alert.opened <= watch.end]
    measures = None if incidents is None else measure(match(told, incidents, watch, tolerance), tolerance)
    months = (watch.end - watch.start) * len(watch.models) / MONTH
    return Row(choice, as_configured, len(told), months, measures, placebo)


def placebo_of(alerts: Sequence[Alert], weeks: int, models: int) -> InVain:
    """Of alerts told in so many shuffled weeks of so many models."""
    return InVain(len(alerts), weeks * models * WEEK / MONTH)


def knee(rows: Sequence[Row], budget: float) -> Row | None:
    """The row to take: it finds most of those that tell no more in vain than `budget` a month.

    With labels: the highest recall, then the shortest median delay. Without: the most alerts beyond those that the
    placebo lets expect in vain. Where none keeps to the budget: the one that tells least in vain. Of equals the one
    that is configured, as there is no reason to change it. None: nobody knows.
    """
    known = [(row, in_vain) for row in rows if (in_vain := row.in_vain) is not None]
    if not known:
        return None
    kept = [(row, in_vain) for row, in_vain in known if in_vain.per_month <= budget]
    if kept:
        return min(kept, key=lambda entry: (*worth(entry[0]), entry[1].per_month, not entry[0].as_configured))[0]
    return min(known, key=lambda entry: (entry[1].per_month, *worth(entry[0]), not entry[0].as_configured))[0]


def worth(row: Row) -> tuple[float, float]:
    """How much a row finds and how soon, or without labels how much it tells that is not in vain; lower is better."""
    if row.measures is None:
        in_vain = 0.0 if row.placebo is None else row.placebo.per_month * row.months
        return -max(row.alerts - in_vain, 0.0), 0.0
    recall, median = row.measures.recall.share, row.measures.delays.median
    return -(recall or 0.0), median.at if median.at is not None else math.inf
