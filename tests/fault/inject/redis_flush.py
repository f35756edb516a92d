"""Everything in Redis is deleted (FLUSHALL) while workers run."""

from __future__ import annotations

from random import Random

from fault.inject.redis_client import client
from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """State, positions, tokens, and what was settled once."""
    with client(scene.redis) as redis:
        redis.flushall()
