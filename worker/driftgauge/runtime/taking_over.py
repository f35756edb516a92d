"""Taking a partition over: claim it, see where it begins, bring its task there.

Every beginning that isn't normal is one loud line in the log; one that the configuration forbids ends the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from driftgauge.config import RecoveryConfig
from driftgauge.errors import StateError, UnavailableError
from driftgauge.panes.messages import Watermark
from driftgauge.records import Source
from driftgauge.runtime.beginning import QUIET, Beginning, Bounds, Case, Unstored, begin, go_on
from driftgauge.runtime.owned import Owned
from driftgauge.runtime.tasks import IngestTask, Task
from driftgauge.sinks.base import Sink
from driftgauge.state.base import Checkpoint, Claim, StateStore

_SAYS = {
    Case.RESET: "an operator has reset its state",
    Case.INHERITED: "this group has never read it, but the panes topic has panes that another group counted of it",
    Case.LOST: "its state is gone, though the group had read it",
    Case.DAMAGED: "its state can't be believed",
    Case.CHANGED: "its state is of another configuration or program",
    Case.ROLLED_BACK: "its state is older than what the group had read: Redis has lost writes",
    Case.RETENTION_GAP: "records were deleted before they were read",
    Case.TRUNCATED: "its log is shorter than what had been read: Kafka has lost records",
    Case.RECREATED: "its topic was deleted and made anew",
}
_DO = {
    Case.RESET: "nothing",
    Case.INHERITED: "nothing, if this group is to go on where the other one was; for a fresh start end all workers and "
    "choose another topics.panes and topics.alerts too, and again a kafka.group_id that is new",
    Case.LOST: "find out who emptied Redis; it needs persistence (AOF) and maxmemory-policy noeviction",
    Case.DAMAGED: "find out who else writes to these keys",
    Case.CHANGED: "nothing, if the change was meant",
    Case.ROLLED_BACK: "nothing; let Redis persist more often (appendfsync everysec) if it was not a failover",
    Case.RETENTION_GAP: "raise the topic's retention, or run more workers",
    Case.TRUNCATED: "look for an unclean leader election (unclean.leader.election.enable)",
    Case.RECREATED: "nothing, if it was meant",
}


class LogView(Protocol):
    """What has to be known of a partition beside its state. UnavailableError if nobody answers."""

    def bounds(self, source: Source) -> Bounds:
        """What its log has."""
        ...

    def start(self, source: Source) -> int:
        """Where `kafka.start` says that it begins."""
        ...

    def added(self, source: Source) -> bool:
        """Whether there was no such partition at the group's first start."""
        ...

    def last_watermark(self, source: Source) -> Watermark | None:
        """Up to where all its panes have been published; None if nobody told."""
        ...

    def close(self) -> None:
        """Drop the connections."""
        ...


