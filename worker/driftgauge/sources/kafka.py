"""Records from Kafka: one consumer for all topics, positions set by us and never by the group's commits.

kafka-python calls rebalance listeners on its I/O thread while `poll` blocks the caller, where no blocking consumer
call is allowed. So an assigned partition is parked at a placeholder position and paused; the worker loads its state
between polls, seeks to the real position and resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, overload

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CorruptRecordError,
    FencedInstanceIdError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
)
from kafka.structs import OffsetAndMetadata

from driftgauge.errors import DamagedError, OutOfRangeError, UnavailableError
from driftgauge.kafka_refusals import refusal_of
from driftgauge.records import RecordBatch, Source
from driftgauge.sources.damage import DAMAGE, damaged_until
from driftgauge.sources.kafka_joining import JoiningAssignor

_ENDS_TIMEOUT_MS = 3000

OnPartitions = Callable[[Sequence[Source]], None]


class KafkaSource:
    """A consumer in a group. `settings`: arguments of kafka-python's consumer (connection, group).

    `refused` is told why the group did not take a commit.
    """

    def __init__(self, settings: Mapping[str, Any], *, refused: Callable[[Exception], None] = lambda _: None) -> None:
        """Connects; UnavailableError if no broker answers."""
        self._refused = refused
        self._reader = {**settings, "group_id": None, "group_instance_id": None}
        assignor = JoiningAssignor()
        try:
            self._consumer = KafkaConsumer(**settings, partition_assignment_strategy=[assignor])
        except KafkaError as error:
            raise UnavailableError(refusal_of(error) or f"no Kafka broker answers: {error}") from error
        assignor.serve(self._consumer)

    def partitions(self, topic: str) -> int | None:
        """Number of partitions of a topic; None if there is no such topic."""
        found = self._call(lambda: self._consumer.partitions_for_topic(topic))
        return len(found) if found else None

    def subscribe(
        self, topics: Collection[str], *, assigned: OnPartitions, revoked: OnPartitions, lost: OnPartitions
    ) -> None:
        """Join the group. The three callbacks run inside `poll`, on another thread, while the caller waits."""
        self._consumer.subscribe(sorted(topics), listener=_Listener(self._consumer, assigned, revoked, lost))
        # A leader that joins before it has these topics' metadata assigns nothing, and nobody asks again for minutes.
        for topic in topics:
            if self.partitions(topic) is None:
                raise UnavailableError(f"Kafka tells of no partitions of {topic}; does the topic exist?")

    def assign(self, *sources: Source) -> None:
        """Read these partitions and no other, without a group."""
        self._consumer.assign([TopicPartition(*source) for source in sources])

    def poll(self, timeout_ms: int) -> list[RecordBatch]:
        """Records of each partition that has any, in offset order."""
        self._let_parked_records_in()
        try:
            polled = self._call(lambda: self._consumer.poll(timeout_ms=timeout_ms))
        except DAMAGE as error:
            raise DamagedError(f"Kafka: {error}") from error
        return [_batch(partition, records) for partition, records in polled.items() if records]

    def skip_damage(self) -> dict[Source, tuple[int, int]]:
        """After a DamagedError: go on behind what can't be read, where there is such a thing; which offsets those are.

        To be called before the next poll, which would not return otherwise. Where nothing is wrong it is read again.
        """
        skipped = {}
        for partition in self._consumer.assignment() - self._consumer.paused():
            source = Source(partition.topic, partition.partition)
            position = self.position(source)
            until = damaged_until(self._reader, source, position)
            if until is not None:
                skipped[source] = (position, until)
            self._consumer.seek(partition, position if until is None else until)
        return skipped

    def seek(self, source: Source, position: int) -> None:
        """Read on from `position` and let records flow."""
        partition = TopicPartition(*source)
        self._consumer.seek(partition, position)
        self._consumer.resume(partition)

    def pause(self, source: Source) -> None:
        """Let no more records of this partition flow."""
        self._consumer.pause(TopicPartition(*source))

    def resume(self, source: Source) -> None:
        """Let its records flow again."""
        self._consumer.resume(TopicPartition(*source))

    def assignment(self) -> set[Source]:
        """What the group gives us now."""
        return {Source(p.topic, p.partition) for p in self._consumer.assignment()}

    def position(self, source: Source) -> int:
        """The offset that is read next."""
        return int(self._call(lambda: self._consumer.position(TopicPartition(*source))))

    def end_offsets(self, sources: Collection[Source]) -> dict[Source, int]:
        """The offset the next record of each partition will get."""
        found = self._call(lambda: self._consumer.end_offsets([TopicPartition(*s) for s in sources]))
        return {Source(p.topic, p.partition): offset for p, offset in found.items()}

    def drained(self, sources: Collection[Source]) -> set[Source]:
        """Those with nothing left to read. UnavailableError if the broker doesn't tell soon.

        By the position of the consumer and not by the last record's offset: the markers that end transactions, and
        records that compaction took away, have offsets too.
        """
        partitions = [TopicPartition(*source) for source in sources]
        ends = self._call(lambda: self._consumer.end_offsets(partitions, timeout_ms=_ENDS_TIMEOUT_MS))
        at = {p: self._call(partial(self._consumer.position, p, timeout_ms=_ENDS_TIMEOUT_MS)) for p in ends}
        return {Source(p.topic, p.partition) for p, end in ends.items() if at[p] is not None and at[p] >= end}

    def first_offset(self, source: Source) -> int:
        """The oldest offset still there."""
        partition = TopicPartition(*source)
        return int(self._call(lambda: self._consumer.beginning_offsets([partition]))[partition])

    def span(self, source: Source) -> tuple[int, int]:
        """The oldest offset still there, and the one the next record gets. UnavailableError if that isn't told soon."""
        partitions = [TopicPartition(*source)]
        first = self._call(lambda: self._consumer.beginning_offsets(partitions, timeout_ms=_ENDS_TIMEOUT_MS))
        end = self._call(lambda: self._consumer.end_offsets(partitions, timeout_ms=_ENDS_TIMEOUT_MS))
        if partitions[0] not in first or partitions[0] not in end:
            raise UnavailableError(f"Kafka does not tell what there is of {source}")
        return int(first[partitions[0]]), int(end[partitions[0]])

    def offset_at(self, source: Source, time: int) -> int:
        """The first offset whose record stamp is at or after `time` (ms); the end if there is none."""
        partition = TopicPartition(*source)
        found = self._call(lambda: self._consumer.offsets_for_times({partition: time}))[partition]
        return int(found.offset) if found else self.end_offsets([source])[source]

    def committed(self, source: Source) -> int | None:
        """What the group was told last; None if nothing, or too long ago. UnavailableError if that isn't told soon."""
        partition = TopicPartition(*source)
        found = self._call(lambda: self._consumer.committed(partition, timeout_ms=_ENDS_TIMEOUT_MS))
        return None if found is None else int(found)

    def commit(self, positions: Mapping[Source, int]) -> None:
        """Tell the group how far we are. For lag tools, and as a hint if state is lost: a refusal is only told of."""
        offsets = {TopicPartition(*s): OffsetAndMetadata(position, "", -1) for s, position in positions.items()}
        self._call(lambda: self._consumer.commit_async(offsets, callback=self._committed))

    def close(self) -> None:
        """Leave the group (a static member stays in it)."""
        self._consumer.close(autocommit=False, timeout_ms=10_000)

    def _let_parked_records_in(self) -> None:
        # Records at hand of a partition that is paused are set aside, and nothing of it is fetched until they are let
        # in again. kafka-python 3.0 does so only while it hands out no batch, and takes for one it hands out a batch
        # that is used up (if no other comes, the partition is never read again) or that it is about to set aside
        # itself (then it sleeps a tenth of a second before it looks at what may be let in).
        fetcher = self._consumer._fetcher  # noqa: SLF001
        batch = fetcher._next_partition_records  # noqa: SLF001
        if batch and batch.topic_partition in self._consumer.paused():
            fetcher._paused_partition_records[batch.topic_partition] = batch  # noqa: SLF001
            batch = None
        if not batch:
            fetcher._next_partition_records = None  # noqa: SLF001

    def _committed(self, _offsets: Any, answer: Any) -> None:
        if isinstance(answer, Exception):
            self._refused(answer)

    @staticmethod
    def _call(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except CorruptRecordError:
            raise
        except OffsetOutOfRangeError as error:
            (positions,) = error.args
            raise OutOfRangeError([(p.topic, p.partition) for p in positions]) from error
        except LogTruncationError as error:
            raise OutOfRangeError([(p.topic, p.partition) for p in error.divergent_offsets]) from error
        except FencedInstanceIdError as error:
            raise UnavailableError(
                "another worker of this group has the same kafka.group_instance_id, and has taken this one's place; "
                "give each its own"
            ) from error
        except KafkaError as error:
            raise UnavailableError(refusal_of(error) or f"Kafka: {error}") from error


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(
        self, consumer: KafkaConsumer, assigned: OnPartitions, revoked: OnPartitions, lost: OnPartitions
    ) -> None:
        self._consumer = consumer
        self._assigned, self._revoked, self._lost = assigned, revoked, lost

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        for partition in assigned:
            self._consumer.seek(partition, 0)
        if assigned:
            self._consumer.pause(*assigned)
        self._assigned(_sources(assigned))

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._revoked(_sources(revoked))

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._lost(_sources(lost))


def _sources(partitions: Collection[TopicPartition]) -> list[Source]:
    return sorted(Source(p.topic, p.partition) for p in partitions)


def _batch(partition: TopicPartition, records: Sequence[Any]) -> RecordBatch:
    return RecordBatch(
        Source(partition.topic, partition.partition),
        _Column(records, "offset"),
        _Column(records, "timestamp"),
        [r.value for r in records],
        _Column(records, "key"),
        _Column(records, "headers"),
    )


class _Column(Sequence[Any]):
    """One attribute of records, read only where it is asked for: most records need just their value."""

    def __init__(self, records: Sequence[Any], name: str) -> None:
        self._records, self._name = records, name

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Any]:
        return map(attrgetter(self._name), self._records)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return _Column(self._records[index], self._name)
        return getattr(self._records[index], self._name)
