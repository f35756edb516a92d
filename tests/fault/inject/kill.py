"""A worker is killed (SIGKILL), as by the kernel when memory is short; its supervisor starts another."""

from __future__ import annotations

from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """Any of them."""
    scene.fleet.kill(rng.choice(sorted(scene.fleet.workers)))
