"""What only the Redis store does: lost answers, staged saves that are cut off, damage, errors told apart."""

from __future__ import annotations

import os
import re
import signal
import time
import uuid
from importlib.resources import files

import pytest
import redis

from driftgauge.errors import ConfigError, FencedError, ForeignKeyError, RefusedError, StateGoneError, UnavailableError
from driftgauge.records import Source
from driftgauge.runtime.stored_state import stored_state
from driftgauge.state.base import Claim
from driftgauge.state.redis import RedisState
from driftgauge.state.redis_errors import judge
from driftgauge.state.redis_memory import refuse_eviction
from services.redis import LocalRedis

PARTITION = Source("ml.predictions", 3)


class Log:
    def __init__(self) -> None:
        self.events: list[str] = []

    def warning(self, event, **_fields):
        self.events.append(event)


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def own_redis(redis_server, tmp_path):
    """A Redis that a test may spoil."""
    if not isinstance(redis_server, LocalRedis):
        pytest.skip("only an external Redis is at hand")
    server = LocalRedis(tmp_path, redis_server.program)
    server.start()
    yield server
    server.stop()


def state_of(server, namespace: str, **options) -> RedisState:
    return RedisState(server.url, namespace=namespace, group="g", **({"retry_for": 2_000} | options))


def losing(state: RedisState, name: str, *answers: str):
    """Let calls of a script fail: `lost` after it was carried out, `unsent` before."""
    script, left = getattr(state, name), list(answers)

    def call(**arguments):
        kind = left.pop(0) if left else "arrives"
        if kind == "unsent":
            raise redis.ConnectionError("unsent")
        answer = script(**arguments)
        if kind == "lost":
            raise redis.TimeoutError("answer lost")
        return answer

    setattr(state, name, call)


@pytest.mark.parametrize("largest", [2_000_000, 1])
def test_a_save_whose_answer_was_lost_is_applied_once(redis_server, namespace, largest):
    state = state_of(redis_server, namespace, max_script_bytes=largest)
    claim, _ = state.claim(PARTITION)
    losing(state, "_save", "lost", "unsent")
    losing(state, "_settle", "lost", "lost")
    state.save(claim, 5, {"a": b"1"}, [])
    state.save(claim, 6, {"b": b"2"}, [])
    claim, checkpoint = state.claim(PARTITION)
    assert (claim.sequence, checkpoint.position, dict(checkpoint.fields)) == (2, 6, {"a": b"1", "b": b"2"})


@pytest.mark.parametrize("cut_off", ["_save", "_settle"])
def test_a_staged_save_that_was_cut_off_counts_as_a_whole_or_not_at_all(redis_server, namespace, cut_off):
    state = state_of(redis_server, namespace, max_script_bytes=1, retry_for=0)
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"1", "b": b"1"}, [])
    losing(state, cut_off, "unsent")
    with pytest.raises(UnavailableError):
        state.save(claim, 6, {f"f{i}": b"2" * 300 for i in range(300)}, ["a"])
    # It is open whether it was applied, so the claim is void.
    with pytest.raises(FencedError):
        state.save(claim, 7, {"a": b"3"}, [])
    _, checkpoint = state_of(redis_server, namespace).claim(PARTITION)
    assert checkpoint.damage is None
    assert (checkpoint.position, len(checkpoint.fields), "a" in checkpoint.fields) == (
        (5, 2, True) if cut_off == "_save" else (6, 301, False)
    )


