"""The composition root of the worker: a configuration to a running `Worker`. Nothing else constructs its adapters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from driftgauge.alerts.event import Run
from driftgauge.config import Config, RedisConfig
from driftgauge.decode.decoder import Decoder
from driftgauge.engine import (
    Model,
    decoder_of,
    gating_kinds,
    ingest_of,
    models_of,
    renderer_of,
    run_id_of,
    stage_of,
    unprofiled_of,
)
from driftgauge.errors import ConfigError
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.runtime.clock import MonotonicClock
from driftgauge.runtime.clock_skew import ClockSkew
from driftgauge.runtime.dead_letter_limits import Limits
from driftgauge.runtime.input_topics import InputTopics, sources_records
from driftgauge.runtime.kafka_clients import consumer_settings, producer_settings
from driftgauge.runtime.tasks import DetectTask, IngestTask, PanesTopics, Task
from driftgauge.runtime.topics import admin_client, require_topics
from driftgauge.runtime.worker import Worker, WorkerSettings
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource
from driftgauge.state.base import StateStore
from driftgauge.state.redis import RedisState


def build_worker(
    config: Config, profiles: Sequence[Profile | None], log: Any, *, alive: Callable[[], None] = lambda: None
) -> Worker:
    """Connect to Kafka and Redis, check the topics, announce the sources that gate panes, and assemble the worker."""
    models = models_of(config, profiles)
    with admin_client(config) as admin:
        partitions = require_topics(admin, config)
    store = redis_state(config.redis, config.kafka.group_id)
    _settle_panes_partitions(config, store)
    sink = KafkaSink(
        producer_settings(config), patience=config.outputs.patience, unconfirmed=config.limits.unconfirmed_records
    )
    source = KafkaSource(consumer_settings(config), refused=_Once(log).refused)
    inputs = _input_topics(config, partitions, source, log)
    sink.publish(sources_records(inputs.gating, config.topics.panes, config.panes.partitions))
    sink.flush()
    first = {topic: int(store.settle(f"partitions.{topic}", str(partitions[topic]))) for topic in partitions}
    lengths = [model.pane_length for model in models] or [unprofiled_of(config, models).panes.length]
    tasks = _Tasks(config, models, first)
    return Worker(
        source,
        sink,
        store,
        build=tasks.build,
        start=lambda partition: _start(config, source, partition, added=_is_added(partition, first)),
        settings=WorkerSettings(
            topics=(*(topic.name for topic in config.topics.inputs.values()), config.topics.panes),
            checkpoint_interval=config.checkpoint.interval,
            idle_after=config.panes.idle_after,
            max_skew=config.panes.max_skew * max(lengths),
            give_up_after=config.outputs.give_up_after,
            stalled_after=config.watchdog.stalled_after,
            damaged_records=config.watchdog.damaged_records,
        ),
        clock=MonotonicClock(),
        log=log,
        inputs=inputs,
        skew=ClockSkew(config.watchdog.clock_skew, lambda: time.time_ns() // 1_000_000, log),
        alive=alive,
    )


def redis_state(redis: RedisConfig, group: str) -> RedisState:
    """The state store of a group."""
    password = redis.password.get_secret_value() if redis.password is not None else None
    return RedisState(redis.url, namespace=redis.namespace, group=group, username=redis.username, password=password)


class _Once:
    """Logs the first commit that the group refuses: they are refused in every rebalance, and none of them matters."""

    def __init__(self, log: Any) -> None:
        self._log, self._told = log, False

    def refused(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            self._log.info("commit_refused", error=str(error))


class _Tasks:
    """Makes the task of a partition."""

    def __init__(self, config: Config, models: Sequence[Model], first: Mapping[str, int]) -> None:
        self._first = first
        self._config, self._models = config, models
        self._unprofiled = unprofiled_of(config, models)
        self._gating = gating_kinds(config)
        self._kinds = {topic.name: kind for kind, topic in config.topics.inputs.items()}
        self._decoders: dict[str, Decoder] = {
            kind: decoder_of(models, kind, default_model_id=topic.model_id, unprofiled=self._unprofiled)
            for kind, topic in config.topics.inputs.items()
        }
        self._topics = PanesTopics(
            panes=config.topics.panes,
            partitions=config.panes.partitions,
            dead_letters=config.topics.dead_letters,
            layouts={model.layout.profile_hash: model.layout for model in models},
            max_dead_letter_bytes=config.limits.max_record_bytes,
            dead_letter_limits=Limits(**config.limits.dead_letters.model_dump()),
        )
        run = Run(mode="live", run_id=run_id_of(models, config.kafka.group_id))
        self._render = renderer_of(models, run, self._unprofiled)

    def build(self, source: Source) -> Task:
        if source.topic == self._config.topics.panes:
            stage = stage_of(self._models, self._unprofiled)
            return DetectTask(
                source,
                stage,
                self._topics.layouts,
                self._config.topics.alerts,
                self._render,
                self._config.limits.max_alert_bytes,
            )
        kind = self._kinds[source.topic]
        ingest = ingest_of(
            self._models,
            source,
            self._decoders[kind],
            cut_start=self._config.kafka.start != "earliest" and not _is_added(source, self._first),
            unprofiled=self._unprofiled,
        )
        return IngestTask(ingest, self._topics, gating=kind in self._gating)


def _is_added(partition: Source, first: Mapping[str, int]) -> bool:
    """Whether it came after the group's first start, when its topic had `first` partitions."""
    return partition.partition >= first[partition.topic]


def _start(config: Config, source: KafkaSource, partition: Source, *, added: bool) -> int:
    """Where a partition without state begins. The panes topic is our own history and is read from its beginning.

    So is a partition that was added: its first records came after what the group has read.
    """
    start = config.kafka.start
    if partition.topic == config.topics.panes or start == "earliest" or added:
        return source.first_offset(partition)
    if start == "latest":
        return source.end_offsets([partition])[partition]
    return source.offset_at(partition, start)


def _settle_panes_partitions(config: Config, store: StateStore) -> None:
    settled = store.settle("panes.partitions", str(config.panes.partitions))
    if settled != str(config.panes.partitions):
        raise ConfigError(
            f"panes.partitions is {config.panes.partitions}, but this group's state was made with {settled}: "
            f"set it back to {settled}, or choose another kafka.group_id to start afresh"
        )


def _input_topics(config: Config, partitions: Mapping[str, int], source: KafkaSource, log: Any) -> InputTopics:
    names = {kind: topic.name for kind, topic in config.topics.inputs.items()}
    return InputTopics(
        {name: partitions[name] for name in names.values()},
        [names[kind] for kind in gating_kinds(config)],  # type: ignore[index]
        partitions=source.partitions,
        announce=lambda gating: sources_records(gating, config.topics.panes, config.panes.partitions),
        missing_after=config.kafka.missing_topic_after or None,
        log=log,
    )
