"""Redis is a replica for a while: it answers, and refuses to write (READONLY), as after a failover."""

from __future__ import annotations

import time
from random import Random

from fault.inject.redis_client import client
from fault.scene import Scene
from services.process import LOOPBACK, free_port


def inject(scene: Scene, rng: Random) -> None:
    """Of a master that isn't there, so that it keeps what it has."""
    with client(scene.redis) as redis:
        redis.replicaof(LOOPBACK, free_port())
        time.sleep(rng.uniform(1, 5))
        redis.replicaof("NO", "ONE")
