"""The score of alerts against labelled incidents, with that of doing nothing and of an alarm clock beside it.

A clock that rings every hour finds everything within the hour; whatever is not far better than a clock that rings as
often is luck (Bifet 2017). A clock names no field, so it need not hit the right one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from driftgauge.alerts.numbers import lasted
from driftgauge.scoring.alert import Alert
from driftgauge.scoring.by_kind import Group, by_kind
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.matching import Matching, Watch, match
from driftgauge.scoring.measures import Measures, measure

_HOUR, _DAY = 3_600_000, 86_400_000
_CLOCKS = {"every hour": _HOUR, "every day": _DAY}
_UNNAMED = dict.fromkeys(("model_version", "segment", "feature", "alertname"))


class Row(NamedTuple):
    """A method for comparison. `every`: ms between its alarms; None: it never raises one."""

    name: str
    every: int | None
    measures: Measures


class Score(NamedTuple):
    """All of it."""

    tolerance: int
    matching: Matching
    measures: Measures
    kinds: Sequence[Group]
    comparison: Sequence[Row]


def score(alerts: Iterable[Alert], incidents: Iterable[Incident], watch: Watch, tolerance: int) -> Score:
    """Match and measure. `tolerance`: ms after the end of an incident in which an alert may still be of it."""
    known = list(incidents)
    matching = match(alerts, known, watch, tolerance)
    return Score(
        tolerance,
        matching,
        measure(matching, tolerance),
        by_kind(matching.findings),
        [_row(name, every, known, watch, tolerance) for name, every in _clocks(matching)],
    )


def _clocks(matching: Matching) -> Iterator[tuple[str, int | None]]:
    yield "never", None
    yield from _CLOCKS.items()
    watch = matching.watch
    told = sum(judged.verdict != "outside" for judged in matching.alerts)
    if told:
        every = max((watch.end - watch.start) * len(watch.models) // told, 1)
        yield f"as often, every {lasted(every)}", every


def _row(name: str, every: int | None, incidents: Sequence[Incident], watch: Watch, tolerance: int) -> Row:
    anywhere = [incident.model_copy(update=_UNNAMED) for incident in incidents]
    rings = () if every is None else _rings(watch, every)
    return Row(name, every, measure(match(rings, anywhere, watch, tolerance), tolerance))


def _rings(watch: Watch, every: int) -> Iterator[Alert]:
    """An alarm of each model at the end of each interval, over as soon as it is told."""
    for model in sorted(watch.models):
        for at in range(watch.start + every, watch.end + 1, every):
            yield Alert(at, at, model, "", "", "", "MonitorBroken", "clock", str(at), at, "info", "")
