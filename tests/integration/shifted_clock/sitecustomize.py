"""A wall clock SHIFTED_CLOCK_S seconds ahead for a whole process, libraries included, with this folder in PYTHONPATH.

What a monotonic clock shows is not touched: that never jumps.
"""

from __future__ import annotations

import os
import time

AHEAD_S = int(os.environ["SHIFTED_CLOCK_S"])
_now, _now_ns = time.time, time.time_ns
time.time = lambda: _now() + AHEAD_S
time.time_ns = lambda: _now_ns() + AHEAD_S * 1_000_000_000
