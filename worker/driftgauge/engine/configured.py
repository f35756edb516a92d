"""The models that a configuration names, each from the start of its time."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.config import LONGEST_PANE, Config
from driftgauge.config_segments import watched_segments
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.panes.schedule import first_pane
from driftgauge.profiles.profile import Profile
from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp


def models_of(config: Config, profiles: Sequence[Profile | None]) -> list[Model]:
    """The models of a configuration; `profiles` in the same order. None: that one isn't watched, see `Unprofiled`.

    Those of a version that changes its profile follow each other in order of time.
    """
    settings = EngineSettings.of(config.panes, config.alerts, config.limits, config.detectors)
    watched = [(entry, profile) for entry, profile in zip(config.models, profiles, strict=True) if profile is not None]
    models = [
        model_of(
            profile,
            settings,
            pane_length=config.pane_length(entry, profile.suggested_pane),
            budget=entry.false_alarm_budget,
            features_from=config.features_topic(entry),
            segments=watched_segments(profile, entry.segments, config.limits.segments),
            redacted=config.redacted(entry),
            minimum_effect=entry.minimum_effect,
        )
        for entry, profile in watched
    ]
    unprofiled = unprofiled_of(config, models).panes
    lengths: dict[Subject, int] = {}
    for i, (entry, _) in enumerate(watched):
        model = models[i]
        before = lengths.get(model.subject, unprofiled.length_of(model.subject.model_id))
        lengths[model.subject] = model.pane_length
        if entry.effective_from is not None:
            since = first_pane(entry.effective_from, model.pane_length, before)
            if since - entry.effective_from > LONGEST_PANE:
                lengths_met = f"panes of {format_duration(before)} and of {format_duration(model.pane_length)}"
                raise ConfigError(
                    f"models: {model.subject} would change at {format_timestamp(since)} only, when {lengths_met} first "
                    "begin together; choose lengths of which one divides the other"
                )
            models[i] = model.starting(since)
    return models
