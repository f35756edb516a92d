"""What there is to be disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driftgauge.profiles.profile import Profile
from fault.deployment import Deployment
from fault.fleet import Fleet
from services import programs
from services.cluster import Cluster
from services.proxy import ProxiedKafka, ProxiedRedis

WORKERS = 3


@dataclass
class Scene:
    """A deployment at work on a Kafka and a Redis of its own. `kafka` is a ProxiedKafka or a Cluster."""

    line: Deployment
    fleet: Fleet
    kafka: Any
    redis: ProxiedRedis


@contextmanager
def scene(folder: Path, models: Mapping[str, Profile], *, cluster: bool = False, **overrides: Any) -> Iterator[Scene]:
    """Started, and stopped at the end whatever happened."""
    folder.mkdir(parents=True, exist_ok=True)
    kafka = (Cluster if cluster else ProxiedKafka)(folder, *programs.broker())
    redis = ProxiedRedis(folder, programs.redis())
    try:
        kafka.start()
        redis.start()
        line = Deployment(kafka, redis, folder, dict(models), **overrides)
        fleet = Fleet(line, WORKERS)
        try:
            yield Scene(line, fleet, kafka, redis)
        finally:
            fleet.abandon()
            line.stop()
    finally:
        redis.stop()
        kafka.stop()
