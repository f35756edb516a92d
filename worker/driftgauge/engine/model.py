"""A watched model version: what it is, its detectors, and the limits that are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.registry import build_detectors
from driftgauge.detect.traffic.limits import TRAFFIC, Limits
from driftgauge.detect.traffic.parts import Parts
from driftgauge.detect.types import Detector, DetectorContext
from driftgauge.engine.analysis import analysis_hash
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile
from driftgauge.subject import Subject

MONTH = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Model:
    """A watched model version, resolved. `features_from`: the kind of topic its features are counted from.

    `since`: start (ms) of the first pane it holds for; where a version changes its profile there is one per profile.
    `segments` are watched beside it: each is a model but for the profile, with a part of the budget; `budget` is what
    is left of the model's for the subject itself. Events are of the segment that their tag `tag` names.
    `minimum_effect`: what all tolerances have been multiplied by.
    """

    subject: Subject
    profile: Profile
    contrasts: Contrasts
    pane_length: int
    budget: float
    features_from: str
    settings: EngineSettings
    since: int = ALWAYS
    tag: str = ""
    segments: tuple[Model, ...] = ()
    minimum_effect: float = 1.0

    @property
    def subjects(self) -> tuple[Model, ...]:
        """Everything of it that has panes, detectors and alerts: the whole, then its segments."""
        return (self, *self.segments)

    def starting(self, since: int) -> Model:
        """The same, with its segments, from a time (ms) on."""
        return replace(self, since=since, segments=tuple(part.starting(since) for part in self.segments))

    @property
    def whole_budget(self) -> float:
        """Of itself and its segments together: a whole keeps half of it where it has any (`whole_and_segment`)."""
        return self.budget * 2 if self.segments else self.budget

    @property
    def layout(self) -> Layout:
        """The profile's cells."""
        return self.contrasts.layout

    @property
    def context(self) -> DetectorContext:
        """What this model's detectors are built from."""
        return DetectorContext(self.contrasts.series, self.pane_length, MONTH / self.pane_length, self.budget)

    def detectors(self) -> Sequence[Detector]:
        """Fresh ones."""
        return build_detectors(DETECTORS, self.context, self.settings.detectors)

    @property
    def traffic(self) -> Limits | None:
        """Limits of its volume and silences; None if they aren't watched.

        Those of a segment aren't: when all falls silent, each of twenty would say so.
        """
        settings = self.settings.traffic
        return (
            None
            if settings is None or self.subject.segment
            else Limits.build(self.context, settings, Parts(self.layout).count)
        )

    @property
    def resolved(self) -> Mapping[str, Mapping[str, Any]]:
        """All parameters in force, by method."""
        methods = {detector.name: dict(detector.resolved) for detector in self.detectors()}
        traffic = self.traffic
        return methods if traffic is None else {**methods, TRAFFIC: dict(traffic.resolved)}

    @property
    def analysis(self) -> str:
        """Hash of everything that decides which alerts the same log gives: part of every event's identity."""
        lifecycle = self.settings.lifecycle
        decided = {
            "profile": self.layout.profile_hash,
            "budget": self.budget,
            "detectors": self.resolved,
            "lifecycle": [lifecycle.confirm_panes, lifecycle.horizon_panes, lifecycle.resolve_panes],
            "ring_panes": self.settings.ring_panes,
        }
        if self.subject.segment:
            # What its whole tells isn't told again.
            decided["beside_whole"] = True
        if self.minimum_effect != 1:
            decided["minimum_effect"] = self.minimum_effect
        return analysis_hash(self.settings, self.pane_length, decided)


def layouts_of(models: Sequence[Model]) -> dict[str, Layout]:
    """By profile hash: what panes are written and read with."""
    return {model.layout.profile_hash: model.layout for model in models}


def methods_of(models: Sequence[Model]) -> list[str]:
    """Names of the detectors that any of them has, sorted."""
    return sorted({name for model in models for name in model.settings.detectors})
