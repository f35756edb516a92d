"""What a member says of itself when it joins its group."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from driftgauge.sources.kafka_joining import JoiningAssignor

PARTITIONS = [TopicPartition("predictions", i) for i in range(4)]


class Consumer:
    """What an assignor knows of one."""

    def __init__(self, owned: list[TopicPartition]) -> None:
        self.owned, self.asked = owned, 0
        self._coordinator = SimpleNamespace(request_rejoin=self._request_rejoin)

    def assignment(self) -> set[TopicPartition]:
        return set(self.owned)

    def _request_rejoin(self) -> None:
        self.asked += 1


def assigned_before(assignor: CooperativeStickyAssignor) -> CooperativeStickyAssignor:
    """With all partitions in the last assignment that it has heard of."""
    every = ConsumerProtocolAssignment(1, [("predictions", [0, 1, 2, 3])], b"")
    assignor.on_assignment(every, 7)
    return assignor


def shares(metadata: dict[str, object]) -> dict[str, set[int]]:
    """What a leader gives to members that say this."""
    cluster = SimpleNamespace(
        partitions_for_topic=lambda _topic: {0, 1, 2, 3}, topics=lambda: {"predictions"}, available_partitions=None
    )
    members = [SimpleNamespace(member_id=name, metadata=data) for name, data in metadata.items()]
    found = CooperativeStickyAssignor().assign(cluster, members)
    return {name: {i for _, parts in given.assigned_partitions for i in parts} for name, given in found.items()}


def test_a_join_that_was_begun_is_wanted_until_it_is_finished():
    consumer, assignor = Consumer([]), JoiningAssignor()
    assignor.serve(consumer)
    assignor.metadata({"predictions"})
    assert consumer.asked == 1


@pytest.mark.parametrize("order", [("dropped", "owner"), ("owner", "dropped")])
def test_a_member_that_the_group_dropped_claims_nothing_and_its_return_takes_no_more_than_its_share(order):
    owner, dropped = JoiningAssignor(), JoiningAssignor()
    owner.serve(Consumer(PARTITIONS))
    dropped.serve(Consumer([]))
    said = {"owner": owner.metadata({"predictions"}), "dropped": assigned_before(dropped).metadata({"predictions"})}
    given = shares({name: said[name] for name in order})
    assert len(given["owner"]) == 2
    # The owner has to give these up first.
    assert given["dropped"] == set()
