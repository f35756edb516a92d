"""Scenario *kafka*: a real broker and a real Redis, started here as the tests start theirs.

The input topic is written once and has four partitions. Ours is the worker that `driftgauge run` runs, with a fresh
group, panes and alerts topic each time, until every event is counted and every pane it published is judged and saved.
The loop has its own consumer over the same topic, with the fetch sizes that suit it best. Both are timed from the
beginning of the poll that brought the first event, so that joining the group is left out, to the end of the last
checkpoint.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import structlog
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

from bench.handwritten import Monitor, read_event
from bench.measurement import LOOP, OURS, Measurement, in_order
from bench.stage_clock import REST, StageClock, instant, replaced
from driftgauge.app import build_worker
from driftgauge.config import Config
from driftgauge.decode.decoder import Decoder
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch
from driftgauge.runtime.tasks import DetectTask, IngestTask
from driftgauge.runtime.topics import admin_client, create_topics, topic_plans
from driftgauge.runtime.worker import Worker
from driftgauge.sinks.base import Publication
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from services import programs
from services.kafka import LocalKafka
from services.redis import LocalRedis

PARTITIONS = 4
SAVE_SECONDS = 2.0
_DEADLINE_SECONDS = 120.0
_POLL, _DECODE, _COUNT, _DETECT = "poll", "decode", "count", "detect"
_PUBLISH, _CHECKPOINT = "publish", "checkpoint"
_ORDER = (_POLL, _DECODE, _COUNT, _DETECT, _PUBLISH, _CHECKPOINT)


@dataclass(frozen=True)
class Services:
    """Addresses of what was started, and the topic with the events."""

    bootstrap: str
    redis_url: str
    topic: str


def missing_services() -> str | None:
    """What is not on this machine, or None."""
    absent = []
    if not (programs.java() and programs.kafka_jars()):
        absent.append("Kafka (Java 17 and the broker's jars)")
    if not programs.redis_server():
        absent.append("redis-server")
    return " and ".join(absent) or None


@contextmanager
def services(events: Iterable[bytes]) -> Iterator[Services]:
    """A broker with `events` on a topic, and a Redis; stopped at the end whatever happened."""
    java, jars, program = programs.java(), programs.kafka_jars(), programs.redis_server()
    if not (java and jars and program):
        raise RuntimeError("look at missing_services first")
    with tempfile.TemporaryDirectory(prefix="driftgauge-bench-") as folder:
        broker, store = LocalKafka(Path(folder), java, jars), LocalRedis(Path(folder), program)
        try:
            broker.start()
            store.start()
            topic = broker.create_topic("ml.predictions", PARTITIONS, retention_ms=-1)
            produce(broker.bootstrap, topic, events)
            yield Services(broker.bootstrap, store.url, topic)
        finally:
            store.stop()
            broker.stop()


def produce(bootstrap: str, topic: str, events: Iterable[bytes]) -> None:
    """Put `events` on the partitions of `topic` in turn."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, batch_size=256 << 10)
    for i, event in enumerate(events):
        producer.send(topic, event, partition=i % PARTITIONS)
    producer.flush()
    producer.close()


class _Progress:
    """How far a worker under measurement has come: events counted, records of the panes topic written and read."""

    def __init__(self, clock: StageClock, topic: str, panes: str) -> None:
        self._clock, self._topic, self._panes = clock, topic, panes
        self.records = self.written = self.read = self.alerts = 0
        self.started = False

    def watch_poll(self, source: KafkaSource, timeout_ms: int) -> list[RecordBatch]:
        before = instant()
        batches = _poll(source, timeout_ms)
        if not self.started and any(batch.source.topic == self._topic for batch in batches):
            self.started = True
            self._clock.start(before)
        return batches

    def watch_ingest(self, task: IngestTask, batch: RecordBatch) -> list[Publication]:
        self.records += len(batch)
        return _ingest(task, batch)

    def watch_detect(self, task: DetectTask, batch: RecordBatch) -> list[Publication]:
        self.read += len(batch)
        return _detect(task, batch)

    def watch_publish(self, sink: KafkaSink, publications: Sequence[Publication]) -> None:
        self.written += sum(p.topic == self._panes for p in publications)
        self.alerts += sum(p.topic.endswith(".alerts") for p in publications)
        _publish(sink, publications)


_poll, _ingest, _detect, _publish = KafkaSource.poll, IngestTask.process, DetectTask.process, KafkaSink.publish


