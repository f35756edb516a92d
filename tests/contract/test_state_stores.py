"""One suite for every state store: a checkpoint is whole, and only the last claimant may write it."""

from __future__ import annotations

import uuid

import pytest
import redis

from driftgauge.errors import FencedError, StateError, UnavailableError
from driftgauge.records import Source
from driftgauge.state.base import Progress
from driftgauge.state.memory import MemoryState
from driftgauge.state.redis import RedisState

PARTITION = Source("ml.predictions", 3)


@pytest.fixture(params=["memory", "redis"])
def store(request):
    if request.param == "memory":
        yield MemoryState()
        return
    server = request.getfixturevalue("redis_server")
    state = RedisState(server.url, namespace=f"test-{uuid.uuid4().hex[:8]}", group="g")
    yield state
    state.close()


def test_a_partition_nobody_saved_has_no_checkpoint(store):
    _, checkpoint = store.claim(PARTITION)
    assert checkpoint is None


def test_what_was_saved_is_what_the_next_claimant_gets(store):
    claim, _ = store.claim(PARTITION)
    store.save(claim, 10, {"a": b"1", "b": b"\x00\xff", "c": b""}, [])
    store.save(claim, 12, {"a": b"2"}, ["b", "never there"])
    _, checkpoint = store.claim(PARTITION)
    assert checkpoint.position == 12
    assert dict(checkpoint.fields) == {"a": b"2", "c": b""}


def test_a_claim_fences_off_the_one_before(store):
    old, _ = store.claim(PARTITION)
    store.save(old, 1, {"a": b"1"}, [])
    new, _ = store.claim(PARTITION)
    with pytest.raises(FencedError):
        store.save(old, 2, {"a": b"zombie"}, [])
    store.save(new, 2, {"a": b"2"}, [])
    assert store.claim(PARTITION)[1].fields == {"a": b"2"}


def test_partitions_do_not_share_state(store):
    claim, _ = store.claim(PARTITION)
    store.save(claim, 1, {"a": b"1"}, [])
    assert store.claim(Source("ml.predictions", 4))[1] is None


def test_what_is_settled_first_stays(store):
    assert store.settle("panes.partitions", "4") == "4"
    assert store.settle("panes.partitions", "8") == "4"


def test_progress_is_told_to_others(store):
    store.tell(PARTITION, Progress(1000, 900))
    store.tell(PARTITION, Progress(2000, 900))
    assert store.told() == {PARTITION: Progress(2000, 900)}


def test_a_repeated_save_whose_answer_was_lost_is_applied_once(redis_server):
    state = RedisState(redis_server.url, namespace=f"test-{uuid.uuid4().hex[:8]}", group="g")
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"1"}, [])
    claim.sequence -= 1  # as if the answer had not arrived
    state.save(claim, 5, {"a": b"1"}, [])
    state.save(claim, 6, {"a": b"2"}, [])
    assert state.claim(PARTITION)[1].position == 6


@pytest.mark.parametrize("damage", ["flip", "short", "lost field", "version"])
def test_damaged_state_in_redis_is_refused(redis_server, damage):
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    state = RedisState(redis_server.url, namespace=namespace, group="g")
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"hello", "b": b"x"}, [])
    client = redis.Redis.from_url(redis_server.url)
    key = f"{{{namespace}:v1:g:ml.predictions:3}}:state"
    stored = client.hget(key, "a")
    if damage == "lost field":
        client.hdel(key, "b")
    else:
        bad = {"flip": stored[:-1] + b"!", "short": b"abc", "version": b"\x09" + stored[1:]}[damage]
        client.hset(key, "a", bad)
    with pytest.raises(StateError, match=r"state"):
        state.claim(PARTITION)


def test_a_redis_that_is_away_is_reported_after_bounded_retries(monkeypatch):
    monkeypatch.setattr("driftgauge.state.redis._FIRST_WAIT_S", 0.001)
    state = RedisState("redis://127.0.0.1:1/0", namespace="n", group="g")
    with pytest.raises(UnavailableError, match="does not answer"):
        state.claim(PARTITION)
