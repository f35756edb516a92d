"""Giving partitions up: a last checkpoint of them within a time budget, since the whole group waits for it.

What is not saved in time is not lost: the next owner reads again from the checkpoint before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from driftgauge.errors import BlockedError, FencedError
from driftgauge.runtime.owned import Owned
from driftgauge.sinks.base import Sink
from driftgauge.state.base import StateStore


def save_for_next_owner(owned: Sequence[Owned], sink: Sink, store: StateStore, *, budget_ms: int) -> None:
    """Flush, then save each, all within `budget_ms`. UnavailableError if there was more to do than time."""
    moved = [one for one in owned if one.collect()]
    if not moved:
        return
    end = time.monotonic() + budget_ms / 1000
    sink.flush(budget_ms)
    for number, one in enumerate(moved):
        left = round((end - time.monotonic()) * 1000)
        if left <= 0:
            raise BlockedError(f"{len(moved) - number} partitions could not be saved within {budget_ms} ms")
        try:
            store.save(one.claim, one.task.position, one.changed, one.deleted, within=left)
        except FencedError:
            # The next owner has it already.
            continue
