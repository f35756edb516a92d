"""Which topics of a configuration are counted from: what they carry, and which of them gate panes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from driftgauge.config import Config
from driftgauge.sources.event_log import EventTopic
from driftgauge.subject import Subject

EventType = Literal["prediction", "features", "label"]
EVENT_TYPES: Mapping[str, EventType] = {"predictions": "prediction", "features": "features", "labels": "label"}


def topics_of_version(config: Config, subject: Subject) -> dict[str, EventTopic]:
    """By name, the topics that events of a model version are counted from, whether or not it is configured."""
    entry = next((e for e in config.models if (e.model_id, e.model_version) == subject[:2]), None)
    features = config.features_topic(entry)
    return {
        topic.name: EventTopic(EVENT_TYPES[kind], topic.model_id, kind == features, kind == "predictions")
        for kind, topic in config.topics.inputs.items()
        if kind in ("predictions", features)
    }


def gating_topics(config: Config) -> list[str]:
    """The topics that gate panes: those that anything is counted from."""
    counted = {"predictions", *(config.features_topic(entry) for entry in config.models)}
    return [topic.name for kind, topic in config.topics.inputs.items() if kind in counted]
