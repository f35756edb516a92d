"""A measurement in a process of its own, as each side would run: neither inherits the other's memory or settings."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from bench.measurement import Measurement
from driftgauge.runtime.memory import tune_memory


def apart(measure: Callable[..., Measurement], *arguments: Any, tuned: bool = False) -> Measurement:
    """What `measure(*arguments)` gives in a fresh process; `tuned` as our commands tune theirs when they start."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=tune_memory if tuned else None) as pool:
        return pool.submit(measure, *arguments).result()