def run_ours(at: Services, profile: Profile, events: int, name: str) -> Measurement:
    """The worker. `name` is new each time: group, topics and Redis keys are its own."""
    config = _config(at, profile, name)
    with admin_client(config) as admin:
        create_topics(admin, topic_plans(config)[1:], replication=1)
    clock = StageClock()
    progress = _Progress(clock, at.topic, config.topics.panes)
    end = time.monotonic() + _DEADLINE_SECONDS
    stages: dict[str, Any] = {}

    def done() -> bool:
        if time.monotonic() > end:
            raise RuntimeError(f"only {progress.records} of {events} events after {_DEADLINE_SECONDS:.0f} s")
        return progress.records >= events and progress.read >= progress.written

    def checkpoint(worker: Worker) -> None:
        timed_checkpoint(worker)
        # Replaced by the next one's: the last is what ends the run.
        stages.update(clock.stop())

    timed_checkpoint = clock.wrap(Worker.checkpoint, _CHECKPOINT)
    with replaced(
        (KafkaSource, "poll", clock.wrap(progress.watch_poll, _POLL)),
        (Decoder, "decode", clock.wrap(Decoder.decode, _DECODE)),
        (IngestTask, "process", clock.wrap(progress.watch_ingest, _COUNT)),
        (DetectTask, "process", clock.wrap(progress.watch_detect, _DETECT)),
        (KafkaSink, "publish", clock.wrap(progress.watch_publish, _PUBLISH)),
        (Worker, "checkpoint", checkpoint),
    ):
        worker = build_worker(config, [profile], structlog.wrap_logger(structlog.ReturnLogger()))
        worker.run(done)
    outcome = {"counted": progress.records, "panes_topic": progress.read, "alerts": progress.alerts}
    return Measurement(OURS, progress.records, in_order(stages, _ORDER), outcome)


def run_loop(at: Services, profile: Profile, events: int, name: str) -> Measurement:
    """The hand-written loop: polls, observes, and keeps its offsets and figures every two seconds."""
    consumer = KafkaConsumer(
        bootstrap_servers=at.bootstrap,
        group_id=name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=5000,
        max_partition_fetch_bytes=4 << 20,
    )
    consumer.subscribe([at.topic])
    # A member that joins before it has the topic's metadata is assigned nothing, for minutes.
    consumer.partitions_for_topic(at.topic)
    store = redis.Redis.from_url(at.redis_url)
    monitor, clock = Monitor(profile), StageClock()
    first = False

    def timed_poll() -> dict[Any, list[Any]]:
        nonlocal first
        before = instant()
        polled: dict[Any, list[Any]] = consumer.poll(timeout_ms=100)
        if polled and not first:
            first = True
            clock.start(before)
        return polled

    poll = clock.wrap(timed_poll, _POLL)
    save = clock.wrap(_save, _CHECKPOINT)
    observe = monitor.observe
    positions: dict[Any, OffsetAndMetadata] = {}
    saved = time.monotonic()
    end = saved + _DEADLINE_SECONDS
    while monitor.events < events:
        polled = poll()
        for partition, records in polled.items():
            for record in records:
                observe(read_event(record.value))
            positions[partition] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        if time.monotonic() - saved >= SAVE_SECONDS:
            save(consumer, store, name, positions, monitor)
            saved = time.monotonic()
        if time.monotonic() > end:
            raise RuntimeError(f"only {monitor.events} of {events} events after {_DEADLINE_SECONDS:.0f} s")
    save(consumer, store, name, positions, monitor)
    stages = clock.stop()
    consumer.close()
    store.close()
    stages["loads + statistics + detectors"] = stages.pop(REST)
    outcome = {"counted": monitor.events, "alarms": len(monitor.alarms)}
    return Measurement(LOOP, monitor.events, in_order(stages, (_POLL,)), outcome)


def _save(
    consumer: KafkaConsumer, store: redis.Redis, name: str, positions: dict[Any, OffsetAndMetadata], monitor: Monitor
) -> None:
    state: dict[Any, Any] = {f"{p.topic}:{p.partition}": o.offset for p, o in positions.items()}
    store.hset(f"handwritten:{name}", mapping={**state, "summary": monitor.summary()})
    consumer.commit(positions)


def _config(at: Services, profile: Profile, name: str) -> Config:
    settings = {
        "kafka": {"bootstrap_servers": [at.bootstrap], "group_id": name},
        "topics": {
            "predictions": at.topic,
            "panes": f"{name}.panes",
            "alerts": f"{name}.alerts",
            "dead_letters": f"{name}.dead-letters",
        },
        "redis": {"url": at.redis_url, "namespace": name},
        "panes": {"length": "60s"},
        "models": [{"model_id": profile.model_id, "model_version": profile.model_version, "profile": "in memory"}],
        "checkpoint": {"interval": "2s"},
    }
    return Config.model_validate(settings)
