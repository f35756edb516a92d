"""Every error Driftgauge raises on purpose.

The first split is whose fault it is, the second whether trying again may help. A bad record is *not* an error: it is
a `Reject` value (decode) that ends on the dead-letter topic.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar


class DriftgaugeError(Exception):
    """Base of all. `code` is one of a bounded set and goes into logs; `exit_code` is what the command ends with."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1


class ConfigError(DriftgaugeError):
    """The configuration or the command line is wrong. The message names the place and the fix."""

    code = "config"
    exit_code = 2


class InputError(DriftgaugeError):
    """A file given by the user can't be used: no table, no such column, an unreadable timestamp."""

    code = "input"
    exit_code = 2


class UnavailableError(DriftgaugeError):
    """Kafka or Redis did not answer within the bounded retries; trying again later may help."""

    code = "unavailable"


class BlockedError(UnavailableError):
    """What was published is not confirmed yet. Nothing has been given up; it is, as soon as Kafka takes it again."""

    code = "outputs_blocked"


class UndeliveredError(UnavailableError):
    """A record was refused or given up, and nothing that was published after it gets through: begin again before it."""

    code = "undelivered"


class RefusedError(UnavailableError):
    """Redis answered, and will not do it however often it is asked: password, permission, a foreign key."""

    code = "refused"


class ForeignKeyError(RefusedError):
    """A key in Redis has a name of ours and was written by another program."""

    def __init__(self, key: str) -> None:
        """Which key."""
        super().__init__(
            f"another program has written the key {key} in Redis: choose another redis.namespace, or delete it there "
            "(driftgauge state reset does so for that of a partition)"
        )


class FencedError(DriftgaugeError):
    """Another worker owns this partition now: forget everything about it and go on with the rest."""

    code = "fenced"


class StateGoneError(FencedError):
    """Nobody else owns this partition, but what was stored of it is gone, or older than what we had saved: as above."""

    code = "state_gone"


class StateError(DriftgaugeError):
    """Stored state can't be read: wrong version, bad checksum, or a shape that doesn't fit the configuration."""

    code = "state"


class DamagedError(DriftgaugeError):
    """Records of an input can't be read as they lie there: bad checksums, or bytes that are no records."""

    code = "damaged_records"


class OutOfRangeError(DriftgaugeError):
    """Records that were to be read next are not there; `partitions`: where, as (topic, partition)."""

    code = "out_of_range"

    def __init__(self, partitions: Collection[tuple[str, int]]) -> None:
        """Of which partitions."""
        told = ", ".join(f"{topic}:{partition}" for topic, partition in sorted(partitions))
        super().__init__(
            f"the records of {told} that were to be read next are not there: they were deleted before they were read "
            "(retention), or the topic was truncated or made anew"
        )
        self.partitions = frozenset(partitions)


class WorkerProcessError(DriftgaugeError):
    """A process that works for this one has ended before its work was done."""

    code = "worker_process"


class StalledError(DriftgaugeError):
    """Nothing comes from an input although there is more to read."""

    code = "stalled"


class MissingTopicError(DriftgaugeError):
    """An input topic that was there is gone."""

    code = "missing_topic"


class DeadLetterLimitError(DriftgaugeError):
    """So many records of a partition are no events that somebody has to look before they are set aside."""

    code = "dead_letter_limit"
