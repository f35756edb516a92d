"""How a consumer joins its group: cooperative-sticky, mended where kafka-python 3.0 and Kafka's own client part.

An assignor is asked for its metadata whenever a JoinGroup is about to be sent, which is where both mends belong.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor


class JoiningAssignor(CooperativeStickyAssignor):  # type: ignore[misc]
    """Of one consumer: shared by two of a process it makes partitions bounce between them for ever."""

    def __init__(self) -> None:
        """To be told of its consumer, once that is made."""
        super().__init__()
        self._consumer: KafkaConsumer | None = None

    def serve(self, consumer: KafkaConsumer) -> None:
        """Join for this consumer from now on."""
        self._consumer = consumer

    def metadata(self, topics: Collection[str]) -> Any:
        """What the JoinGroup says of this member."""
        if self._consumer is not None:
            # A join is finished by the poll that finds that one is needed. A leader that joins because a topic has
            # grown needs none any more from when it has assigned the new partitions; if a poll ends just then, its
            # join was never finished: no heartbeat, and it worked on while others had its partitions (KAFKA-9815).
            self._consumer._coordinator.request_rejoin()  # noqa: SLF001
            # Not what was assigned last: a member that the group has dropped owns nothing. What it still claimed was
            # given to it while its new owner worked on, which had all of its partitions taken away in turn.
            self.member_assignment = sorted(self._consumer.assignment())
        return super().metadata(topics)
