"""The only broker is killed (SIGKILL) and comes back after some seconds."""

from __future__ import annotations

import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """Nothing that it had acknowledged is gone: the page cache survives the process."""
    scene.kafka.kill()
    time.sleep(rng.uniform(0.5, 4))
    scene.kafka.start()
