"""Models made from profiles: with given settings, with those by default, and for rows without times."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.config_segments import WatchedSegments, watched_segments
from driftgauge.detect.budget import NOT_BY_BUDGET, whole_and_segment
from driftgauge.durations import parse_duration
from driftgauge.engine.model import Model
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import ConfigError
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile, features_with_repeats
from driftgauge.subject import Subject


def model_of(
    profile: Profile,
    settings: EngineSettings,
    *,
    pane_length: int,
    budget: float,
    features_from: str = "predictions",
    segments: WatchedSegments | None = None,
    redacted: Collection[str] = (),
    minimum_effect: float = 1.0,
) -> Model:
    """A model from its profile, with those of the profile's segments that are watched (None: none)."""
    if not profile.features and profile.prediction is None:
        raise ConfigError(f"the profile of {profile.model_id}/{profile.model_version} has no feature and no prediction")
    repeats = features_with_repeats(profile, pane_length, settings.distinct_features)
    contrasts = contrasts_of(Layout.of(profile, repeats, redacted), pane_length, minimum_effect)
    subject = Subject(profile.model_id, profile.model_version)
    whole = Model(
        subject, profile, contrasts, pane_length, budget, features_from, settings, minimum_effect=minimum_effect
    )
    if profile.segments is None or segments is None or not segments.chosen:
        return whole
    own, each = whole_and_segment(budget, segments.limit)
    by_budget = {name: chosen for name, chosen in settings.detectors.items() if name not in NOT_BY_BUDGET}
    parts = [
        replace(
            whole,
            subject=subject._replace(segment=part.value),
            contrasts=contrasts_of(contrasts.layout.within(part), pane_length, minimum_effect),
            budget=each,
            settings=replace(settings, detectors=by_budget),
            tag=profile.segments.tag,
        )
        for part in segments.chosen
    ]
    return replace(whole, budget=own, tag=profile.segments.tag, segments=tuple(parts))


def default_model(profile: Profile, *, pane: str = "auto", budget: float = 1.0) -> Model:
    """A model with the default settings, for files without a configuration. `pane` is a duration or `auto`."""
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    length = parse_duration(profile.suggested_pane if pane == "auto" else pane)
    segments = watched_segments(profile, None, LimitsConfig().segments)
    return model_of(profile, settings, pane_length=length, budget=budget, segments=segments)


def by_rows(model: Model) -> Model:
    """The model for rows that come without times, where those of its reference had none either.

    Their event time is a count of rows, so that no hour of the day can be the reason for anything.
    """
    if model.profile.reference.timed:
        return model
    layout = replace(model.layout, told_days=math.inf)
    segments = tuple(by_rows(part) for part in model.segments)
    return replace(model, contrasts=contrasts_of(layout, model.pane_length, model.minimum_effect), segments=segments)