def test_a_zombie_whose_staged_save_counted_without_its_knowledge_spoils_nothing(redis_server, namespace):
    zombie = state_of(redis_server, namespace, max_script_bytes=1)
    claim, _ = zombie.claim(PARTITION)
    script, save = zombie._save, []

    def taken_over(**arguments):
        if not save:
            script(**arguments)
            save.append(state_of(redis_server, namespace, retry_for=0))
            losing(save[0], "_settle", "unsent")
            with pytest.raises(UnavailableError):
                save[0].claim(PARTITION)
            raise redis.TimeoutError("answer lost")
        return script(**arguments)

    zombie._save = taken_over
    with pytest.raises(FencedError):
        zombie.save(claim, 6, {"a": b"2", "b": b"2"}, [])
    _, checkpoint = state_of(redis_server, namespace).claim(PARTITION)
    assert (checkpoint.position, dict(checkpoint.fields)) == (6, {"a": b"2", "b": b"2"})


def test_staged_fields_that_are_gone_are_staged_again(redis_server, namespace):
    state = state_of(redis_server, namespace, max_script_bytes=1)
    claim, _ = state.claim(PARTITION)
    stage, lost = state._stage, [1]

    def evicted(meta, sealed):
        key = stage(meta, sealed)
        if lost:
            lost.pop()
            state._redis.delete(key)
        return key

    state._stage = evicted
    state.save(claim, 6, {"a": b"2"}, [])
    assert state.claim(PARTITION)[1].fields == {"a": b"2"}


def test_what_is_staged_and_never_counts_expires(redis_server, namespace):
    state = state_of(redis_server, namespace, max_script_bytes=1, retry_for=0)
    claim, _ = state.claim(PARTITION)
    losing(state, "_save", "unsent")
    with pytest.raises(UnavailableError):
        state.save(claim, 6, {"a": b"2"}, [])
    (staged,) = [key for key in state._redis.keys(f"*{namespace}*") if b"staged" in key]
    assert 0 < state._redis.ttl(staged) <= 600


@pytest.mark.parametrize("damage", ["flip", "short", "lost field", "version"])
def test_damaged_state_is_told_and_not_believed(redis_server, namespace, damage):
    state = state_of(redis_server, namespace)
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
    _, checkpoint = state.claim(PARTITION)
    assert key in checkpoint.damage
    assert dict(checkpoint.fields) == {}
    assert checkpoint.position == 5


@pytest.mark.parametrize("largest", [2_000_000, 1])
def test_state_that_is_gone_or_older_is_told_apart_from_another_owner(redis_server, namespace, largest):
    state = state_of(redis_server, namespace, max_script_bytes=largest)
    client = redis.Redis.from_url(redis_server.url)
    meta, stored = (f"{{{namespace}:v1:g:ml.predictions:3}}:{name}" for name in ("meta", "state"))
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"1"}, [])
    copy = client.dump(meta)
    state.save(claim, 6, {"a": b"2"}, [])
    client.delete(meta)
    client.restore(meta, 0, copy)
    with pytest.raises(StateGoneError, match="older than what was saved last"):
        state.save(claim, 7, {"a": b"3"}, [])
    client.delete(meta, stored)
    with pytest.raises(StateGoneError, match="is gone: somebody has emptied Redis"):
        state.save(claim, 7, {"a": b"3"}, [])
    state.claim(PARTITION)
    with pytest.raises(FencedError, match="owned by another worker now"):
        state.save(claim, 7, {"a": b"3"}, [])


def test_looking_at_the_state_changes_nothing(redis_server, namespace):
    state = state_of(redis_server, namespace, max_script_bytes=1)
    claim, _ = state.claim(PARTITION)
    claim.topic_id = "id"
    state.save(claim, 5, {"a": b"1" * 100}, [])
    state.claim(Source("with:colon*", 11))
    state_of(redis_server, f"{namespace}-other").claim(PARTITION)
    seen, never = state.inspect()
    assert (seen.partition, seen.sequence, seen.checkpoint.position, seen.stored) == (PARTITION, 1, 5, 106)
    assert dict(seen.checkpoint.fields) == {"a": b"1" * 100}
    assert (seen.checkpoint.topic_id, never.partition, never.checkpoint) == ("id", Source("with:colon*", 11), None)
    assert 0 <= seen.claimed < 60_000
    assert 0 <= seen.saved < 60_000
    assert never.saved is None
    state.save(claim, 6, {"a": b"2"}, [])


