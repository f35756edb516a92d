"""What decode has to know of one model: which fields to read from one topic's events, and how to judge them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.layout import Layout, Role, Slot
from driftgauge.profiles.profile import PredictionProfile
from driftgauge.subject import Subject


@dataclass(frozen=True)
class ModelDecoding:
    """One model version as read from one topic.

    `prediction` is the profile's (None: outputs aren't watched); its `scalar` says what a bare prediction is.
    `count_features` / `count_prediction`: whether this topic's events are counted for these parts (rules.md §1.4).
    `since`: event time (ms) from which on events are read so; until the next one of the same subject.
    `segments`: texts of the tag `tag` that are watched on their own; without any, tags aren't read.
    """

    subject: Subject
    layout: Layout
    prediction: PredictionProfile | None
    count_features: bool
    count_prediction: bool
    since: int = ALWAYS
    tag: str = ""
    segments: tuple[str, ...] = ()

    @cached_property
    def features(self) -> tuple[Slot, ...]:
        """The feature slots read from this topic."""
        return self.layout.features if self.count_features else ()

    @cached_property
    def outputs(self) -> dict[Role, Slot]:
        """The output slots read from this topic, by role (`score`, `label`)."""
        return {slot.role: slot for slot in self.layout.outputs} if self.counts_prediction else {}

    @property
    def counts_prediction(self) -> bool:
        """Whether there is an output to count, and this topic counts it."""
        return self.count_prediction and self.prediction is not None

    @property
    def scalar(self) -> Role:
        """What a bare prediction is. Only meaningful where outputs are counted."""
        return self.prediction.scalar if self.prediction else "score"
