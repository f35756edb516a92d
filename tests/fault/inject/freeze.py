"""A zombie: a worker stands still for longer than its session lasts, loses its partitions, and goes on as if nothing
had been, with everything it held in memory."""

from __future__ import annotations

import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """One and a half to two sessions."""
    i = rng.choice(sorted(scene.fleet.workers))
    scene.fleet.freeze(i)
    time.sleep(scene.line.settings.kafka.session_timeout / 1000 * rng.uniform(1.5, 2))
    scene.fleet.thaw(i)
