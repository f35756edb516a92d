"""How alerts look on a terminal: one as it fires, and many as a table of episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from driftgauge.alerts.event import AlertEvent, Labels
from driftgauge.alerts.numbers import number
from driftgauge.alerts.severity import SEVERITIES
from driftgauge.alerts.transition import EventKind, Severity
from driftgauge.counted import counted
from driftgauge.scoring.alert import Identity, identity_of

STYLES: dict[Severity, str] = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(slots=True)
class Episode:
    """One problem on one series at its worst. Times are RFC 3339 text; `resolved` None: still open.

    `before`, `after` and `effect` (size of the difference) in the series' own unit.
    """

    labels: Labels
    opened: str
    since: str
    severity: Severity
    summary: str
    before: float | None
    after: float | None
    effect: float = 0.0
    resolved: str | None = None


_WITHOUT_FEATURE = {"BaselineMissing": "no profile", "TrafficAnomaly": "traffic", "FeaturePipelineBroken": "traffic"}


class Episodes:
    """Collects alert events into episodes, in the order in which they were first told."""

    def __init__(self) -> None:
        """None yet. `events` counts those told, by kind."""
        self._all: dict[Identity, Episode] = {}
        self._told: dict[Identity, Episode] = {}
        self.events: Counter[EventKind] = Counter()

    def __len__(self) -> int:
        """How many problems there were."""
        return len(self._told)

    def add(self, event: AlertEvent, *, told: bool = True) -> None:
        """Take the next event. What isn't `told` came before those, and is part of an episode that they go on with."""
        labels = event.labels
        identity = identity_of(event)
        episode = self._all.setdefault(identity, Episode(labels, event.startsAt, "", labels.severity, "", None, None))
        if told:
            self.events[event.event] += 1
            self._told[identity] = episode
        if event.event == "resolved":
            # An escalation closes the milder alert; the problem itself goes on.
            if event.detail.superseded_by is None:
                episode.resolved = event.updatedAt
            return
        episode.severity = max(episode.severity, labels.severity, key=SEVERITIES.index)
        effect = abs(event.detail.effect or 0.0)
        # Repeats go on while a problem fades; it is remembered as it was at its worst.
        if event.event == "repeat" and effect <= episode.effect:
            return
        episode.since, episode.summary = event.detail.change_point.at, event.annotations.summary
        episode.before, episode.after, episode.effect = event.detail.from_, event.detail.to, effect

    def all(self) -> list[Episode]:
        """Every one that anything was told of."""
        return list(self._told.values())

    def open_untold(self) -> list[Episode]:
        """Those that had opened before, and that nothing was told of since."""
        return [one for identity, one in self._all.items() if identity not in self._told and one.resolved is None]

    def by_severity(self) -> dict[Severity, int]:
        """How many problems of each severity (the worst that each reached), worst first."""
        counts = Counter(episode.severity for episode in self.all())
        return {severity: counts[severity] for severity in reversed(SEVERITIES) if counts[severity]}

    def by_feature(self) -> dict[str, int]:
        """How many problems per feature, most first; those of the output under `prediction`."""
        counts = Counter(_subject_of(episode.labels) for episode in self.all())
        return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _subject_of(labels: Labels) -> str:
    return labels.feature or _WITHOUT_FEATURE.get(labels.alertname, "prediction")


def clock(time: str) -> str:
    """`2026-03-17T10:08:00Z` as `10:08`."""
    return time[11:16]


def date_and_clock(time: str) -> str:
    """`2026-03-17T10:08:00Z` as `2026-03-17 10:08`."""
    return f"{time[:10]} {time[11:16]}"


def announcement(event: AlertEvent) -> Table:
    """An alert as it fires: when, how bad, what moved since when, and the detectors' numbers."""
    severity = event.labels.severity
    resolved = event.status == "resolved"
    grid = side_by_side()
    word = Text("resolved", style="green") if resolved else Text(severity, style=STYLES[severity])
    grid.add_row(clock(event.updatedAt), word, Text(event.annotations.summary, style="" if resolved else "bold"))
    if not resolved:
        grid.add_row("", Text(event.event, style="dim"), Text(evidence_text(event), style="dim"))
    return grid


def side_by_side() -> Table:
    """The three columns that a time, a word and a text stand in."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=5, style="dim")
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    return grid


def evidence_text(event: AlertEvent) -> str:
    """`shiryaev_roberts 9.29 > 6.46, on 561 events`."""
    votes = [f"{d.name} {_number(d.statistic)} > {_number(d.threshold)}" for d in event.detail.detectors]
    return f"{', '.join(votes)}, on {counted(event.detail.n_after, 'events')}"


def episodes_table(episodes: Sequence[Episode]) -> Table:
    """Two lines an episode: the worst severity it reached, what moved since when, and whether it is over."""
    table = Table("opened", "worst", "what changed", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for episode in episodes:
        over = f"resolved {date_and_clock(episode.resolved)}" if episode.resolved is not None else "open at the end"
        what = Text.assemble((episode.summary, ""), "\n", (over, "green" if episode.resolved is not None else "dim"))
        table.add_row(date_and_clock(episode.opened), Text(episode.severity, style=STYLES[episode.severity]), what)
    return table


def _number(value: float | None) -> str:
    return "unknown" if value is None else number(value)
