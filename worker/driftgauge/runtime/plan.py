"""What a configuration comes to: the resolved plan that `check` prints, as plain JSON values without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from driftgauge.config import Config, ModelConfig
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.registry import build_detectors
from driftgauge.detect.types import DetectorContext
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.series import contrasts_of, window_length

_THIRTY_DAYS = 30 * 86_400_000


def resolved_plan(config: Config, profiles: Sequence[Profile]) -> dict[str, Any]:
    """The plan; `profiles` in the order of `config.models`, durations in ms. ConfigError for unfit detector values."""
    kafka = config.kafka
    inputs = {kind: topic.name for kind, topic in config.topics.inputs.items()}
    own = {"panes": config.topics.panes, "alerts": config.topics.alerts, "dead_letters": config.topics.dead_letters}
    return {
        "kafka": {
            "bootstrap_servers": list(kafka.bootstrap_servers),
            "protocol": kafka.security.protocol,
            "group_id": kafka.group_id,
            "group_instance_id": kafka.group_instance_id,
            "start": kafka.start,
        },
        "redis": {
            "url": config.redis.url,
            "namespace": config.redis.namespace,
            "password": "***" if config.redis.password else None,
        },
        "topics": {**inputs, **own},
        "panes": config.panes.model_dump(mode="json"),
        "checkpoint": config.checkpoint.model_dump(mode="json"),
        "alerts": config.alerts.model_dump(mode="json"),
        "limits": config.limits.model_dump(mode="json"),
        "models": [_model_plan(config, model, profile) for model, profile in zip(config.models, profiles, strict=True)],
    }


def _model_plan(config: Config, model: ModelConfig, profile: Profile) -> dict[str, Any]:
    pane_length = config.pane_length(model, profile.suggested_pane)
    layout = Layout.of(profile)
    series = contrasts_of(layout, pane_length).series
    context = DetectorContext(series, pane_length, _THIRTY_DAYS / pane_length, model.false_alarm_budget)
    detectors = build_detectors(DETECTORS, context, config.detectors_for(DETECTORS))
    # History: a float and a count per series of every kept pane, and the cell counts of the comparison window.
    window_panes = window_length(pane_length) // pane_length
    state_bytes = config.limits.ring_panes * len(series) * 16 + window_panes * layout.size * 8
    return {
        "model_id": model.model_id,
        "model_version": model.model_version,
        "profile": profile.content_hash,
        "pane_length": pane_length,
        "features": len(profile.features),
        "features_topic": getattr(config.topics, config.features_topic(model)).name,
        "series": len(series),
        "false_alarm_budget": model.false_alarm_budget,
        "detectors": {detector.name: dict(detector.resolved) for detector in detectors},
        "state_bytes": state_bytes,
    }
