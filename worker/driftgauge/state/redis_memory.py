"""Whether Redis may throw state away by itself: asked once, at the start."""

from __future__ import annotations

from typing import Any

from driftgauge.errors import ConfigError
from driftgauge.state.redis import RedisState

_FIRST_ANSWER_MS = 3_000


def refuse_eviction(store: RedisState, log: Any) -> None:
    """ConfigError if Redis has a limit of memory and evicts any key to keep it. `log` hears if that can't be known.

    `volatile-…` policies evict keys that expire, and state doesn't. As the first question to Redis it waits three
    seconds for an answer and no longer: nothing has begun yet.
    """
    memory = store.memory(within=_FIRST_ANSWER_MS)
    if memory is None:
        log.warning("redis_memory_unknown", do="see that maxmemory-policy is noeviction: this user may not run INFO")
        return
    limit, policy = memory
    if not policy.startswith("allkeys"):
        return
    if limit:
        raise ConfigError(
            f"Redis evicts keys when it is full (maxmemory {limit}, maxmemory-policy {policy}), and here they are "
            "state: set its maxmemory-policy to noeviction, or name another Redis in redis.url"
        )
    log.warning("redis_may_evict", policy=policy, do="set maxmemory-policy noeviction before you set maxmemory")
