"""Faults that a replay is given (`--inject`): the options, the hook into its records, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from driftgauge.alerts.event import AlertEvent, Labels
from driftgauge.cli.alert_view import Episode, Episodes
from driftgauge.counted import counted
from driftgauge.injection.event_row import shape_of
from driftgauge.injection.faults import Fault, faults_of
from driftgauge.injection.fields import fields_of_profile
from driftgauge.injection.injector import Injector
from driftgauge.injection.records import injected
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch, Source
from driftgauge.scoring.incident import Incident
from driftgauge.timestamps import parse_timestamp

InjectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--inject", metavar="FAULT", help="null:FIELD:0.3@FROM[..TO] and others: docs/injection.md; repeatable."
    ),
]
InjectSeedOption = Annotated[
    int | None, typer.Option("--inject-seed", metavar="N", help="Another seed hits other records; default 0.")
]

# Below it a fault says nothing about whether it would be seen.
_FEW = 5
_TRAFFIC = ("TrafficAnomaly", "FeaturePipelineBroken")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault: `hits` records changed, dropped or delayed, and the `first` alert that was opened for it.

    For it: on its field, or for a fault of the traffic on the traffic, after it came, and with a change point before it
    was over that lies nearer to it than to another such fault. `open_before`: problems there that may hide it.
    """

    fault: Fault
    hits: int
    first: AlertEvent | None
    open_before: Sequence[Episode]

    @property
    def delay(self) -> int | None:
        """From the fault to the alert, in ms; None if there was none."""
        return parse_timestamp(self.first.startsAt) - self.fault.spec.start if self.first is not None else None


class InjectedFaults:
    """The faults of a replay. ConfigError for one that can't be read, or is of no field of the profile.

    They go into the events of the profile's model, of whatever version.
    """

    def __init__(self, texts: Sequence[str], seed: int, profile: Profile) -> None:
        """None is in anything yet."""
        self.texts = list(texts)
        self._faults = faults_of(texts, fields_of_profile(profile))
        self._seed, self._shape = seed, shape_of(profile)
        self._injectors: list[Injector] = []
        # By fault, of injectors in other processes; empty if there are none.
        self.hit_elsewhere: Sequence[int] = ()
        self._opened: list[AlertEvent] = []

    @property
    def named(self) -> list[str]:
        """What names the faults and the records that they hit."""
        return [*self.texts, f"seed {self._seed}"]

    @property
    def incidents(self) -> list[Incident]:
        """As what they are: incidents of which it is known when they began, and of what."""
        return [
            Incident.model_construct(
                start=fault.spec.start,
                end=fault.spec.end,
                name=fault.spec.text,
                kind=fault.spec.kind,
                feature=fault.field.name if fault.field is not None and fault.field.role == "feature" else None,
            )
            for fault in self._faults
        ]

    @property
    def told(self) -> list[str]:
        """For a page that is read without the command that made it."""
        return [f"put into the data on purpose, to see whether it would be noticed: {text}" for text in self.texts]

    def into(self, source: Source, batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        """The batches with the faults in them. `source` says which are hit: of a file without what its format is."""
        injector = Injector(source, self._faults, self._seed)
        self._injectors.append(injector)
        return injected(batches, injector, self._shape)

    def see(self, event: AlertEvent) -> None:
        """Take the next alert event of the replay."""
        if event.event == "opened":
            self._opened.append(event)

    def hits(self) -> list[int]:
        """Records that each of them has hit by now; empty as long as they are in nothing."""
        return [sum(of) for of in zip(*(injector.hits for injector in self._injectors), strict=True)]

    def outcomes(self, episodes: Episodes) -> list[Outcome]:
        """What became of each of them, in the order given; `episodes`: all of the replay so far."""
        hits = self.hit_elsewhere or self.hits()
        firsts: dict[int, AlertEvent] = {}
        for event in self._opened:
            for place in _caused_by(event, self._faults):
                firsts.setdefault(place, event)
        return [
            Outcome(fault, hits[place] if hits else 0, firsts.get(place), _open_before(fault, episodes))
            for place, fault in enumerate(self._faults)
        ]

    def notes(self) -> list[str]:
        """Warnings of faults that hit next to nothing."""
        return [
            f"{one.fault.spec.text} hit {counted(one.hits, 'records')}: too few to tell anything; look at FROM, TO "
            "and the share"
            for one in self.outcomes(Episodes())
            if one.hits < _FEW
        ]


def _caused_by(event: AlertEvent, faults: Sequence[Fault]) -> list[int]:
    """The faults, by place, that an alert is put down to: of those it may be of the nearest to its change point."""
    opened, since = parse_timestamp(event.startsAt), parse_timestamp(event.detail.change_point.at)
    distances = {
        place: abs(since - fault.spec.start)
        for place, fault in enumerate(faults)
        if _is_of(fault, event.labels)
        and fault.spec.start < opened
        and (fault.spec.end is None or since < fault.spec.end)
    }
    return [place for place, distance in distances.items() if distance == min(distances.values())]


def _open_before(fault: Fault, episodes: Episodes) -> list[Episode]:
    start = fault.spec.start
    return [
        episode
        for episode in episodes.all()
        if _is_of(fault, episode.labels)
        and parse_timestamp(episode.opened) <= start
        and (episode.resolved is None or parse_timestamp(episode.resolved) > start)
    ]


def _is_of(fault: Fault, labels: Labels) -> bool:
    """Whether a problem with these labels may be the fault's."""
    if fault.field is None:
        return labels.alertname in _TRAFFIC
    if fault.field.role == "feature":
        return labels.feature == fault.field.name
    return not labels.feature and labels.alertname in ("DataQuality", "PredictionDrift")
