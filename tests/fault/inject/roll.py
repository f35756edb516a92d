"""A rolling restart: one worker after the other ends in order (SIGTERM) and is started again."""

from __future__ import annotations

from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """All, in any order."""
    workers = sorted(scene.fleet.workers)
    for i in rng.sample(workers, len(workers)):
        scene.fleet.roll(i)
