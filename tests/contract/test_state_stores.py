"""One suite for every state store: a checkpoint is whole, and only the last claimant may write it."""

from __future__ import annotations

import uuid

import pytest
import redis

from driftgauge.errors import FencedError, StateGoneError
from driftgauge.records import Source
from driftgauge.state.base import Progress
from driftgauge.state.memory import MemoryState
from driftgauge.state.redis import RedisState
from services import programs
from services.redis import LocalRedis

PARTITION = Source("ml.predictions", 3)
LARGE = 10_000


@pytest.fixture(scope="module")
def redis_cluster(redis_server, tmp_path_factory):
    """A cluster of one node that serves all slots: a script over two of them is refused."""
    program = programs.redis_server()
    if program is None:
        pytest.skip("only an external Redis is at hand")
    server = LocalRedis(tmp_path_factory.mktemp("cluster"), program, "--cluster-enabled", "yes")
    try:
        server.start()
        client = redis.Redis.from_url(server.url)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            pass
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["memory", "redis", "staged", "cluster"])
def store(request):
    if request.param == "memory":
        yield MemoryState()
        return
    server = request.getfixturevalue("redis_cluster" if request.param == "cluster" else "redis_server")
    largest = 2_000_000 if request.param == "redis" else 1
    state = RedisState(
        server.url, namespace=f"test-{uuid.uuid4().hex[:8]}", group="g", max_script_bytes=largest, retry_for=2_000
    )
    yield state
    state.close()


def test_a_partition_nobody_saved_has_no_checkpoint(store):
    claim, checkpoint = store.claim(PARTITION)
    assert checkpoint is None
    assert not claim.reset


def test_what_was_saved_is_what_the_next_claimant_gets(store):
    claim, _ = store.claim(PARTITION)
    claim.topic_id = "id"
    store.save(claim, 10, {"a": b"1", "b": b"\x00\xff", "c": b""}, [])
    store.save(claim, 12, {"a": b"2"}, ["b", "never there"])
    _, checkpoint = store.claim(PARTITION)
    assert (checkpoint.position, checkpoint.topic_id, checkpoint.damage) == (12, "id", None)
    assert dict(checkpoint.fields) == {"a": b"2", "c": b""}


def test_a_beginning_leaves_nothing_of_what_was_before(store):
    claim, _ = store.claim(PARTITION)
    store.save(claim, 10, {"a": b"1", "b": b"2"}, [])
    store.begin(claim, 3, {"a": b"3"})
    _, checkpoint = store.claim(PARTITION)
    assert (checkpoint.position, dict(checkpoint.fields)) == (3, {"a": b"3"})


def test_large_states_are_saved_as_a_whole_and_leave_nothing_behind(store):
    fields = {f"f{i}": bytes([i % 256]) * LARGE for i in range(500)}
    claim, _ = store.claim(PARTITION)
    store.begin(claim, 1, fields)
    fields |= {"f7": b"new", "more": b"x" * LARGE}
    store.save(claim, 2, {"f7": b"new", "more": b"x" * LARGE}, ["f8"])
    del fields["f8"]
    _, checkpoint = store.claim(PARTITION)
    assert checkpoint.damage is None
    assert dict(checkpoint.fields) == fields
    if isinstance(store, RedisState):
        assert not [key for key in store._redis.keys("*") if store._prefix.encode() in key and b"staged" in key]


def test_a_claim_fences_off_the_one_before(store):
    old, _ = store.claim(PARTITION)
    store.save(old, 1, {"a": b"1"}, [])
    new, _ = store.claim(PARTITION)
    for write in (lambda: store.save(old, 2, {"a": b"zombie"}, []), lambda: store.begin(old, 2, {"a": b"zombie"})):
        with pytest.raises(FencedError):
            write()
    store.save(new, 2, {"a": b"2"}, [])
    assert store.claim(PARTITION)[1].fields == {"a": b"2"}


def test_a_reset_takes_the_state_away_fences_its_owner_and_is_told_until_something_is_saved(store):
    claim, _ = store.claim(PARTITION)
    store.save(claim, 1, {"a": b"1"}, [])
    store.reset(PARTITION)
    with pytest.raises(StateGoneError, match="reset by an operator"):
        store.save(claim, 2, {"a": b"zombie"}, [])
    for _ in range(2):
        claim, checkpoint = store.claim(PARTITION)
        assert checkpoint is None
        assert claim.reset
    store.begin(claim, 1, {"a": b"2"})
    claim, checkpoint = store.claim(PARTITION)
    assert not claim.reset
    assert checkpoint.fields == {"a": b"2"}


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
