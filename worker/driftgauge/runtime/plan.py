"""What a configuration comes to: the resolved plan that `check` prints, as plain JSON values without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from driftgauge.config import Config
from driftgauge.detect.baseline.days import DAYS_KEPT
from driftgauge.detect.baseline.rows import ROWS_KEPT
from driftgauge.detect.baseline.version import Watched
from driftgauge.detect.baseline.within import Movement, short_scales, short_steps
from driftgauge.detect.hours import HOURS_KEPT
from driftgauge.detect.traffic.level import LEAST_DAYS
from driftgauge.engine.model import Model
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.season import MIN_DAYS
from driftgauge.profiles.windows import window_length, window_lengths
from driftgauge.timestamps import format_timestamp


def resolved_plan(config: Config, models: Sequence[Model]) -> dict[str, Any]:
    """The plan; `models` as the engine builds them from the configuration, durations in ms."""
    kafka = config.kafka
    inputs = {kind: topic.name for kind, topic in config.topics.inputs.items()}
    own = {"panes": config.topics.panes, "alerts": config.topics.alerts, "dead_letters": config.topics.dead_letters}
    return {
        "kafka": {
            "bootstrap_servers": list(kafka.bootstrap_servers),
            "protocol": kafka.security.protocol,
            "sasl_mechanism": kafka.security.sasl_mechanism,
            "username": kafka.security.username,
            "group_id": kafka.group_id,
            "group_instance_id": kafka.group_instance_id,
            "start": kafka.start,
        },
        "redis": {
            "url": config.redis.url,
            "namespace": config.redis.namespace,
            "username": config.redis.username,
            "password": "***" if config.redis.password else None,
        },
        "topics": {**inputs, **own},
        "panes": config.panes.model_dump(mode="json"),
        "checkpoint": config.checkpoint.model_dump(mode="json"),
        "recovery": config.recovery.model_dump(mode="json"),
        "outputs": config.outputs.model_dump(mode="json"),
        "watchdog": config.watchdog.model_dump(mode="json"),
        "alerts": config.alerts.model_dump(mode="json"),
        "limits": config.limits.model_dump(mode="json"),
        "models": [_model_plan(config, model, models[i + 1 :]) for i, model in enumerate(models)],
        "without_profile": [
            {"model_id": subject.model_id, "model_version": subject.model_version}
            for subject in unprofiled_of(config, models).configured
        ],
    }


def _segments_plan(config: Config, model: Model) -> dict[str, Any] | None:
    """What is watched beside the whole; `false_alarm_budget`, `series` and `state_bytes` of each."""
    if not model.segments:
        return None
    return {
        "tag": model.tag,
        "watched": [
            {
                "segment": part.subject.segment,
                "false_alarm_budget": part.budget,
                "series": len(part.contrasts.series),
                "state_bytes": _state_bytes(config, part),
            }
            for part in model.segments
        ],
    }


def _state_bytes(config: Config, model: Model) -> int:
    series = model.contrasts.series
    # History: a float and a count per series of every kept pane, and the cell counts of the comparison windows.
    window_panes = window_length(model.pane_length) // model.pane_length
    hours = HOURS_KEPT if len(window_lengths(model.pane_length)) > 1 else 0
    history = config.limits.ring_panes * len(series) * 12 + (window_panes * 4 + hours * 8) * model.layout.size
    # The baseline: two numbers per series and row, some per day, and the cells of each day.
    watched = Watched.of(model.layout, series, model.pane_length)
    measured = len(short_scales(model.pane_length)) + len(short_steps(model.pane_length))
    movement = 8 * len(Movement._fields) * measured
    baseline = len(watched.values) * (16 * ROWS_KEPT + DAYS_KEPT * movement)
    by_day = watched.windows or watched.whole_days
    return history + baseline + (8 * DAYS_KEPT * model.layout.size if by_day else 0)


def _model_plan(config: Config, model: Model, later: Sequence[Model]) -> dict[str, Any]:
    return {
        "model_id": model.subject.model_id,
        "model_version": model.subject.model_version,
        "profile": model.layout.profile_hash,
        "from": format_timestamp(model.since) if model.since != ALWAYS else None,
        "to": next((format_timestamp(other.since) for other in later if other.subject == model.subject), None),
        "pane_length": model.pane_length,
        "features": len(model.profile.features),
        "features_topic": getattr(config.topics, model.features_from).name,
        "series": len(model.contrasts.series),
        "false_alarm_budget": model.budget,
        "minimum_effect": model.minimum_effect,
        "segments": _segments_plan(config, model),
        "detectors": model.resolved,
        "traffic": None if model.traffic is None else {"silence_from_days": LEAST_DAYS, "volume_from_days": MIN_DAYS},
        "state_bytes": _state_bytes(config, model),
    }
