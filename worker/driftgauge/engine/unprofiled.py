"""Events without a profile: in panes of which length they are counted, and how they are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftgauge.alerts.baseline import BaselinePlan
from driftgauge.config import Config
from driftgauge.engine.analysis import analysis_hash
from driftgauge.engine.model import Model
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.unprofiled import UnprofiledPlan
from driftgauge.subject import Subject


@dataclass(frozen=True, slots=True)
class Unprofiled:
    """What is done about events without a profile. `configured`: model versions that the configuration names so."""

    configured: tuple[Subject, ...]
    panes: UnprofiledPlan
    settings: EngineSettings

    @property
    def plan(self) -> BaselinePlan:
        """How the detect stage tells of them."""
        return BaselinePlan(self.panes, self.settings.lifecycle, self._analysis)

    def _analysis(self, pane_length: int) -> str:
        """As a model's analysis hash: what decides which alerts the same log gives."""
        decided = {"baseline": "missing", "resolve_panes": self.settings.lifecycle.resolve_panes}
        return analysis_hash(self.settings, pane_length, decided)


def unprofiled_of(config: Config, models: Sequence[Model]) -> Unprofiled:
    """How a configuration has events without a profile counted; `models` as made from it.

    Their panes are as long as those of the model's other versions (the shortest), else as `panes.length`.
    """
    without = [entry for entry in config.models if entry.profile is None]
    lengths = {
        entry.model_id: entry.panes.length for entry in without if entry.panes and entry.panes.length != "auto"
    } | _shortest(models)
    length = config.panes.length
    usual = min((model.pane_length for model in models), default=60_000) if length == "auto" else length
    settings = EngineSettings.of(config.panes, config.alerts, config.limits, config.detectors)
    watched = {model.subject for model in models}
    subjects = [Subject(entry.model_id, entry.model_version) for entry in without]
    subjects = [subject for subject in subjects if subject not in watched]
    return Unprofiled(tuple(subjects), UnprofiledPlan(usual, lengths, settings.unknown_subjects), settings)


def unprofiled_beside(models: Sequence[Model]) -> Unprofiled:
    """The same without a configuration: panes as long as the shortest of the models."""
    settings, shortest = models[0].settings, min(model.pane_length for model in models)
    return Unprofiled((), UnprofiledPlan(shortest, _shortest(models), settings.unknown_subjects), settings)


def _shortest(models: Sequence[Model]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for model in models:
        model_id = model.subject.model_id
        lengths[model_id] = min(model.pane_length, lengths.get(model_id, model.pane_length))
    return lengths