def test_every_key_of_a_script_is_declared_and_of_one_hash_tag(redis_server, namespace):
    state = state_of(redis_server, namespace, max_script_bytes=1)
    seen = []
    for name in ("_claim", "_save", "_settle", "_reset"):
        script = getattr(state, name)

        def noting(script=script, **arguments):
            seen.append(arguments["keys"])
            return script(**arguments)

        setattr(state, name, noting)
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"1"}, [])
    state.reset(PARTITION)
    assert len(seen) == 4
    tag = f"{{{namespace}:v1:g:ml.predictions:3}}"
    assert all(key.startswith(tag + ":") for keys in seen for key in keys)
    for name in ("claim", "save", "settle", "reset"):
        code = re.sub(r"--.*", "", files("driftgauge.state").joinpath(f"{name}.lua").read_text())
        for call in re.findall(r"redis\.call\('(\w+)'(?:, ([^,)]+))?", code):
            assert call[0] == "TIME" or call[1].startswith(("KEYS[", "unpack(KEYS")), call


def test_a_redis_that_is_away_is_waited_for_and_the_wait_is_logged(own_redis, namespace):
    log = Log()
    state = state_of(own_redis, namespace, retry_for=300, log=log)
    own_redis.kill()
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not do it within 0\.3 s.*redis\.url"):
        state.claim(PARTITION)
    # The default is 30 s.
    assert time.monotonic() - started < 25
    assert log.events == ["redis_waited_for"]
    with pytest.raises(UnavailableError):
        state.save(Claim(PARTITION, "t", 0), 1, {}, [], within=1)
    own_redis.start()
    assert state.claim(PARTITION)[1] is None


@pytest.mark.parametrize("away", [signal.SIGSTOP, signal.SIGKILL])
def test_who_is_to_end_waits_a_second_more_and_no_longer(own_redis, namespace, away):
    stopped_at = [0.0]
    state = state_of(own_redis, namespace, retry_for=60_000, stop=lambda: 0 < stopped_at[0] < time.monotonic())
    state.claim(PARTITION)
    pid = own_redis.server.pid
    os.kill(pid, away)
    stopped_at[0] = time.monotonic() + 0.5
    means = "is it stopped or overloaded" if away == signal.SIGSTOP else "is it running"
    with pytest.raises(UnavailableError, match=f"within a second, and the worker is to stop.*{means}") as told:
        state.claim(PARTITION)
    assert "password" not in str(told.value)
    assert 1 < time.monotonic() - stopped_at[0] < 30
    os.kill(pid, signal.SIGCONT)


