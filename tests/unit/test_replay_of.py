"""What a replay by workers is of, and where it writes: names of its own, spans that are settled once."""

from __future__ import annotations

import pytest

from builders import records
from driftgauge.config import Config
from driftgauge.config_replay import replay_of
from driftgauge.errors import ConfigError, StateError
from driftgauge.records import Source
from driftgauge.runtime.ends import ENDLESS, Ends
from driftgauge.runtime.frozen import frozen_spans
from driftgauge.runtime.topics import topic_plans
from driftgauge.state.memory import MemoryState

A, B, LABELS, ADDED, PANES = (
    Source("in", 0),
    Source("in", 1),
    Source("labels", 0),
    Source("in", 2),
    Source("panes", 0),
)
PARTITIONS = {"in": 2, "labels": 1}


def config(start: str = "earliest", **topics: str) -> Config:
    return Config.model_validate(
        {
            "kafka": {"bootstrap_servers": ["localhost:9092"], "start": start},
            "topics": {"predictions": "in", "labels": "labels", **topics},
            "models": [{"model_id": "m", "model_version": "1", "profile": "p.json"}],
        }
    )


class Log:
    """Partitions that hold offsets 3 to 9; records of later than any time end at 9."""

    end = 10

    def span(self, source: Source) -> tuple[int, int]:
        return 3, self.end

    def offset_at(self, source: Source, time: int) -> int:
        return 5 + source.partition


def test_a_replay_reads_the_same_topics_and_writes_to_its_own_in_a_group_of_its_own():
    live = config().read_from("a file.yaml")
    replay = replay_of(live, "march-2")
    assert replay.kafka.group_id == "driftgauge.replay.march-2"
    names = {plan.purpose: plan.name for plan in topic_plans(replay)}
    assert names == {
        "predictions": "in",
        "labels": "labels",
        "panes": "ml.driftgauge.panes.replay.march-2",
        "alerts": "ml.drift.alerts.replay.march-2",
        "dead_letters": "ml.driftgauge.dead-letters.replay.march-2",
    }
    assert (replay.job, replay.file_option) == ("march-2", "-c 'a file.yaml' --replay march-2")
    assert (live.job, live.file_option, live.kafka.group_id) == (None, "-c 'a file.yaml'", "driftgauge")
    # Nothing that would stop it, or go on from something else than it was.
    assert (replay.limits.dead_letters.consecutive, replay.limits.dead_letters.ratio) == (0, 0)
    assert set(replay.recovery.model_dump().values()) == {"fail"}


@pytest.mark.parametrize("name", ["", "-x", "a b", "a.b", "{a}", "a:b", "a/b", "ä", "x" * 65])
def test_a_name_that_is_no_word_is_refused(name):
    with pytest.raises(ConfigError, match="expected a word"):
        replay_of(config(), name)


def test_a_topic_whose_name_becomes_too_long_is_named():
    with pytest.raises(ConfigError, match=r"topics\.alerts would be a+\.replay\.march, longer than the 249"):
        replay_of(config(alerts="a" * 240), "march")


def test_the_first_worker_settles_what_is_replayed_and_the_others_take_it_over():
    store, log = MemoryState(), Log()
    spans = frozen_spans(replay_of(config(), "x"), PARTITIONS, log, store)
    assert spans == {A: (3, 10), B: (3, 10), LABELS: (3, 10)}
    log.end = 20
    assert frozen_spans(replay_of(config(), "x"), PARTITIONS | {"in": 3}, log, store) == spans


@pytest.mark.parametrize(("start", "firsts"), [("latest", [3, 3, 3]), ("2026-01-01T00:00:00Z", [5, 6, 5])])
def test_it_begins_where_a_backtest_does(start, firsts):
    spans = frozen_spans(replay_of(config(start), "x"), PARTITIONS, Log(), MemoryState())
    assert [first for first, _ in spans.values()] == firsts


def test_workers_that_read_other_topics_are_no_part_of_a_replay():
    store = MemoryState()
    frozen_spans(replay_of(config(), "x"), PARTITIONS, Log(), store)
    with pytest.raises(StateError, match="x was started with other input topics than in, features, labels"):
        frozen_spans(replay_of(config(features="features"), "x"), PARTITIONS | {"features": 1}, Log(), store)


@pytest.mark.parametrize("stored", ["", "{}", '[["in",0,1]]', '[["in","0",1,2]]', '[["in",0,1,2,3]]'])
def test_stored_spans_that_are_none_are_refused(stored):
    store = MemoryState()
    store.settle("replayed", stored)
    with pytest.raises(StateError, match="which records the replay x is of can't be read"):
        frozen_spans(replay_of(config(), "x"), PARTITIONS, Log(), store)


def test_records_at_and_after_the_end_are_cut_off_and_those_of_added_partitions_altogether():
    ends = Ends({A: 9, B: 0})
    assert list(ends.within(records([1, 2, 3], 7, A)).offsets) == [7, 8]
    whole = records([1, 2], 7, A)
    assert ends.within(whole) is whole
    assert not len(ends.within(records([1], 9, A)))
    assert not len(ends.within(records([1], 0, ADDED)))
    assert (ends.of(B), ends.of(ADDED), ends.of(PANES)) == (0, 0, None)
    of_panes = records([1], 70, PANES)
    assert ends.within(of_panes) is of_panes
    assert not ENDLESS
    assert ENDLESS.within(of_panes) is of_panes
