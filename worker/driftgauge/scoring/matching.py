"""Which alert found which incident: every alert gets one verdict, every incident at most one alert.

Alerts are taken in order of time. An alert that was told after the start of an incident and up to `tolerance` after its
end lies in its window. The alert goes to the incident there that names it (the one with most labels, then the earliest)
and isn't found yet, and is its `hit`; where all that name it are found it is a `duplicate`. On something else of the
same model it is `beside`: a symptom, or chance. In no window it is `open_before` if it was still open when an incident
that names it began, else `false`; both were told while nothing was wrong. `outside` is what isn't judged: told outside
the span, of another model, or in the window of an incident that isn't judged as it began outside the span.

An alert is told at the end of the pane that decided it, all of whose events are earlier. So the window begins after the
start, and the span after its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from driftgauge.scoring.alert import Alert
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.spans import Span

Verdict = Literal["hit", "duplicate", "beside", "false", "open_before", "outside"]
VERDICTS: tuple[Verdict, ...] = ("hit", "duplicate", "beside", "false", "open_before", "outside")
# Told while nothing was wrong.
IN_VAIN: tuple[Verdict, ...] = ("false", "open_before")


class Watch(NamedTuple):
    """What is scored: the alerts of these models after `start` and up to `end` (ms)."""

    models: frozenset[str]
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Start and end."""
        return self.start, self.end

    def judges(self, incident: Incident) -> bool:
        """Whether it begins within the span, and alerts of a watched model may come of it."""
        return self.start <= incident.start < self.end and any(incident.concerns(model) for model in self.models)


class Judged(NamedTuple):
    """An alert with its verdict, and the incident that it is a hit, a duplicate or beside of."""

    alert: Alert
    verdict: Verdict
    incident: Incident | None


@dataclass(slots=True)
class Finding:
    """What became of an incident. `until`: the end of its window, or of the span if that is earlier (ms).

    `open_before`: alerts that it names and that were open when it began, which can't open again meanwhile.
    """

    incident: Incident
    until: int
    by: Alert | None = None
    duplicates: list[Alert] = field(default_factory=list)
    beside: list[Alert] = field(default_factory=list)
    open_before: list[Alert] = field(default_factory=list)

    @property
    def delay(self) -> int | None:
        """From its start to the alert that found it; ms."""
        return None if self.by is None else self.by.opened - self.incident.start

    @property
    def watched(self) -> int:
        """From its start to the end of its window or of the span; ms."""
        return self.until - self.incident.start


class Matching(NamedTuple):
    """All alerts with their verdicts, and all incidents: those judged, and those that are not."""

    watch: Watch
    alerts: Sequence[Judged]
    findings: Sequence[Finding]
    not_judged: Sequence[Incident]

    def windows(self, model_id: str, tolerance: int) -> list[Span]:
        """When something of a model was wrong, or had been until `tolerance` ms before."""
        incidents = [*(finding.incident for finding in self.findings), *self.not_judged]
        return [
            (i.start, self.watch.end if i.end is None else i.end + tolerance) for i in incidents if i.concerns(model_id)
        ]


def match(alerts: Iterable[Alert], incidents: Iterable[Incident], watch: Watch, tolerance: int) -> Matching:
    """Judge all alerts; the order of neither argument matters. `tolerance`: ms after the end of an incident."""
    told = sorted(alerts, key=lambda alert: alert.order)
    known = sorted(incidents, key=lambda incident: incident.order)
    findings = [Finding(i, _until(i, watch, tolerance)) for i in known if watch.judges(i)]
    others = [i for i in known if not watch.judges(i)]
    began_before = [(i, _until(i, watch, tolerance)) for i in others if i.start < watch.start]
    waiting, active = findings[::-1], list[Finding]()
    out = []
    for alert in told:
        while waiting and waiting[-1].incident.start < alert.opened:
            active.append(waiting.pop())
        active = [finding for finding in active if finding.until >= alert.opened]
        out.append(_judge(alert, active, watch, began_before))
    _note_open_before(told, findings)
    open_before = {alert for finding in findings for alert in finding.open_before}
    return Matching(watch, [_if_open(one, open_before) for one in out], findings, others)


def _until(incident: Incident, watch: Watch, tolerance: int) -> int:
    return watch.end if incident.end is None else min(incident.end + tolerance, watch.end)


def _judge(
    alert: Alert, active: Sequence[Finding], watch: Watch, began_before: Iterable[tuple[Incident, int]]
) -> Judged:
    if alert.model_id not in watch.models or not watch.start < alert.opened <= watch.end:
        return Judged(alert, "outside", None)
    by_fit = sorted(
        (finding for finding in active if finding.incident.concerns(alert.model_id)),
        key=lambda finding: (-finding.incident.narrowness, finding.incident.order),
    )
    naming = [finding for finding in by_fit if finding.incident.names(alert)]
    for finding in naming:
        if finding.by is None:
            finding.by = alert
            return Judged(alert, "hit", finding.incident)
    if naming:
        naming[0].duplicates.append(alert)
        return Judged(alert, "duplicate", naming[0].incident)
    if by_fit:
        by_fit[0].beside.append(alert)
        return Judged(alert, "beside", by_fit[0].incident)
    if any(alert.opened <= until and incident.concerns(alert.model_id) for incident, until in began_before):
        return Judged(alert, "outside", None)
    return Judged(alert, "false", None)


def _note_open_before(alerts: Iterable[Alert], findings: Iterable[Finding]) -> None:
    lasting = [alert for alert in alerts if alert.resolved != alert.opened]
    for finding in findings:
        incident = finding.incident
        finding.open_before += [alert for alert in lasting if alert.open_at(incident.start) and incident.names(alert)]


def _if_open(judged: Judged, open_before: Collection[Alert]) -> Judged:
    if judged.verdict == "false" and judged.alert in open_before:
        return judged._replace(verdict="open_before")
    return judged
