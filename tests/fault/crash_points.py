"""The moments at which a worker may die between two records and what becomes of them, by name.

Each is a method of an adapter or a task, and whether the worker dies before it begins or after it is done. The product
has no hooks for this: the program that dies (`crashing_worker.py`) puts itself around the method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import redis

from driftgauge.runtime.tasks import IngestTask
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource
from driftgauge.state.redis import RedisState


def _always(*_arguments: Any, **_options: Any) -> bool:
    return True


@dataclass(frozen=True)
class CrashPoint:
    """`counts`: whether a call, by its arguments, is one that is counted; `count`: the one at which the worker dies."""

    owner: type
    method: str
    when: Literal["before", "after"]
    count: int
    counts: Callable[..., bool] = _always


def _has_records(_sink: KafkaSink, records: Any) -> bool:
    return bool(records)


def _loads_state(_client: Any, key: str) -> bool:
    return str(key).endswith(":state")


CRASH_POINTS = {
    "before publishing": CrashPoint(KafkaSink, "publish", "before", 10, _has_records),
    "published, not flushed": CrashPoint(KafkaSink, "publish", "after", 10, _has_records),
    "flushed, not saved": CrashPoint(RedisState, "save", "before", 6),
    "some partitions saved, others not": CrashPoint(RedisState, "save", "before", 8),
    "saved, the answer never read": CrashPoint(RedisState, "save", "after", 6),
    "saved, not committed": CrashPoint(KafkaSource, "commit", "before", 3),
    "claimed, not loaded": CrashPoint(redis.Redis, "hgetall", "before", 3, _loads_state),
    "restored, not published again": CrashPoint(IngestTask, "restore", "after", 2),
    "published again, nothing read": CrashPoint(KafkaSource, "seek", "before", 3),
}
IDLE_CRASH_POINTS = {
    "idle decision saved, not published": CrashPoint(IngestTask, "raise_watermark", "before", 1),
    "idle decision published, not settled": CrashPoint(IngestTask, "raise_watermark", "after", 1),
}
