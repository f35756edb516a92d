"""A worker as its users run it: topics of its own, a config file, `driftgauge run` as a process, its alerts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from driftgauge.config_file import load
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.kinds import Kind
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import ColumnGatherer
from driftgauge.runtime.topics import admin_client, create_topics, topic_plans
from driftgauge.sources.profile_file import write_profile

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
# How long anything that is waited for may take. It costs nothing where all is well, and machines may be slow.
PATIENCE_S = 120.0
JOBS = ("salaried", "self_employed", "unemployed")


def loan_events(count: int, *, every_ms: int = 200, break_at: int | None = None, seed: int = 7, start: int = START):
    """Canonical events; from `break_at` on employment_type is NULL in 93 % and the applicant rejected."""
    rng = np.random.default_rng(seed)
    events = []
    for i in range(count):
        broken = break_at is not None and i >= break_at
        job = None if rng.random() < (0.93 if broken else 0.008) else JOBS[rng.integers(3)]
        rejected = job is None or rng.random() < 0.2
        event = {
            "event_type": "prediction",
            "prediction_id": f"p{i}",
            "model_id": "loan-approval",
            "model_version": "7",
            "timestamp": start + i * every_ms,
            "features": {"employment_type": job, "income": round(float(rng.lognormal(10, 0.5)), 2)},
            "prediction": "rejected" if rejected else "approved",
        }
        events.append(json.dumps(event).encode())
    return events


def profile_of(events: Iterable[bytes], model_id: str = "loan-approval") -> Profile:
    """The profile of canonical events like the above."""
    rows = [json.loads(event) for event in events]

    def gathered(kind: Kind, values: list) -> object:
        gatherer = ColumnGatherer(kind)
        gatherer.extend(values)
        return gatherer.column()

    reference = Reference(
        ["train"],
        np.array([row["timestamp"] for row in rows], np.int64),
        {
            "employment_type": gathered("string", [row["features"]["employment_type"] for row in rows]),
            "income": gathered("numeric", [row["features"]["income"] for row in rows]),
        },
        gathered("string", [row["prediction"] for row in rows]),
    )
    return build_profile(reference, model_id=model_id, model_version="7").profile


class Live:
    """One deployment on a shared broker and Redis, with names of its own.

    No source falls idle unless `panes` says so: then nothing depends on the wall clock. `options`: of `run`.
    """

    def __init__(
        self, kafka, redis_server, folder: Path, profile: Profile, /, *, partitions: int = 3, **overrides
    ) -> None:
        self.kafka, self.folder = kafka, folder
        name = uuid.uuid4().hex[:8]
        self.group = f"g-{name}"
        self.topics = {kind: f"{kind}-{name}" for kind in ("predictions", "panes", "alerts", "dead_letters")}
        self.partitions = partitions
        write_profile(profile, folder / "profile.json")
        self.config = folder / "driftgauge.yaml"
        settings = {
            "kafka": {
                "bootstrap_servers": kafka.bootstrap.split(","),
                "group_id": self.group,
                "session_timeout": "3s",
            },
            "topics": self.topics,
            "redis": {"url": redis_server.url, "namespace": f"test-{name}"},
            "panes": {"length": "1m", "out_of_orderness": "5s", "idle_after": "10m", "partitions": 2},
            "models": [{"model_id": "loan-approval", "model_version": "7", "profile": "profile.json"}],
            "checkpoint": {"interval": "300ms"},
        }
        for section, values in overrides.items():
            settings[section] = settings.get(section, {}) | values if isinstance(values, dict) else values
        # JSON is YAML.
        self.config.write_text(json.dumps(settings))
        self.options: Sequence[str] = ()
        self.workers: list[Worker] = []
        self.create_topics()

    def create_topics(self) -> None:
        settings = load(self.config, os.environ)
        with admin_client(settings) as admin:
            create_topics(admin, topic_plans(settings, input_partitions=self.partitions))

    def produce(self, events: Iterable[bytes], partition: int | None = None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap, linger_ms=20, batch_size=1 << 18)
        for i, value in enumerate(events):
            chosen = i % self.partitions if partition is None else partition
            producer.send(self.topics["predictions"], value, partition=chosen)
        producer.flush()
        producer.close()

    def start(self, *, config: Path | None = None, before: Sequence[str] = ()) -> Worker:
        """`before`: a program and its arguments that start the worker."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(config or self.config, log, before, self.options)
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        for worker in self.workers:
            worker.kill()

    def read(self, kind: str, partitions: int = 1):
        """Everything on a topic by now."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, enable_auto_commit=False, group_id=None)
        try:
            parts = [TopicPartition(self.topics[kind], i) for i in range(partitions)]
            consumer.assign(parts)
            ends = consumer.end_offsets(parts)
            consumer.seek_to_beginning(*parts)
            records = []
            while any(consumer.position(p) < ends[p] for p in parts):
                for batch in consumer.poll(timeout_ms=500).values():
                    records += batch
            return records
        finally:
            consumer.close()

    def alerts(self) -> list[dict]:
        return [json.loads(record.value) for record in self.read("alerts")]

    def wait_for_alerts(self, enough) -> list[dict]:
        """The alerts once `enough(alerts)` holds."""
        return wait(self.alerts, enough, self.workers)

    def consumed(self, kind: str = "predictions") -> bool:
        """Whether the group has committed all there is on that topic."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap,
            group_id=self.group,
            enable_auto_commit=False,
        )
        try:
            numbers = consumer.partitions_for_topic(self.topics[kind]) or ()
            parts = [TopicPartition(self.topics[kind], i) for i in numbers]
            last = consumer.end_offsets(parts)
            return bool(parts) and all((consumer.committed(p) or 0) >= last[p] for p in parts)
        finally:
            consumer.close(autocommit=False)


class Worker:
    """`driftgauge run` as a process; its log as dictionaries."""

    def __init__(self, config: Path, log: Path, before: Sequence[str] = (), options: Sequence[str] = ()) -> None:
        self.log = log
        with log.open("wb") as out:
            command = [*before, sys.executable, "-m", "driftgauge", "run", "-c", str(config), *options]
            self.process = subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL)

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def events(self, name: str) -> list[dict]:
        return [line for line in self.lines() if line["event"] == name]

    def ended(self) -> int:
        """Its exit code, once it ends."""
        return self.process.wait(PATIENCE_S)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait(get, enough, workers: Sequence[Worker] = ()):
    """Ask `get` until `enough(answer)`; the answer. AssertionError if one of the workers fails meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = get()
        if enough(answer):
            return answer
        for worker in workers:
            if worker.process.poll() not in (None, 0, -signal.SIGKILL):
                raise AssertionError(f"the worker ended:\n{worker.log.read_text()[-3000:]}")
        if time.monotonic() > end:
            tails = "\n".join(worker.log.read_text()[-2000:] for worker in workers)
            raise AssertionError(f"not within {PATIENCE_S:.0f} s; last answer: {str(answer)[:2000]}\n{tails}")
        time.sleep(0.2)


def ids(alerts: Iterable[dict]) -> list[str]:
    """Event ids in order, each once."""
    return list(dict.fromkeys(alert["event_id"] for alert in alerts))


def run(arguments: list[str], expect: int = 0) -> subprocess.CompletedProcess:
    """A driftgauge command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "driftgauge", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def groups(line: Live) -> set[str]:
    """The consumer groups that the deployment's Kafka knows."""
    admin = KafkaAdminClient(bootstrap_servers=line.kafka.bootstrap)
    try:
        return {group["group_id"] for group in admin.list_groups()}
    finally:
        admin.close()
