"""Of three brokers the one that leads a partition is killed (SIGKILL), and comes back when another leads."""

from __future__ import annotations

import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """The leader of an input or a panes partition: often the group's coordinator too."""
    source = rng.choice([*scene.line.inputs, *scene.line.panes])
    scene.kafka.leader(*source).kill()
    time.sleep(rng.uniform(3, 6))
    scene.kafka.start()
