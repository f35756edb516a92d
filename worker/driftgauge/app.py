"""The composition root of the worker: a configuration to a running `Worker`. Nothing else constructs its adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from driftgauge.alerts.event import Run
from driftgauge.config import Config
from driftgauge.decode.decoder import Decoder
from driftgauge.engine.configured import models_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.topics import gating_kinds
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import Sources
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.runtime.clock import MonotonicClock
from driftgauge.runtime.kafka_clients import consumer_settings, producer_settings
from driftgauge.runtime.partition_log import PartitionLog
from driftgauge.runtime.taking_over import TakingOver
from driftgauge.runtime.tasks import DetectTask, IngestTask, PanesTopics, Task
from driftgauge.runtime.topics import admin_client, require_topics
from driftgauge.runtime.worker import Worker, WorkerSettings
from driftgauge.sinks.base import Publication, Sink
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource
from driftgauge.state.base import StateStore
from driftgauge.state.redis import RedisState
from driftgauge.state.redis_connection import redis_settings
from driftgauge.state.redis_memory import refuse_eviction


def build_worker(config: Config, profiles: Sequence[Profile | None], log: Any) -> Worker:
    """Connect to Kafka and Redis, check the topics, announce the sources that gate panes, and assemble the worker."""
    models = models_of(config, profiles)
    with admin_client(config) as admin:
        partitions = require_topics(admin, config)
    store = redis_state(config, log)
    refuse_eviction(store, log)
    _settle_panes_partitions(config, store)
    sink = KafkaSink(producer_settings(config))
    source = KafkaSource(consumer_settings(config))
    gating = _gating_sources(config, partitions)
    _announce_sources(config, gating, sink)
    lengths = [model.pane_length for model in models] or [unprofiled_of(config, models).panes.length]
    view = PartitionLog(config, source, _first_counts(store, partitions))
    build = _Tasks(config, models, gating).build
    return Worker(
        source,
        sink,
        store,
        taking_over=TakingOver(sink, store, build=build, view=view, policies=config.recovery, log=log),
        settings=WorkerSettings(
            topics=(*(topic.name for topic in config.topics.inputs.values()), config.topics.panes),
            gating=frozenset(gating),
            checkpoint=config.checkpoint,
            idle_after=config.panes.idle_after,
            max_skew=config.panes.max_skew * max(lengths),
            give_up_within=config.kafka.session_timeout // 3,
        ),
        clock=MonotonicClock(),
        log=log,
    )


def redis_state(config: Config, log: Any | None = None, *, retry_for: int | None = None) -> RedisState:
    """The state store of the group. `retry_for` (ms): other than configured. `log` hears when Redis is waited for."""
    redis = config.redis
    return RedisState(
        redis.url,
        namespace=redis.namespace,
        group=config.kafka.group_id,
        settings=redis_settings(redis),
        retry_for=redis.retry_for if retry_for is None else retry_for,
        max_script_bytes=config.checkpoint.max_script_bytes,
        log=log,
    )


class _Tasks:
    """Makes the task of a partition."""

    def __init__(self, config: Config, models: Sequence[Model], gating: tuple[Source, ...]) -> None:
        self._config, self._models, self._gating = config, models, gating
        self._unprofiled = unprofiled_of(config, models)
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
        )
        run = Run(mode="live", run_id=run_id_of(models, config.kafka.group_id))
        self._render = renderer_of(models, run, self._unprofiled)

    def build(self, source: Source) -> Task:
        if source.topic == self._config.topics.panes:
            stage = stage_of(self._models, self._unprofiled)
            # As announced on the topic. But where retention has taken that record, a stage that is made again would
            # close no pane until another worker starts.
            stage.merge.sources = self._gating
            return DetectTask(source, stage, self._topics.layouts, self._config.topics.alerts, self._render)
        kind = self._kinds[source.topic]
        ingest = ingest_of(
            self._models,
            source,
            self._decoders[kind],
            cut_start=self._config.kafka.start != "earliest",
            unprofiled=self._unprofiled,
        )
        return IngestTask(ingest, self._topics, gating=source in self._gating)


def _first_counts(store: StateStore, partitions: Mapping[str, int]) -> dict[str, int]:
    """Partitions of each topic at the group's first start."""
    settled = {topic: store.settle(f"{topic} partitions", str(count)) for topic, count in partitions.items()}
    return {topic: int(count) for topic, count in settled.items() if count.isdecimal()}


def _settle_panes_partitions(config: Config, store: StateStore) -> None:
    settled = store.settle("panes.partitions", str(config.panes.partitions))
    if settled != str(config.panes.partitions):
        raise ConfigError(
            f"panes.partitions is {config.panes.partitions}, but this group's state was made with {settled}: "
            f"set it back to {settled}, or choose another kafka.group_id to start afresh"
        )


def _gating_sources(config: Config, partitions: dict[str, int]) -> tuple[Source, ...]:
    topics = [config.topics.inputs[kind].name for kind in gating_kinds(config)]  # type: ignore[index]
    return tuple(Source(topic, i) for topic in topics for i in range(partitions[topic]))


def _announce_sources(config: Config, gating: tuple[Source, ...], sink: Sink) -> None:
    """Write the gating sources to every panes partition, before any pane. Repeating it changes nothing."""
    value = encode_message(Sources(gating), {})
    sink.publish([Publication(config.topics.panes, None, value, i) for i in range(config.panes.partitions)])
    sink.flush()
