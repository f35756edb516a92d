"""Redis is out of memory: it refuses to write (OOM), and takes nothing back that it holds."""

from __future__ import annotations

import time
from random import Random

from fault.inject.redis_client import client
from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """`maxmemory` below what is used, for some seconds."""
    with client(scene.redis) as redis:
        redis.config_set("maxmemory", "500kb")
        time.sleep(rng.uniform(1, 5))
        redis.config_set("maxmemory", "0")
