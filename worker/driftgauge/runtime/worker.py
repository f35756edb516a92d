"""The worker: one loop that polls, processes, publishes and checkpoints, on however many partitions it is given.

Everything that follows from the log is published first and checkpointed afterwards; ids are deterministic, so
repeating it after a crash is harmless. See `checkpointing` and `taking_over` for how state is written and read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from driftgauge.config import CheckpointConfig
from driftgauge.errors import (
    BlockedError,
    FencedError,
    OutOfRangeError,
    StateGoneError,
    UnavailableError,
    UndeliveredError,
)
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.awaiting import AwaitingPartitions
from driftgauge.runtime.backpressure import Backpressure
from driftgauge.runtime.checkpointing import Checkpoints
from driftgauge.runtime.clock import Clock
from driftgauge.runtime.clock_skew import ClockSkew
from driftgauge.runtime.ends import ENDLESS, Ends
from driftgauge.runtime.idle import IdleWatch
from driftgauge.runtime.input_topics import InputTopics
from driftgauge.runtime.owned import Owned
from driftgauge.runtime.reading import Reading
from driftgauge.runtime.stalled import StalledReading
from driftgauge.runtime.taking_over import TakingOver
from driftgauge.runtime.tasks import IngestTask
from driftgauge.sinks.base import Sink
from driftgauge.sources.base import PartitionedSource
from driftgauge.state.base import Progress, StateStore

_POLL_MS = 100
_TICK_MS = 500
_LOG_MS = 10_000


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Durations in ms. `max_skew`: how far (ms of event time) a source may run ahead of the slowest gating one.

    `give_up_within`: how long partitions that are taken away wait for their last checkpoint; `give_up_after`: how long
    nothing may be written before the worker ends; `stalled_after`: how often it is looked whether what gives nothing
    has more to read.
    """

    topics: tuple[str, ...]
    checkpoint: CheckpointConfig
    idle_after: int
    max_skew: int
    give_up_within: int
    give_up_after: int = 600_000
    stalled_after: int = 60_000
    damaged_records: Literal["stop", "skip"] = "stop"


