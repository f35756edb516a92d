"""Giving partitions up: a last checkpoint of them within a time budget, since the whole group waits for it.

What is not saved in time is not lost: the next owner reads again from the checkpoint before. A save that is still under
way when the budget is spent either comes before the next owner's claim, or is refused by it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from driftgauge.errors import BlockedError, DriftgaugeError, FencedError
from driftgauge.runtime.owned import Owned
from driftgauge.sinks.base import Sink
from driftgauge.state.base import StateStore


def save_for_next_owner(owned: Sequence[Owned], sink: Sink, store: StateStore, *, budget_ms: int) -> None:
    """Flush, then save each, all within `budget_ms`. UnavailableError if there was more to do than time.

    Nobody may use `owned` afterwards: a save that takes longer goes on with them.
    """
    moved = [one for one in owned if one.collect()]
    if not moved:
        return
    end = time.monotonic() + budget_ms / 1000
    sink.flush(budget_ms)
    failures: list[DriftgaugeError] = []
    saving = threading.Thread(target=_save, args=(moved, store, failures), name="handing-over", daemon=True)
    saving.start()
    saving.join(max(0.0, end - time.monotonic()))
    if saving.is_alive():
        raise BlockedError(f"{len(moved)} partitions could not be saved within {budget_ms} ms")
    if failures:
        raise failures[0]


def _save(owned: Sequence[Owned], store: StateStore, failures: list[DriftgaugeError]) -> None:
    for one in owned:
        try:
            store.save(one.claim, one.task.position, one.changed, one.deleted)
        except FencedError:
            # The next owner has it already.
            continue
        except DriftgaugeError as error:
            failures.append(error)
            return
