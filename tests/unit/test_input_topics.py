"""Input topics that grow, go away and come back while a worker runs."""

from __future__ import annotations

import json

import pytest

from driftgauge.errors import MissingTopicError, UnavailableError
from driftgauge.records import Source
from driftgauge.runtime.input_topics import InputTopics, sources_records


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict]] = []

    def warning(self, event, **fields) -> None:
        self.lines.append((event, fields))

    error = warning


class Cluster:
    """Topics and their partition counts; `away`: nobody answers."""

    def __init__(self, **counts: int) -> None:
        self.counts, self.away = dict(counts), False

    def partitions(self, topic: str) -> int | None:
        if self.away:
            raise UnavailableError("nobody")
        return self.counts.get(topic)


def watched(cluster: Cluster, *, missing_after: int | None = 60_000) -> tuple[InputTopics, Log]:
    log = Log()
    made = InputTopics(
        dict(cluster.counts),
        ["predictions"],
        partitions=cluster.partitions,
        announce=lambda gating: sources_records(gating, "panes", 2),
        missing_after=missing_after,
        log=log,
    )
    return made, log


def test_added_partitions_are_announced_once_on_every_panes_partition():
    cluster = Cluster(predictions=1, labels=1)
    inputs, log = watched(cluster)
    assert not inputs.look(0)
    cluster.counts["predictions"] = 3
    assert not inputs.look(500)
    records = inputs.look(1_000)
    assert [(record.topic, record.partition) for record in records] == [("panes", 0), ("panes", 1)]
    told = json.loads(records[0].value)["sources"]
    assert told == [{"topic": "predictions", "partition": i} for i in range(3)]
    assert inputs.gating == {Source("predictions", i) for i in range(3)}
    assert log.lines == [("partitions_added", {"topic": "predictions", "before": 1, "partitions": 3, "gating": True})]
    assert not inputs.look(2_000)
    inputs.announce_again()
    assert len(inputs.look(2_001)) == 2


def test_partitions_of_topics_that_do_not_gate_are_told_of_only():
    cluster = Cluster(predictions=1, labels=1)
    inputs, log = watched(cluster)
    cluster.counts["labels"] = 2
    assert not inputs.look(1_000)
    assert [event for event, _ in log.lines] == ["partitions_added"]
    assert inputs.gating == {Source("predictions", 0)}
    assert [inputs.gates(topic) for topic in ("predictions", "labels")] == [True, False]


def test_a_topic_that_is_gone_is_told_of_every_ten_seconds_and_ends_the_worker():
    cluster = Cluster(predictions=1)
    inputs, log = watched(cluster)
    inputs.look(0)
    del cluster.counts["predictions"]
    for now in range(1_000, 60_000, 1_000):
        inputs.look(now)
    assert [event for event, _ in log.lines] == ["input_topic_missing"] * 6
    with pytest.raises(MissingTopicError, match=r"no topic predictions for 60 s .kafka.missing_topic_after"):
        inputs.look(61_000)


def test_a_topic_that_comes_back_is_told_of_and_one_may_wait_for_ever():
    cluster = Cluster(predictions=1)
    inputs, log = watched(cluster, missing_after=None)
    del cluster.counts["predictions"]
    for now in range(0, 1_000_000, 5_000):
        inputs.look(now)
    cluster.counts["predictions"] = 1
    inputs.look(1_000_000)
    assert log.lines[-1] == ("input_topic_back", {"topic": "predictions"})


def test_a_broker_that_is_away_says_nothing_about_topics():
    cluster = Cluster(predictions=1)
    inputs, log = watched(cluster)
    cluster.away = True
    for now in range(0, 100_000, 1_000):
        assert not inputs.look(now)
    assert log.lines == []