def test_a_redis_that_says_nothing_is_given_no_more_than_is_asked(own_redis, namespace):
    state = state_of(own_redis, namespace, retry_for=60_000)
    claim, _ = state.claim(PARTITION)
    os.kill(own_redis.server.pid, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        state.save(claim, 1, {}, [], within=700)
    assert 0.6 < time.monotonic() - started < 30
    os.kill(own_redis.server.pid, signal.SIGCONT)


def test_a_full_redis_is_waited_for_and_then_named(own_redis, namespace):
    client = redis.Redis.from_url(own_redis.url)
    state = state_of(own_redis, namespace, retry_for=200)
    claim, _ = state.claim(PARTITION)
    state.save(claim, 5, {"a": b"1"}, [])
    client.config_set("maxmemory", "1")
    with pytest.raises(UnavailableError, match="no memory left: raise its maxmemory"):
        state.save(claim, 6, {"a": b"2"}, ["a"])
    client.config_set("maxmemory", "0")
    assert state.claim(PARTITION)[1].fields == {"a": b"1"}


def test_a_replica_and_a_foreign_key_are_named(own_redis, namespace):
    client = redis.Redis.from_url(own_redis.url)
    state = state_of(own_redis, namespace, retry_for=200)
    claim, _ = state.claim(PARTITION)
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(UnavailableError, match=r"point redis\.url at the primary"):
        state.save(claim, 6, {"a": b"2"}, [])
    client.execute_command("REPLICAOF", "NO", "ONE")
    key = f"{{{namespace}:v1:g:ml.predictions:3}}:state"
    client.set(key, "another program's")
    claim, _ = state.claim(PARTITION)
    with pytest.raises(ForeignKeyError, match=f"{re.escape(key)} in Redis: choose another redis.namespace"):
        state.save(claim, 6, {"a": b"2"}, [])


@pytest.mark.parametrize("name", ["meta", "state"])
def test_a_foreign_key_is_named_hides_no_other_partition_and_is_reset(redis_server, namespace, name):
    state = state_of(redis_server, namespace)
    for partition in (PARTITION, Source("ml.predictions", 4)):
        claim, _ = state.claim(partition)
        state.save(claim, 5, {"a": b"1"}, [])
    client = redis.Redis.from_url(redis_server.url)
    key = f"{{{namespace}:v1:g:ml.predictions:3}}:{name}"
    client.set(key, "another program's")
    client.set(f"{{{namespace}:v1:g:no partition}}:meta", "another program's")
    with pytest.raises(ForeignKeyError, match=re.escape(key)):
        state.claim(PARTITION)
    foreign, sound = map(stored_state, state.inspect())
    assert (foreign.partition, foreign.position) == (PARTITION, None)
    assert key in foreign.problem
    assert (sound.position, sound.problem) == (5, None)
    state.reset(PARTITION)
    claim, checkpoint = state.claim(PARTITION)
    assert (claim.reset, checkpoint) == (True, None)
    state.begin(claim, 1, {"a": b"2"})
    assert state.claim(PARTITION)[1].fields == {"a": b"2"}


def test_a_missing_password_or_permission_fails_at_once(own_redis, namespace):
    client = redis.Redis.from_url(own_redis.url)
    client.execute_command("ACL", "SETUSER", "weak", "on", ">right", "~*", "+@read", "-info")
    for user, password, message in (("weak", "wrong", "username and password right"), ("weak", "right", "ACL forbids")):
        state = state_of(own_redis, namespace, retry_for=60_000, settings={"username": user, "password": password})
        with pytest.raises(RefusedError, match=message):
            state.claim(PARTITION)
    assert state_of(own_redis, namespace, settings={"username": "weak", "password": "right"}).memory() is None
    client.config_set("requirepass", "secret")
    with pytest.raises(RefusedError, match="DRIFTGAUGE_REDIS__PASSWORD"):
        state_of(own_redis, namespace, retry_for=60_000).claim(PARTITION)


def test_a_redis_that_may_evict_state_is_refused(own_redis, namespace):
    client = redis.Redis.from_url(own_redis.url)
    for limit, policy, says in (
        ("100mb", "allkeys-lru", "refused"),
        ("0", "allkeys-lru", ["redis_may_evict"]),
        ("100mb", "volatile-lru", []),
        ("100mb", "noeviction", []),
    ):
        client.config_set("maxmemory", limit)
        client.config_set("maxmemory-policy", policy)
        log = Log()
        if says == "refused":
            with pytest.raises(ConfigError, match="maxmemory-policy to noeviction"):
                refuse_eviction(state_of(own_redis, namespace), log)
        else:
            refuse_eviction(state_of(own_redis, namespace), log)
            assert log.events == says


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL", True),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist", True),
        ("NOREPLICAS Not enough good replicas to write.", True),
        ("Error running script (call to f_1): @user_script:5: OOM command not allowed", True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", False),
        ("unknown command 'EVALSHA'", False),
    ],
)
def test_errors_are_told_apart_by_their_code(message, passes):
    assert judge(redis.ResponseError(message)).passes is passes
