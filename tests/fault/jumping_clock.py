"""`driftgauge run` on a machine whose wall clock jumps an hour ahead and an hour back: jumping_clock.py -c FILE.

The program shifts `time.time` for all that runs in it, libraries included. What a monotonic clock shows is not touched:
that never jumps.
"""

from __future__ import annotations

import sys
import time

from driftgauge.cli import main

HOUR_S = 3600
PERIOD_S = 1.0

_now, _now_ns, _monotonic = time.time, time.time_ns, time.monotonic
_begun = _monotonic()


def shift() -> int:
    """Seconds: right at first, then an hour ahead, then an hour back, then right again, and so on."""
    return (0, HOUR_S, -HOUR_S)[int((_monotonic() - _begun) / PERIOD_S) % 3]


if __name__ == "__main__":
    time.time = lambda: _now() + shift()
    time.time_ns = lambda: _now_ns() + shift() * 1_000_000_000
    sys.argv = ["driftgauge", "run", *sys.argv[1:]]
    main()
