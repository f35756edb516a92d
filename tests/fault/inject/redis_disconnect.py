"""Redis closes all connections and forgets all scripts (CLIENT KILL, SCRIPT FLUSH)."""

from __future__ import annotations

from random import Random

from fault.inject.redis_client import client
from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """Several times, to meet one in the middle of something."""
    with client(scene.redis) as redis:
        for _ in range(rng.randint(1, 5)):
            redis.script_flush()
            redis.client_kill_filter(_type="normal", skipme=True)
