"""Redis stands still (SIGSTOP): connections stay open, answers don't come, and then come all the same."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from fault.scene import Scene


def inject(scene: Scene, rng: Random) -> None:
    """At times for longer than a worker waits for an answer: then it asks again, and what it had asked is done too."""
    pid = scene.redis.server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.uniform(1, 7))
    os.kill(pid, signal.SIGCONT)
