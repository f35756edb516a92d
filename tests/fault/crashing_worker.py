"""`driftgauge run` that kills itself (SIGKILL) at a crash point: crashing_worker.py NAME -c FILE."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from driftgauge.cli import main
from fault.crash_points import CRASH_POINTS, IDLE_CRASH_POINTS, CrashPoint


def arm(point: CrashPoint) -> None:
    """Put the crash around the method."""
    called = getattr(point.owner, point.method)
    left = point.count

    def crashing(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= point.counts(*arguments, **options)
        if left == 0 and point.when == "before":
            die()
        answer = called(*arguments, **options)
        if left == 0:
            die()
        return answer

    setattr(point.owner, point.method, crashing)


def die() -> None:
    """As the kernel does it: nothing is cleaned up, no buffer is written, no connection is closed in order."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    arm((CRASH_POINTS | IDLE_CRASH_POINTS)[sys.argv[1]])
    sys.argv = ["driftgauge", "run", *sys.argv[2:]]
    main()