class Worker:
    """Runs until `stop` says so. `taking_over` makes partitions ready that the group gives us.

    `inputs` knows of the input topics, `skew` is told of stamps, `alive` is called at each turn of the loop. `knock`,
    asked when Kafka doesn't answer, raises UnavailableError where it would not let us in any more. `members`: where
    those of the group are. `ends`: where inputs end, in a replay.
    """

    def __init__(
        self,
        source: PartitionedSource,
        sink: Sink,
        store: StateStore,
        *,
        taking_over: TakingOver,
        settings: WorkerSettings,
        clock: Clock,
        log: Any,
        inputs: InputTopics,
        skew: ClockSkew,
        alive: Callable[[], None] = lambda: None,
        knock: Callable[[], object] = lambda: None,
        members: Callable[[], list[str]] = list,
        ends: Ends = ENDLESS,
    ) -> None:
        """Nothing is read before `run`."""
        self._source, self._sink, self._store = source, sink, store
        self._taking_over, self._settings, self._ends = taking_over, settings, ends
        self._clock, self._log = clock, log
        self._owned: dict[Source, Owned] = {}
        self._pending: set[Source] = set()
        self._idle = IdleWatch(settings.idle_after)
        self._told: dict[Source, Progress] = {}
        self._checkpoints = Checkpoints(
            sink,
            store,
            self._owned,
            settings=settings.checkpoint,
            clock=clock,
            fenced=self._fenced,
        )
        self._inputs, self._skew, self._knock = inputs, skew, knock
        self._reading = Reading(
            source, damaged_records=settings.damaged_records, out_of_range=self._out_of_range, alive=alive, log=log
        )
        self._awaiting = AwaitingPartitions(members, log, clock.now())
        self._stalled = StalledReading(settings.stalled_after, source.drained, clock.now())
        self._backpressure = Backpressure(
            sink,
            turn=self._poll_paused,
            rewind=self._rewind,
            give_up_after=settings.give_up_after,
            clock=clock,
            log=log,
        )

    def run(self, stop: Callable[[], bool]) -> bool:
        """Poll until `stop()`; then finish the batch, checkpoint and leave the group.

        True: it ended by itself, since whatever the group has given it has come to its end and is saved.
        """
        self._source.subscribe(
            self._settings.topics, assigned=self._on_assigned, revoked=self._on_revoked, lost=self._on_lost
        )
        try:
            done = self._loop(stop)
            self.checkpoint()
            self._report()
            return done
        finally:
            # Leaving the group calls the listeners; there is nothing left for them to save.
            self._owned.clear()
            self._taking_over.close()
            self._source.close()

    def _loop(self, stop: Callable[[], bool]) -> bool:
        ticked = logged = self._clock.now()
        while not stop():
            try:
                self._sink.make_room()
                for batch in self._reading.poll(_POLL_MS):
                    self._process(batch)
                self._adopt()
                if self._ends and self._finished():
                    return True
                now = self._clock.now()
                if now - ticked >= _TICK_MS:
                    ticked = now
                    self._tick(now)
                if self._checkpoints.due(now):
                    self.checkpoint()
                if now - logged >= _LOG_MS:
                    logged = now
                    self._report()
            except (BlockedError, UndeliveredError) as error:
                self._hold(error, stop)
        return False

    def checkpoint(self) -> None:
        """Make everything done so far durable, and tell the group."""
        positions = self._checkpoints.save(list(self._owned))
        if positions:
            self._backpressure.relieved()
            self._skew.broker(self._sink.stamped)
            self._source.commit(positions)

    def _hold(self, error: BlockedError | UndeliveredError, stop: Callable[[], bool]) -> None:
        self._pause_all()
        self._knock()
        self._backpressure.hold(error, stop)
        for source, owned in self._owned.items():
            if not owned.paused:
                self._source.resume(source)

    def _pause_all(self) -> None:
        for source in self._source.assignment():
            self._source.pause(source)

    def _poll_paused(self) -> None:
        """Stay in the group. Partitions that come meanwhile are paused by the listener, and taken later."""
        self._reading.poll(_POLL_MS)

    def _out_of_range(self, error: OutOfRangeError) -> None:
        """Where such a partition goes on, and whether it may, is decided where it is taken over."""
        self._log.warning("position_out_of_range", error=str(error))
        for partition in error.partitions:
            self._forget(Source(*partition), "partition_out_of_range")

    def _rewind(self) -> None:
        """What was done since the last checkpoint is done again: forget it, and take over from there."""
        for source in list(self._owned):
            self._forget(source, "partition_rewound")
        self._inputs.announce_again()

    def _finished(self) -> bool:
        """Finish the inputs that are at their end; whether nothing is left to do of what is ours, and that is saved.

        Before anybody asks who is idle: an input at its end is not silent.
        """
        for source, owned in self._owned.items():
            end, task = self._ends.of(source), owned.task
            # By the position: markers of transactions have offsets too.
            if end is not None and not task.finished and self._source.position(source) >= end:
                self._sink.publish(task.finish())  # type: ignore[attr-defined]
        if self._pending or not self._owned or not all(owned.task.finished for owned in self._owned.values()):
            return False
        self.checkpoint()
        # What turned out to be another's is theirs to finish; what has to be taken over anew is not done.
        return bool(self._owned) and not self._pending

    def _process(self, batch: RecordBatch) -> None:
        owned = self._owned.get(batch.source)
        if owned is None:
            return
        self._stalled.read(batch.source)
        batch = self._ends.within(batch)
        if not len(batch):
            return
        self._skew.records(batch)
        publications = owned.task.process(batch)
        self._sink.publish(publications)
        self._checkpoints.processed(owned.task, len(batch), len(publications))

    def _tick(self, now: int) -> None:
        """What the wall clock has to do with it: courtesy, idle sources, flow control."""
        self._look_for_stalled(now)
        self._awaiting.look(now, given=bool(self._owned or self._pending))
        self._sink.publish(self._inputs.look(now))
        ingests = self._gating()
        for source, owned in ingests.items():
            task = owned.task
            progress = Progress(task.ingest.watermark, task.ingest.time.reached)
            if progress.watermark != MIN_TIME and self._told.get(source) != progress:
                self._store.tell(source, progress)
                self._told[source] = progress
        if not ingests:
            return
        # What was read before, and is not any more, would be the slowest for ever.
        told = {source: progress for source, progress in self._store.told().items() if source in self._inputs.gating}
        self._idle.observe(now, (p.reached for p in told.values() if p.reached != MIN_TIME))
        self._raise_idle(now, ingests)
        self._balance(ingests, told)

    def _look_for_stalled(self, now: int) -> None:
        try:
            self._stalled.look(now, [source for source, owned in self._owned.items() if not owned.paused])
        except UnavailableError as error:
            self._knock()
            self._log.warning("end_offsets_unknown", error=str(error))

    def _gating(self) -> dict[Source, Any]:
        return {s: o for s, o in sorted(self._owned.items()) if isinstance(o.task, IngestTask) and o.task.gating}

    def _raise_idle(self, now: int, ingests: Mapping[Source, Any]) -> None:
        mark = self._idle.mark(now)
        if mark is None:
            return
        behind = [s for s, o in ingests.items() if not o.paused and o.task.ingest.watermark < mark]
        behind = [s for s in behind if ingests[s].task.ingest.would_close(mark)]
        if not behind:
            return
        try:
            drained = self._source.drained(behind)
        except UnavailableError as error:
            # Nobody is idle as long as nobody can say what is left to read; reading itself waits for the broker.
            self._log.warning("end_offsets_unknown", error=str(error))
            return
        idle = [s for s in behind if s in drained]
        # The decision is durable before anybody hears of it: on load it is carried out again.
        self._checkpoints.save(idle)
        for source in idle:
            owned = self._owned.get(source)
            if owned is None:
                continue
            decision = owned.task.decision(mark)  # type: ignore[attr-defined]
            try:
                self._store.save(owned.claim, owned.task.position, decision, ())
            except FencedError as error:
                self._fenced(source, error)
                continue
            owned.saved.update(decision)
            self._sink.publish(owned.task.raise_watermark(mark))  # type: ignore[attr-defined]
            self._log.debug("source_declared_idle", topic=source.topic, partition=source.partition)

    def _balance(self, ingests: Mapping[Source, Any], told: Mapping[Source, Progress]) -> None:
        """Pause sources that are far ahead of the slowest one: detect must hold all panes in between."""
        slowest = min((p.watermark for p in told.values()), default=None)
        if slowest is None:
            return
        for source, owned in ingests.items():
            ahead = owned.task.ingest.watermark > slowest + self._settings.max_skew
            if ahead and not owned.paused:
                self._source.pause(source)
            elif owned.paused and not ahead:
                self._source.resume(source)
            owned.paused = ahead

    def _adopt(self) -> None:
        """Take over partitions the group has given us: claim, load, seek."""
        for source in sorted(self._pending):
            if source not in self._source.assignment():
                self._pending.discard(source)
                continue
            try:
                self._take(source)
            except FencedError as error:
                # Another one claimed it in between; if the group still gives it to us, it is claimed again.
                self._fenced(source, error)

    def _take(self, source: Source) -> None:
        owned = self._taking_over.take(source)
        if owned is None:
            return
        self._owned[source] = owned
        self._pending.discard(source)
        self._source.seek(source, owned.task.position)
        # A crash may have come between the last save and what the group was to hear of it.
        self._source.commit({source: owned.task.position})
        self._log.info(
            "partition_taken",
            topic=source.topic,
            partition=source.partition,
            position=owned.task.position,
            restored=owned.restored,
        )

    def _fenced(self, source: Source, error: FencedError) -> None:
        gone = isinstance(error, StateGoneError)
        self._forget(source, "partition_state_gone" if gone else "partition_fenced", error=str(error))

    def _forget(self, source: Source, event: str, **why: str) -> None:
        self._owned.pop(source, None)
        self._told.pop(source, None)
        self._log.warning(event, topic=source.topic, partition=source.partition, **why)
        if source in self._source.assignment():
            self._source.pause(source)
            self._pending.add(source)

    # The listeners run inside poll, on the consumer's thread, while this one waits: no batch is half done.

    def _on_assigned(self, sources: Sequence[Source]) -> None:
        self._pending.update(sources)

    def _on_revoked(self, sources: Sequence[Source]) -> None:
        try:
            # The whole group waits for it.
            self._checkpoints.save(sources, within=self._settings.give_up_within)
        except UnavailableError as error:
            # The next owner reads again from the last checkpoint; ids are the same.
            self._log.warning("checkpoint_failed", error=str(error), partitions=len(sources))
        self._pending.difference_update(sources)
        self._drop(sources, "partition_given_up")

    def _on_lost(self, sources: Sequence[Source]) -> None:
        self._pending.difference_update(sources)
        self._drop(sources, "partition_lost")

    def _drop(self, sources: Sequence[Source], event: str) -> None:
        for source in sources:
            if self._owned.pop(source, None):
                self._told.pop(source, None)
                self._log.info(event, topic=source.topic, partition=source.partition)

    def _report(self) -> None:
        """One line per partition that did anything, and one for the checkpoints."""
        if written := self._checkpoints.take():
            self._log.info("checkpoints", **written)
        for source, owned in sorted(self._owned.items()):
            counters = owned.task.counters
            if counters.records:
                self._log.info(
                    "progress",
                    topic=source.topic,
                    partition=source.partition,
                    position=owned.task.position,
                    **counters.take(),
                )
