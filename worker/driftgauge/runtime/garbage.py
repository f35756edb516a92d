"""Python's cyclic garbage collector, told what this program is like.

The hot path makes thousands of short-lived objects per batch and no cycles. With the defaults the collector looks
through them again and again, and now and then through everything that the imports have left (several 100,000 objects):
a fifth of the time that reading from Kafka takes.
"""

from __future__ import annotations

import gc

_YOUNG = 50_000


def tune_collector() -> None:
    """Leave what exists by now alone for good, and look at new objects less often. Call it once, after the imports."""
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 100)
