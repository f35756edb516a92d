"""The topics of a configuration: what they should be like, making those that are missing, checking those that exist.

`topics create` makes them, `run` refuses to start without them. Nothing that exists is ever changed: differences are
reported, and a panes topic with another partition count is refused, since the owner of a model goes by that count.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError

from driftgauge.config import Config
from driftgauge.counted import counted
from driftgauge.errors import ConfigError, UnavailableError
from driftgauge.kafka_refusals import refusal_of
from driftgauge.runtime.kafka_clients import (
    BROKER_RECORD_BYTES,
    RECORD_OVERHEAD,
    admin_settings,
    connection_settings,
    dead_letter_bytes,
)
from driftgauge.runtime.knocking import knock

BROKER_DEFAULT = -1


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic as it should be; -1 partitions leave the number to the broker. `settings` are Kafka's topic configs."""

    name: str
    purpose: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicResult:
    """What `create_topics` found or did. `differences`: settings of an existing topic that are not as planned."""

    plan: TopicPlan
    created: bool
    partitions: int
    differences: tuple[str, ...] = ()


def topic_plans(config: Config, *, input_partitions: int = BROKER_DEFAULT) -> list[TopicPlan]:
    """All topics of the configuration, inputs first. Input topics belong to their producers: no settings of ours."""
    inputs = [TopicPlan(topic.name, kind, input_partitions, {}) for kind, topic in config.topics.inputs.items()]
    # Stamped by the broker: with a clock of ours that is off, records would be refused, or deleted at once.
    ours = {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"}
    retention = {**ours, **_room(config.limits.max_pane_bytes), "retention.ms": str(config.panes.retention)}
    larger = {**ours, "max.message.bytes": str(dead_letter_bytes(config))}
    return [
        *inputs,
        TopicPlan(config.topics.panes, "panes", config.panes.partitions, retention),
        TopicPlan(config.topics.alerts, "alerts", 1, {**ours, **_room(config.limits.max_alert_bytes)}),
        TopicPlan(config.topics.dead_letters, "dead_letters", 1, larger),
    ]


def _room(value_bytes: int) -> dict[str, str]:
    """What a topic needs for values of that size; nothing where Kafka's default has room for them."""
    needed = value_bytes + RECORD_OVERHEAD
    return {"max.message.bytes": str(needed)} if needed > BROKER_RECORD_BYTES else {}


@contextmanager
def admin_client(config: Config, *, timeout_ms: int = 15_000) -> Iterator[KafkaAdminClient]:
    """A connected admin client. UnavailableError when no broker answers within `timeout_ms`, or a request fails."""
    servers = ", ".join(config.kafka.bootstrap_servers)
    admin, said = None, None
    try:
        said = knock(connection_settings(config))
        admin = KafkaAdminClient(**admin_settings(config, timeout_ms=timeout_ms))
        yield admin
    except (KafkaError, OSError) as error:
        refusal = refusal_of(error)
        if refusal is not None:
            raise UnavailableError(refusal) from error
        fix = "is it running, and are kafka.bootstrap_servers and kafka.security right?"
        raise UnavailableError(f"Kafka at {servers} did not answer ({said or _text(error)}); {fix}") from error
    finally:
        if admin is not None:
            admin.close()


def create_topics(
    admin: KafkaAdminClient, plans: Sequence[TopicPlan], *, replication: int = BROKER_DEFAULT
) -> list[TopicResult]:
    """Make the missing ones and compare the others. Running it twice changes nothing."""
    existing = partition_counts(admin, [plan.name for plan in plans])
    results = []
    for plan in plans:
        created = plan.name not in existing and _create(admin, plan, replication)
        partitions = existing.get(plan.name) or partition_counts(admin, [plan.name]).get(plan.name, plan.partitions)
        differences = () if created else tuple(_differences(admin, plan, partitions))
        results.append(TopicResult(plan, created, partitions, differences))
    return results


def partition_counts(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Partitions of those of the topics that exist."""
    described: list[dict[str, Any]] = admin.describe_topics(list(names))
    forbidden = {topic["name"] for topic in described if topic["error_code"] == TopicAuthorizationFailedError.errno}
    if forbidden:
        raise TopicAuthorizationFailedError(forbidden)
    return {topic["name"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}


def topic_id(admin: KafkaAdminClient, name: str) -> str:
    """Kafka's own id of a topic, another one if it is deleted and made anew; "" where the broker knows of none."""
    described: list[dict[str, Any]] = admin.describe_topics([name])
    found = next((topic.get("topic_id") for topic in described if topic["error_code"] == 0), None)
    return "" if found is None or not int(uuid.UUID(str(found))) else str(found)


def require_topics(admin: KafkaAdminClient, config: Config) -> dict[str, int]:
    """Partitions of every configured topic. ConfigError, with the fix, if one is missing or the panes topic differs."""
    counts = require_existing(admin, config, [plan.name for plan in topic_plans(config)])
    refuse_other_panes_count(config, counts[config.topics.panes])
    return counts


def require_existing(admin: KafkaAdminClient, config: Config, names: Sequence[str]) -> dict[str, int]:
    """Partitions of these topics of the configuration. ConfigError, with the fix, if one is missing."""
    counts = partition_counts(admin, names)
    missing = [name for name in names if name not in counts]
    if missing:
        raise ConfigError(
            f"Kafka has no topic {', '.join(missing)}; make what is missing: "
            f"driftgauge topics create {config.file_option}"
        )
    return counts


def refuse_other_panes_count(config: Config, partitions: int) -> None:
    """ConfigError if the panes topic has another number of partitions than the configuration says."""
    if partitions != config.panes.partitions:
        raise ConfigError(
            f"the topic {config.topics.panes} has {counted(partitions, 'partitions')}, but panes.partitions is "
            f"{config.panes.partitions}; set panes.partitions to {partitions}, or name a new topic in topics.panes"
        )


def _create(admin: KafkaAdminClient, plan: TopicPlan, replication: int) -> bool:
    options = {"num_partitions": plan.partitions, "replication_factor": replication, "configs": dict(plan.settings)}
    try:
        admin.create_topics({plan.name: options}, timeout_ms=15_000, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        # Another one was quicker between our look and our request.
        return False
    return True


def _differences(admin: KafkaAdminClient, plan: TopicPlan, partitions: int) -> Iterator[str]:
    if plan.partitions not in (BROKER_DEFAULT, partitions):
        yield f"{counted(partitions, 'partitions')} instead of {plan.partitions}"
    if plan.settings:
        resource = ConfigResource(ConfigResourceType.TOPIC, plan.name)
        described = admin.describe_configs([resource], config_filter="all")
        actual = next(iter(described.values()))[plan.name]
        for key, wanted in plan.settings.items():
            found = actual.get(key, {}).get("value")
            if found != wanted:
                yield f"{key} is {found} instead of {wanted}"


def _text(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
