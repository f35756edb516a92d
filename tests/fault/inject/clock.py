"""A worker whose wall clock jumps an hour ahead and back, again and again (`jumping_clock.py`)."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

from fault.program import DRIFTGAUGE_RUN
from fault.scene import Scene

PROGRAM = str(Path(__file__).parents[1] / "jumping_clock.py")


def inject(scene: Scene, rng: Random) -> None:
    """It works beside the others for some seconds, then one with a sound clock takes its place."""
    i = rng.choice(sorted(scene.fleet.workers))
    scene.fleet.roll(i, [PROGRAM])
    time.sleep(rng.uniform(3, 6))
    scene.fleet.roll(i, DRIFTGAUGE_RUN)
