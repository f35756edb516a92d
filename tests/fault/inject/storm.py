"""A rebalance storm: workers join and leave the group every second, half of them without saying so."""

from __future__ import annotations

import signal
import time
from random import Random

from fault.scene import Scene

_JOINS = 3


def inject(scene: Scene, rng: Random) -> None:
    """Each is long enough a member to be given something."""
    for i in range(_JOINS):
        guest = scene.fleet.join()
        # Until it has started nothing is disturbed.
        deadline = time.monotonic() + 10
        while not guest.events("worker_started") and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(rng.uniform(0.5, 1.5))
        guest.process.send_signal(signal.SIGKILL if i % 2 else signal.SIGTERM)
