"""Redis takes seconds to read its files after a crash, and says so to whoever asks (LOADING)."""

from __future__ import annotations

import time
from random import Random

from fault.inject.redis_client import client
from fault.scene import Scene

_KEYS = 300
# Added to each key that is read: as if there were gigabytes of them.
_DELAY_US = 8000


def inject(scene: Scene, rng: Random) -> None:
    """Two to three seconds."""
    with client(scene.redis) as redis:
        for i in range(_KEYS):
            redis.set(f"ballast:{i}", rng.random())
        redis.bgrewriteaof()
        while redis.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.05)
    slow = ["--key-load-delay", str(_DELAY_US), "--loading-process-events-interval-bytes", "1024"]
    command = scene.redis.server.command
    scene.redis.kill()
    scene.redis.server.command = [*command, *slow]
    try:
        scene.redis.start()
    finally:
        scene.redis.server.command = command
