"""A model check of the checkpoint scripts: workers, zombies, lost answers, late commands, crashes, older copies.

The real store and the real Lua run in this process, on fakeredis. What is stored has to be, at any time, exactly the
state of a prefix of the log: the state that its position says. Only the last claimant may change it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from unittest import mock

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from driftgauge.errors import FencedError, UnavailableError
from driftgauge.records import Source
from driftgauge.state.base import Claim
from driftgauge.state.redis import RedisState

fakeredis = pytest.importorskip("fakeredis")
pytest.importorskip("lupa", reason="fakeredis runs scripts with it")

PARTITION = Source("in", 0)
ROWS_KEPT = 4
FAULTS = st.lists(st.sampled_from(["arrives", "arrives", "lost", "unsent", "late"]), max_size=8)
WHO = st.integers(0, 2)


def state_at(position: int) -> dict[str, bytes]:
    """What a task would hold after that many records: sums that change, rows that come and go."""
    rows = range(max(0, position - ROWS_KEPT), position)
    return {
        "sum": str(sum(range(position))).encode(),
        **{f"mod{k}": str(len(range(k, position, 3))).encode() for k in range(3) if position > k},
        **{f"row/{offset}": f"{offset:030}".encode() for offset in rows},
    }


class Network:
    """What may happen to commands on their way; `late` ones are carried out when nobody waits for them any more."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.late: list[Callable[[], object]] = []

    def send(self, command: Callable[[], object]) -> object:
        fault = self.faults.pop(0) if self.faults else "arrives"
        if fault == "unsent":
            raise redis.ConnectionError("unsent")
        if fault == "late":
            self.late.append(command)
            raise redis.TimeoutError("late")
        answer = command()
        if fault == "lost":
            raise redis.TimeoutError("the answer is lost")
        return answer


class Client(fakeredis.FakeStrictRedis):
    """A client whose commands and pipelines go over a Network."""

    network: Network

    def execute_command(self, *args, **options):
        return self.network.send(lambda: super(Client, self).execute_command(*args, **options))

    def pipeline(self, *, transaction: bool):
        pipe = super().pipeline(transaction)
        execute = pipe.execute

        def sent():
            commands = list(pipe.command_stack)

            def carried_out():
                pipe.command_stack = commands
                return execute()

            return self.network.send(carried_out)

        pipe.execute = sent
        return pipe


def store_on(server: fakeredis.FakeServer, network: Network, largest: int) -> RedisState:
    client = Client(server=server)
    client.network = network
    with mock.patch("redis.Redis.from_url", return_value=client):
        return RedisState("redis://faked", namespace="n", group="g", retry_for=500, max_script_bytes=largest)


class Worker:
    """A process: its connection, and of the partition what it remembers, if it has claimed it."""

    def __init__(self, store: RedisState) -> None:
        self.store = store
        self.forget()

    def forget(self) -> None:
        self.claim = None
        self.position = 0
        self.saved: dict[str, bytes] = {}


class Checkpoints(RuleBasedStateMachine):
    copies = Bundle("copies")

    @initialize()
    def start(self) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
        self.patched = mock.patch("driftgauge.state.redis_patience.time", clock)
        self.patched.start()
        self.server = fakeredis.FakeServer()
        self.network = Network()
        self.plain = fakeredis.FakeStrictRedis(server=self.server)
        self.outside = store_on(self.server, Network(), 1)
        # The first one stages whatever it saves.
        self.workers = [Worker(store_on(self.server, self.network, largest)) for largest in (1, 100, 1_000_000)]

    def teardown(self) -> None:
        if hasattr(self, "patched"):
            self.patched.stop()

    @rule(who=WHO, faults=FAULTS)
    def claim(self, who: int, faults: list[str]) -> None:
        worker = self.workers[who]
        worker.forget()
        self.network.faults = faults
        try:
            claim, checkpoint = worker.store.claim(PARTITION)
            if checkpoint is None:
                worker.store.begin(claim, 0, state_at(0))
                worker.saved = state_at(0)
            else:
                assert checkpoint.damage is None
                assert dict(checkpoint.fields) == state_at(checkpoint.position)
                worker.position, worker.saved = checkpoint.position, dict(checkpoint.fields)
        except (UnavailableError, FencedError):
            return
        finally:
            self.network.faults = []
        worker.claim = claim

    @rule(who=WHO, count=st.integers(0, 6), faults=FAULTS)
    def process_and_save(self, who: int, count: int, faults: list[str]) -> None:
        worker = self.workers[who]
        if worker.claim is None:
            self.claim(who, [])
        worker.position += count
        now = state_at(worker.position)
        changed = {name: data for name, data in now.items() if worker.saved.get(name) != data}
        deleted = [name for name in worker.saved if name not in now]
        before, owned = self.stored(), self.is_owned_by(worker.claim)
        self.network.faults = faults
        try:
            worker.store.save(worker.claim, worker.position, changed, deleted)
        except FencedError:
            assert not owned
            assert self.stored() == before
            worker.forget()
        except UnavailableError:
            assert owned or self.stored() == before
            with pytest.raises(FencedError):
                worker.store.save(worker.claim, worker.position, changed, deleted)
            worker.forget()
        else:
            assert owned
            assert self.stored() == worker.position
            worker.saved = now
        finally:
            self.network.faults = []

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        self.workers[who].forget()

    @precondition(lambda self: self.network.late)
    @rule(data=st.data())
    def a_late_command_is_carried_out(self, data) -> None:
        at = data.draw(st.integers(0, len(self.network.late) - 1))
        with suppress(redis.RedisError):
            self.network.late.pop(at)()

    @rule(target=copies)
    def copy(self) -> dict[bytes, tuple[dict[bytes, bytes], int]]:
        return {key: (self.plain.hgetall(key), self.plain.pttl(key)) for key in self.plain.keys("*")}

    @rule(copied=copies)
    def roll_back(self, copied) -> None:
        self.plain.flushall()
        for key, (fields, ttl) in copied.items():
            self.plain.hset(key, mapping=fields)
            if ttl > 0:
                self.plain.pexpire(key, ttl)

    @rule()
    def what_expires_is_gone(self) -> None:
        self.plain.delete(b"none", *(key for key in self.plain.keys("*") if self.plain.pttl(key) > 0))

    @rule()
    def reset(self) -> None:
        self.outside.reset(PARTITION)
        assert self.stored() is None

    def is_owned_by(self, claim: Claim) -> bool:
        """Whether nobody else has claimed it since, and it is as its owner left it."""
        (key,) = self.plain.keys("*:meta") or (b"none",)
        return self.plain.hmget(key, "own", "seq") in (
            [claim.token.encode(), str(claim.sequence).encode()],
            [claim.token.encode(), None if claim.sequence == 0 else b"-"],
        )

    def stored(self) -> int | None:
        """The position that is stored, with a state that has to be its."""
        for seen in self.outside.inspect():
            if seen.checkpoint is None:
                return None
            assert seen.checkpoint.damage is None
            assert dict(seen.checkpoint.fields) == state_at(seen.checkpoint.position)
            return seen.checkpoint.position
        return None

    @invariant()
    def what_is_stored_is_the_state_of_its_position(self) -> None:
        if hasattr(self, "outside"):
            self.stored()

    @invariant()
    def what_is_staged_counts_or_expires(self) -> None:
        if hasattr(self, "plain"):
            pending = {self.plain.hget(key, "pending") for key in self.plain.keys("*:meta")}
            for key in self.plain.keys("*staged*"):
                assert (self.plain.pttl(key) == -1) == (key in pending)


Checkpoints.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
TestCheckpoints = Checkpoints.TestCase
