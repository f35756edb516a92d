"""Members of a group on a real Kafka whose polls come and go while others join."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from driftgauge.records import Source
from driftgauge.sources.kafka import KafkaSource
from live import PATIENCE_S


class Member:
    """A source, what the group gives it, and what it has been told of that."""

    def __init__(self, servers: str, topic: str) -> None:
        self.told: set[Source] = set()
        self._source = KafkaSource(
            {
                "bootstrap_servers": servers,
                "group_id": f"g-{topic}",
                "enable_auto_commit": False,
                "auto_offset_reset": "none",
                "session_timeout_ms": 2_000,
                "heartbeat_interval_ms": 200,
                "metadata_max_age_ms": 200,
                "max_poll_interval_ms": 2_500,
            }
        )
        self._source.subscribe(
            [topic], assigned=self.told.update, revoked=self.told.difference_update, lost=self.told.difference_update
        )
        self.close = self._source.close

    def poll(self) -> set[Source]:
        """For a moment; what it has then."""
        self._source.poll(20)
        assert self._source.assignment() == self.told
        return self.told


def poll_until(members: Sequence[Member], right: Callable[[list[set[Source]]], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not right([member.poll() for member in members]):
        assert time.monotonic() < deadline, [member.told for member in members]


def shared_out(count: int) -> Callable[[list[set[Source]]], bool]:
    """Whether each partition has one owner, and each member about as many as the others."""

    def right(held: list[set[Source]]) -> bool:
        sizes = sorted(map(len, held))
        return sum(sizes) == len(set().union(*held)) == count and sizes[-1] - sizes[0] <= 1

    return right


@pytest.fixture
def topic(kafka) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Its name, and what adds partitions to its two."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    name = f"joining-{uuid.uuid4().hex[:8]}"
    admin.create_topics([NewTopic(name, 2, 1)])
    yield name, lambda count: admin.create_partitions({name: count})
    admin.close()


@pytest.fixture
def members(kafka, topic) -> Iterator[list[Member]]:
    """Two who have shared the topic's partitions; the first one leads the group."""
    name, _ = topic
    both = [Member(kafka.bootstrap, name)]
    poll_until(both, shared_out(2))
    both.append(Member(kafka.bootstrap, name))
    poll_until(both, shared_out(2))
    yield both
    for member in both:
        member.close()


def test_a_leader_that_is_busy_when_its_join_is_answered_finishes_it_later(topic, members):
    leader, follower = members
    topic[1](6)
    # It finds the new partitions, and asks to join; the answer has to wait for the follower.
    for _ in range(30):
        leader.poll()
    # Which joins while the leader doesn't poll, so that the leader's own thread shares out the partitions.
    for _ in range(30):
        follower.poll()
    poll_until(members, shared_out(6))
    # Both are heard of: nobody takes what is the other's.
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        assert shared_out(6)([member.poll() for member in members])


def test_a_member_that_left_because_it_was_busy_gets_its_share_again(members):
    busy, other = members
    # It isn't asked for records for longer than it may: it leaves the group, by itself.
    poll_until([other], lambda held: len(held[0]) == 2)
    poll_until([busy, other], shared_out(2))