class TakingOver:
    """Makes partitions `Owned`. `build` makes the task of one; `view` knows its log.

    For messages, `file_option`: how a command is told to read the configuration; `job`: the replay that this is of,
    None: of none.
    """

    def __init__(
        self,
        sink: Sink,
        store: StateStore,
        *,
        build: Callable[[Source], Task],
        view: LogView,
        policies: RecoveryConfig,
        log: Any,
        file_option: str = "-c FILE",
        job: str | None = None,
    ) -> None:
        """Nothing is claimed yet."""
        self._sink, self._store = sink, store
        self._build, self._view, self._policies, self._log = build, view, policies, log
        self._file_option, self._job = file_option, job

    def take(self, source: Source) -> Owned | None:
        """Claim it and bring its task to where it begins. FencedError if another one claims it meanwhile.

        None: Kafka doesn't say what its log has, so it has to be asked again. StateError, with the ways out, if the
        configuration says to fail.
        """
        claim, checkpoint = self._store.claim(source)
        # Only now: before, its former owner could have read beyond the end that was told.
        try:
            bounds = self._view.bounds(source)
        except UnavailableError as error:
            self._log.warning("log_unknown", topic=source.topic, partition=source.partition, error=str(error))
            return None
        claim.topic_id = bounds.topic_id or (checkpoint.topic_id if checkpoint is not None else "")
        why, detail = (Case.RESET if claim.reset else None), ""
        if checkpoint is not None and checkpoint.damage is not None:
            why, detail = Case.DAMAGED, checkpoint.damage
        elif checkpoint is not None:
            try:
                return self._go_on(source, claim, checkpoint, bounds)
            except _MisfitError as error:
                why, detail = Case.CHANGED, str(error)
        return self._begin(source, claim, bounds, why, detail)

    def close(self) -> None:
        """Nothing is taken over any more."""
        self._view.close()

    def _go_on(self, source: Source, claim: Claim, checkpoint: Checkpoint, bounds: Bounds) -> Owned:
        beginning = go_on(checkpoint.position, checkpoint.topic_id, bounds)
        task = self._build(source)
        try:
            again = task.restore(checkpoint.fields)
        except StateError as error:
            raise _MisfitError(str(error)) from error
        self._tell(source, beginning, "")
        task.start_at(beginning.position, cut=beginning.gap is not None)
        self._sink.publish(again)
        return Owned.of(task, claim, checkpoint.fields, checkpoint.position, restored=True)

    def _begin(self, source: Source, claim: Claim, bounds: Bounds, why: Case | None, detail: str) -> Owned:
        task = self._build(source)
        last = self._view.last_watermark(source) if isinstance(task, IngestTask) and task.gating else None
        resume = last.resume_offset if last is not None else None
        if isinstance(task, IngestTask) and not task.gating:
            # Nothing of it is counted.
            resume = bounds.committed
        known = Unstored(why, resume, self._view.start(source), self._view.added(source))
        beginning = begin(known, bounds)
        self._tell(source, beginning, detail)
        position, cut = beginning.position, beginning.gap is not None
        if isinstance(task, IngestTask) and last is not None:
            task.ingest.resume(last, position, bounds.end, counted_otherwise=why is Case.CHANGED)
        else:
            if isinstance(task, IngestTask) and beginning.case is Case.ADDED:
                task.ingest.cut_start = False
            task.start_at(position, cut=cut)
        # Decided once: a second start must not choose again.
        fields, _ = task.changes()
        self._store.begin(claim, position, fields)
        return Owned.of(task, claim, fields, position)

    def _tell(self, source: Source, beginning: Beginning, detail: str) -> None:
        """Say in one line that a beginning isn't normal. StateError if it is forbidden."""
        case = beginning.case
        if case in QUIET:
            return
        said = f"{_SAYS[case]} ({detail})" if detail else _SAYS[case]
        option = beginning.refused_by(self._policies)
        if option is not None and self._job is not None:
            raise StateError(
                f"{source} can't go on: {said}, and a replay is exact or there is none. Start another one, by another "
                f"name than {self._job}"
            )
        if option is not None:
            where = f"{self._file_option} --topic {source.topic} --partition {source.partition}"
            meant = "set the configuration back, or " if case is Case.CHANGED else ""
            raise StateError(
                f"{source} can't go on: {said}, and {option} is fail. `driftgauge state show {self._file_option}` "
                f"shows what is stored; {meant}go on without it by `driftgauge state reset {where}`, or let workers "
                f"decide so themselves by another {option}"
            )
        lost = {"lost_from": beginning.gap[0], "lost_to": beginning.gap[1] - 1} if beginning.gap is not None else {}
        self._log.warning(
            "recovery",
            case=case.value,
            topic=source.topic,
            partition=source.partition,
            position=beginning.position,
            **lost,
            **({"replayed": beginning.replayed} if beginning.replayed else {}),
            policy=beginning.policy(self._policies),
            error=said,
            do=_DO[case],
        )


class _MisfitError(Exception):
    """Stored state that the task of today can't go on from."""
