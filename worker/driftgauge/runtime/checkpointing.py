"""Making durable what was done: when that is due, the writing of it, and how long it took.

A checkpoint is (1) flush what was published, (2) one fenced write of state and position per partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from driftgauge.config import CheckpointConfig
from driftgauge.errors import BlockedError, FencedError
from driftgauge.records import Source
from driftgauge.runtime.clock import Clock
from driftgauge.runtime.owned import Owned
from driftgauge.runtime.tasks import DetectTask, Task
from driftgauge.sinks.base import Sink
from driftgauge.state.base import StateStore

# Alerts are out already; a checkpoint soon after keeps a crash from telling them twice.
_SOON_MS = 250


@dataclass(slots=True)
class _Waiting:
    """What has been done since the last checkpoint, at `since` (ms)."""

    since: int
    records: int = 0
    state_bytes: int = 0
    alerts: bool = False


@dataclass(slots=True)
class _Written:
    """Checkpoints since the last log line: how long each took (ms), and the bytes of all."""

    took: list[int] = field(default_factory=list)
    state_bytes: int = 0


class Checkpoints:
    """Writes the partitions in `owned`; `fenced` hears of those that are not ours any more, and why."""

    def __init__(
        self,
        sink: Sink,
        store: StateStore,
        owned: Mapping[Source, Owned],
        *,
        settings: CheckpointConfig,
        clock: Clock,
        fenced: Callable[[Source, FencedError], None],
    ) -> None:
        """Nothing is waiting."""
        self._sink, self._store, self._owned = sink, store, owned
        self._settings, self._clock, self._fenced = settings, clock, fenced
        self._waiting = _Waiting(clock.now())
        self._written = _Written()

    def processed(self, task: Task, records: int, published: int) -> None:
        """A task has taken so many records, and published so much."""
        self._waiting.records += records
        if isinstance(task, DetectTask):
            self._waiting.alerts |= published > 0
            self._waiting.state_bytes = sum(
                o.task.stage.waiting_bytes for o in self._owned.values() if isinstance(o.task, DetectTask)
            )

    def due(self, now: int) -> bool:
        """Whether enough time has passed, or enough is waiting; then all of it counts as written."""
        waiting, settings = self._waiting, self._settings
        age = now - waiting.since
        enough = waiting.records >= settings.records or waiting.state_bytes >= settings.bytes
        if age >= settings.interval or enough or (waiting.alerts and age >= _SOON_MS):
            self._waiting = _Waiting(now)
            return True
        return False

    def save(self, sources: Sequence[Source], *, within: int | None = None) -> dict[Source, int]:
        """Save those of `sources` that have moved; their positions.

        `within`: ms for all of it, None: as sink and store were set up. UnavailableError if that is not enough; what is
        not saved then is not lost, its next owner reads again from the checkpoint before.
        """
        moved = [s for s in sources if s in self._owned and self._owned[s].collect()]
        if not moved:
            return {}
        started = self._clock.now()
        self._sink.flush(within)
        positions: dict[Source, int] = {}
        for number, source in enumerate(moved):
            left = None if within is None else within - (self._clock.now() - started)
            if left is not None and left <= 0:
                raise BlockedError(f"{len(moved) - number} partitions could not be saved within {within} ms")
            owned = self._owned[source]
            position = owned.task.position
            try:
                self._store.save(owned.claim, position, owned.changed, owned.deleted, within=left)
            except FencedError as error:
                self._fenced(source, error)
                continue
            self._written.state_bytes += sum(map(len, owned.changed.values()))
            owned.settle(position)
            positions[source] = position
        self._written.took.append(self._clock.now() - started)
        return positions

    def take(self) -> dict[str, Any]:
        """Figures for the log since the last call; empty if nothing was written."""
        written, self._written = self._written, _Written()
        if not written.took:
            return {}
        took = sorted(written.took)
        return {
            "count": len(took),
            "p50_ms": took[len(took) // 2],
            "p99_ms": took[len(took) * 99 // 100],
            "bytes": written.state_bytes,
        }
