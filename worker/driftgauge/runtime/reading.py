"""Polling, and what is done when the records that come next can't be read.

A damaged batch is never passed over silently: the worker ends, or says which offsets it leaves out. Either way the poll
after the one that failed must not come before the position is set anew: kafka-python's would never return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from driftgauge.errors import DamagedError, OutOfRangeError
from driftgauge.records import RecordBatch
from driftgauge.sources.base import PartitionedSource

# What was damaged on the way only is read again this often.
_AGAIN = 3


class Reading:
    """The polls of one worker. `damaged_records`: what to do about them; `out_of_range`: to take over anew.

    `alive` is called before each poll.
    """

    def __init__(
        self,
        source: PartitionedSource,
        *,
        damaged_records: Literal["stop", "skip"],
        out_of_range: Callable[[OutOfRangeError], None],
        alive: Callable[[], None],
        log: Any,
    ) -> None:
        """Nothing is polled yet."""
        self._source, self._skip = source, damaged_records == "skip"
        self._out_of_range, self._alive, self._log = out_of_range, alive, log
        self._again = 0

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Next records; none where something had to be set right first. DamagedError if that can't be."""
        self._alive()
        try:
            batches = self._source.poll(timeout_ms)
        except OutOfRangeError as error:
            self._out_of_range(error)
            return []
        except DamagedError as error:
            self._leave_out(error)
            return []
        if batches:
            self._again = 0
        return batches

    def _leave_out(self, error: DamagedError) -> None:
        skipped = self._source.skip_damage()
        if not skipped:
            self._again += 1
            if self._again > _AGAIN:
                raise error
            self._log.warning("damaged_records_read_again", error=str(error), attempt=self._again)
        for source, (first, until) in sorted(skipped.items()):
            where = f"{source}: the records at offsets {first} to {until - 1} can't be read: {error}"
            if not self._skip:
                raise DamagedError(
                    f"{where}. Restore them from a replica, if there is one. To leave them out, start the worker with "
                    "watchdog.damaged_records: skip; it says which they were"
                ) from error
            self._log.error(
                "damaged_records_skipped",
                topic=source.topic,
                partition=source.partition,
                first_offset=first,
                last_offset=until - 1,
                error=str(error),
            )
