"""Redis is killed (SIGKILL) and comes back after some seconds with what its AOF holds."""

from __future__ import annotations

import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """Short enough for a supervisor's patience."""
    scene.redis.kill()
    time.sleep(rng.uniform(0, 4))
    scene.redis.start()
