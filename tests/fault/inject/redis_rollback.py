"""Redis comes back with an older copy of itself: a failover to a replica that lagged, or a backup put back."""

from __future__ import annotations

import shutil
import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """What it had acknowledged in the last seconds is gone."""
    files = scene.redis.directory / "appendonlydir"
    copy = files.with_name("older")
    shutil.copytree(files, copy)
    time.sleep(rng.uniform(1, 4))
    scene.redis.kill()
    shutil.rmtree(files)
    copy.rename(files)
    scene.redis.start()
