"""The composition root of the worker: a configuration to a running `Worker`. Nothing else constructs its adapters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from driftgauge.alerts.event import Run
from driftgauge.config import Config
from driftgauge.engine.configured import models_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoders_of, ingest_of
from driftgauge.engine.model import Model, layouts_of
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.topics import gating_topics
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.runtime.clock import MonotonicClock
from driftgauge.runtime.clock_skew import ClockSkew
from driftgauge.runtime.dead_letter_limits import Limits
from driftgauge.runtime.ends import Ends
from driftgauge.runtime.frozen import Spans, frozen_spans
from driftgauge.runtime.group import members
from driftgauge.runtime.input_topics import InputTopics, sources_records
from driftgauge.runtime.kafka_clients import connection_settings, consumer_settings, producer_settings
from driftgauge.runtime.knocking import knock
from driftgauge.runtime.partition_log import PartitionLog
from driftgauge.runtime.taking_over import TakingOver
from driftgauge.runtime.tasks import DetectTask, IngestTask, PanesTopics, Task
from driftgauge.runtime.topics import admin_client, require_topics
from driftgauge.runtime.worker import Worker, WorkerSettings
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource
from driftgauge.state.base import StateStore
from driftgauge.state.redis import RedisState
from driftgauge.state.redis_connection import redis_settings
from driftgauge.state.redis_memory import refuse_eviction

_GIVE_UP_MS = 2_000
# The loop waits for that answer, which is for the log only.
_MEMBERS_MS = 3_000


def build_worker(
    config: Config,
    profiles: Sequence[Profile | None],
    log: Any,
    *,
    alive: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
) -> Worker:
    """Connect to Kafka and Redis, check the topics, announce the sources that gate panes, and assemble the worker.

    Of the configuration of a replay: one that ends where the input topics ended when its first worker started.
    `alive` is called at each turn of its loop; once `stop` says so, Redis is waited for no longer than a second.
    """
    models = models_of(config, profiles)
    with admin_client(config) as admin:
        partitions = require_topics(admin, config)
    store = redis_state(config, log, stop=stop)
    refuse_eviction(store, log)
    _settle_panes_partitions(config, store)
    sink = KafkaSink(
        producer_settings(config), patience=config.outputs.patience, unconfirmed=config.limits.unconfirmed_records
    )
    source = KafkaSource(consumer_settings(config), refused=_Once(log).refused)
    spans = frozen_spans(config, partitions, source, store) if config.job is not None else {}
    if spans:
        # What is added to the topics from now on is no part of it.
        partitions |= {name: sum(s.topic == name for s in spans) for name in {s.topic for s in spans}}
        _tell_replayed(spans, log)
    inputs = _input_topics(config, partitions, source, log)
    sink.publish(sources_records(inputs.gating, config.topics.panes, config.panes.partitions))
    sink.flush()
    lengths = [model.pane_length for model in models] or [unprofiled_of(config, models).panes.length]
    starts = {source: first for source, (first, _) in spans.items()}
    view = PartitionLog(config, source, _first_counts(store, partitions), starts)
    build = Tasks(config, models, inputs, starts).build
    return Worker(
        source,
        sink,
        store,
        taking_over=TakingOver(
            sink,
            store,
            build=build,
            view=view,
            policies=config.recovery,
            log=log,
            file_option=config.file_option,
            job=config.job,
        ),
        settings=WorkerSettings(
            topics=(*(topic.name for topic in config.topics.inputs.values()), config.topics.panes),
            checkpoint=config.checkpoint,
            idle_after=config.panes.idle_after,
            max_skew=config.panes.max_skew * max(lengths),
            # The whole group waits while a member gives partitions up, and no heartbeat is sent.
            give_up_within=min(config.kafka.session_timeout // 3, _GIVE_UP_MS),
            give_up_after=config.outputs.give_up_after,
            stalled_after=config.watchdog.stalled_after,
            damaged_records=config.watchdog.damaged_records,
        ),
        clock=MonotonicClock(),
        log=log,
        inputs=inputs,
        skew=ClockSkew(config.watchdog.clock_skew, lambda: time.time_ns() // 1_000_000, log),
        alive=alive,
        knock=lambda: knock(connection_settings(config)),
        members=lambda: _members(config),
        ends=Ends({source: end for source, (_, end) in spans.items()}),
    )


def redis_state(
    config: Config,
    log: Any | None = None,
    *,
    retry_for: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RedisState:
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
        stop=stop,
    )


def _members(config: Config) -> list[str]:
    with admin_client(config, timeout_ms=_MEMBERS_MS) as admin:
        return members(admin, config.kafka.group_id)


class _Once:
    """Logs the first commit that the group refuses: they are refused in every rebalance, and none of them matters."""

    def __init__(self, log: Any) -> None:
        self._log, self._told = log, False

    def refused(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            self._log.info("commit_refused", error=str(error))


class Tasks:
    """Makes the task of a partition. `starts`: where a replay begins."""

    def __init__(
        self, config: Config, models: Sequence[Model], inputs: InputTopics, starts: Mapping[Source, int]
    ) -> None:
        self._config, self._models, self._inputs, self._starts = config, models, inputs, starts
        self._unprofiled = unprofiled_of(config, models)
        self._decoders = decoders_of(config, models, self._unprofiled)
        self._topics = PanesTopics(
            panes=config.topics.panes,
            partitions=config.panes.partitions,
            dead_letters=config.topics.dead_letters,
            layouts=layouts_of(models),
            max_dead_letter_bytes=config.limits.max_record_bytes,
            dead_letter_limits=Limits(**config.limits.dead_letters.model_dump()),
        )
        mode: Literal["live", "backtest"] = "live" if config.job is None else "backtest"
        run = Run(mode=mode, run_id=run_id_of(models, config.kafka.group_id))
        self._render = renderer_of(models, run, self._unprofiled)

    def build(self, source: Source) -> Task:
        """Fresh, of this partition."""
        if source.topic == self._config.topics.panes:
            stage = stage_of(self._models, self._unprofiled)
            # As announced on the topic. But where retention has taken that record, a stage that is made again would
            # close no pane until another worker starts.
            stage.merge.sources = tuple(sorted(self._inputs.gating))
            return DetectTask(
                source,
                stage,
                self._topics.layouts,
                self._config.topics.alerts,
                self._render,
                self._config.limits.max_alert_bytes,
            )
        ingest = ingest_of(
            self._models,
            source,
            self._decoders[source.topic],
            # A replay begins where retention has left the log, whatever was before.
            cut_start=self._config.kafka.start != "earliest" or self._starts.get(source, 0) > 0,
            unprofiled=self._unprofiled,
        )
        return IngestTask(ingest, self._topics, gating=self._inputs.gates(source.topic))


def _first_counts(store: StateStore, partitions: Mapping[str, int]) -> dict[str, int]:
    """Partitions of each topic at the group's first start."""
    settled = {topic: store.settle(f"{topic} partitions", str(count)) for topic, count in partitions.items()}
    return {topic: int(count) for topic, count in settled.items() if count.isdecimal()}


def _tell_replayed(spans: Spans, log: Any) -> None:
    records = sum(end - first for first, end in spans.values())
    cut = sorted(str(source) for source, (first, _) in spans.items() if first > 0)
    log.info("replay_of", partitions=len(spans), records=records, **({"begin_cut": cut} if cut else {}))


def _settle_panes_partitions(config: Config, store: StateStore) -> None:
    settled = store.settle("panes.partitions", str(config.panes.partitions))
    if settled != str(config.panes.partitions):
        raise ConfigError(
            f"panes.partitions is {config.panes.partitions}, but this group's state was made with {settled}: "
            f"set it back to {settled}, or choose another kafka.group_id to start afresh"
        )


def _input_topics(config: Config, partitions: Mapping[str, int], source: KafkaSource, log: Any) -> InputTopics:
    known = {topic.name: partitions[topic.name] for topic in config.topics.inputs.values()}
    replayed = config.job is not None
    return InputTopics(
        known,
        gating_topics(config),
        # A replay doesn't grow.
        partitions=(lambda name: source.partitions(name) and known[name]) if replayed else source.partitions,
        announce=lambda gating: sources_records(gating, config.topics.panes, config.panes.partitions),
        missing_after=config.kafka.missing_topic_after or None,
        log=log,
    )
