"""State in Redis: the truth about how far a partition has come and what was known then.

A save is one script. One that is too large for that would keep Redis from everybody else: its fields are staged beside
the state, one short script makes them count, and then they are moved in shares (settle.lua), by whoever owns the
partition if the worker dies in between.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from driftgauge.errors import FencedError, ForeignKeyError, RefusedError, StateError, StateGoneError, UnavailableError
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint, Claim, Inspected, Progress
from driftgauge.state.redis_connection import heeding
from driftgauge.state.redis_errors import is_foreign
from driftgauge.state.redis_fields import seal, unseal
from driftgauge.state.redis_patience import Patience

# What one command or script may carry of a staged save: some 4 ms of Redis.
_SHARE_BYTES = 1_000_000
# What the scripts say where no other worker is the reason.
_GONE = {
    b"GONE": "is gone: somebody has emptied Redis or deleted the key, or it does not keep what is written",
    b"OLDER": "is older than what was saved last: Redis has lost writes, or was given an older copy",
    b"RESET": "was reset by an operator",
}
# A staged save that never counts is gone after that.
_STAGED_S = 600


class RedisState:
    """A StateStore in Redis. `group`: the consumer group, part of every key.

    `retry_for` (ms): how long an answer is waited for, and a second at most once `stop` says that the worker is to end.
    `max_script_bytes`: larger saves are staged.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        group: str,
        settings: Mapping[str, Any] | None = None,
        retry_for: int = 30_000,
        max_script_bytes: int = 2_000_000,
        log: Any | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Connects lazily, as `redis_settings` says. redis-py's own silent retries are off: ours are bounded."""
        patience = Patience(retry_for, self._reconnect, log, stop)
        self._try = patience.keep_trying
        self._redis: Any = redis.Redis.from_url(
            url,
            connection_class=heeding(url, patience.answer_comes),
            socket_timeout=5,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
            **(settings or {}),
        )
        self._prefix = f"{namespace}:v1:{group}"
        self._max_script_bytes = max_script_bytes
        self._claim, self._save, self._settle, self._reset = (
            self._redis.register_script(_script(name)) for name in ("claim.lua", "save.lua", "settle.lua", "reset.lua")
        )

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """See StateStore. What the owner before had staged and not moved yet is moved first."""
        meta, state = self._keys(partition)
        token = uuid.uuid4().hex
        answer = self._of(meta, lambda: self._claim(keys=[meta], args=[token]))
        sequence, position, count, topic_id, pending, reset = answer
        claim = Claim(partition, token, int(sequence), topic_id.decode(), reset == b"1")
        if position == b"":
            return claim, None
        if pending:
            self._move(claim, pending.decode())
            count = self._try(lambda: self._redis.hget(meta, "fields")) or b"0"
        stored: dict[bytes, bytes] = self._of(state, lambda: self._redis.hgetall(state))
        return claim, _checkpoint(state, position, stored, count, topic_id)

    def save(
        self,
        claim: Claim,
        position: int,
        changed: Mapping[str, bytes],
        deleted: Collection[str],
        *,
        within: int | None = None,
    ) -> None:
        """See StateStore. Repeating a save whose answer was lost is recognised by its sequence number."""
        self._write(claim, position, changed, deleted, whole=False, within=within)

    def begin(self, claim: Claim, position: int, fields: Mapping[str, bytes]) -> None:
        """See StateStore."""
        self._write(claim, position, fields, (), whole=True, within=None)

    def tell(self, source: Source, progress: Progress) -> None:
        """See StateStore."""
        key, value = f"{{{self._prefix}}}:progress", f"{progress.watermark} {progress.reached}"
        self._of(key, lambda: self._redis.hset(key, str(source), value))

    def told(self) -> dict[Source, Progress]:
        """See StateStore. A field that isn't ours is passed over: this is a courtesy, not state."""
        key = f"{{{self._prefix}}}:progress"
        stored: dict[bytes, bytes] = self._of(key, lambda: self._redis.hgetall(key))
        told: dict[Source, Progress] = {}
        for name, value in stored.items():
            topic, _, partition = name.decode(errors="replace").rpartition(":")
            try:
                watermark, reached = value.split()
                told[Source(topic, int(partition))] = Progress(int(watermark), int(reached))
            except ValueError:
                continue
        return told

    def settle(self, name: str, value: str) -> str:
        """See StateStore."""
        key = f"{{{self._prefix}}}:settled"
        self._of(key, lambda: self._redis.hsetnx(key, name, value))
        settled: bytes = self._of(key, lambda: self._redis.hget(key, name))
        return settled.decode()

    def inspect(self) -> Iterator[Inspected]:
        """See InspectedStore. Looks at all keys of the database to find them: an operator's tool."""
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", "{" + self._prefix + ":") + "*}:meta"
        keys: set[bytes] = self._try(lambda: set(self._redis.scan_iter(match=pattern, count=1000)))
        names = [key[len(self._prefix) + 2 : -len("}:meta")].decode(errors="replace") for key in keys]
        found = [(topic, number) for topic, _, number in (name.rpartition(":") for name in names) if number.isdecimal()]
        for partition in sorted(Source(topic, int(number)) for topic, number in found):
            try:
                yield self._inspected(partition)
            except ForeignKeyError as error:
                yield Inspected(partition, 0, None, None, 0, None, str(error))

    def reset(self, partition: Source) -> None:
        """See InspectedStore."""
        self._take_away(partition, uuid.uuid4().hex)

    def remove(self, partition: Source) -> None:
        """See InspectedStore."""
        self._take_away(partition, "")

    def memory(self, within: int | None = None) -> tuple[int, str] | None:
        """`maxmemory` in bytes (0: no limit) and `maxmemory-policy`; None if we may not know. `within`: as `save`."""
        try:
            told: dict[str, Any] = self._try(lambda: self._redis.info("memory"), within)
        except UnavailableError as error:
            if isinstance(error.__cause__, redis.exceptions.NoPermissionError):
                return None
            raise
        if "maxmemory_policy" not in told:
            return None
        return int(told.get("maxmemory", 0)), str(told["maxmemory_policy"])

    def close(self) -> None:
        """Drop the connections."""
        self._redis.close()

    def _take_away(self, partition: Source, token: str) -> None:
        keys = list(self._keys(partition))
        pending = b""
        while pending != b"OK":
            pending = self._try(functools.partial(self._reset, keys=keys, args=[token]))
            keys = [*keys[:2], pending.decode()]

    def _write(
        self,
        claim: Claim,
        position: int,
        changed: Mapping[str, bytes],
        deleted: Collection[str],
        *,
        whole: bool,
        within: int | None,
    ) -> None:
        sealed = {name: seal(data) for name, data in changed.items()}
        large = sum(len(name) + len(data) for name, data in sealed.items()) > self._max_script_bytes
        head = [claim.token, claim.sequence, position, claim.topic_id, "1" if whole else "0"]
        try:
            if large:
                staged = self._staged(claim, sealed, [*head, len(sealed), 0, *deleted], within)
                claim.sequence += 1
                self._move(claim, staged, within)
            else:
                fields = [part for entry in sealed.items() for part in entry]
                keys = list(self._keys(claim.partition))
                self._saved(claim, keys, [*head, 0, len(sealed), *fields, *deleted], within)
                claim.sequence += 1
        except UnavailableError:
            # It may have been applied or not: only a new claim can tell.
            claim.token = ""
            raise

    def _saved(self, claim: Claim, keys: list[str], arguments: list[Any], within: int | None) -> bool:
        """Whether it counts; not if what was staged is gone."""
        answer: bytes = self._of(" or ".join(keys), lambda: self._save(keys=keys, args=arguments), within)
        if answer in (b"OK", b"DUP"):
            return True
        if answer == b"UNSTAGED":
            return False
        raise _refusal(answer, claim)

    def _staged(self, claim: Claim, sealed: Mapping[str, bytes], arguments: list[Any], within: int | None) -> str:
        """Stage the fields and make them count; once more if they are gone by then. Where they are."""
        meta, state = self._keys(claim.partition)
        for _ in range(2):
            staged = self._try(lambda: self._stage(meta, sealed), within)
            if self._saved(claim, [meta, state, staged], arguments, within):
                return staged
        raise UnavailableError("Redis does not keep what is staged; its maxmemory-policy has to be noeviction")

    def _stage(self, meta: str, sealed: Mapping[str, bytes]) -> str:
        # Each attempt has a key of its own: commands of one that was given up may still be carried out, and must not
        # touch what counts by then. Nor is it deleted when the save is refused, which it is too if its answer got lost
        # and the next owner moves the fields by now; so it expires, unless it counts.
        key = f"{meta.removesuffix('meta')}staged:{uuid.uuid4().hex}"
        for share in _shares(sealed):
            # One pipeline each: no other client waits for more than a share.
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(key, mapping=share)
                pipe.expire(key, _STAGED_S)
                pipe.execute()
        return key

    def _move(self, claim: Claim, staged: str, within: int | None = None) -> None:
        keys = [*self._keys(claim.partition), staged]
        answer = b"MORE"
        while answer == b"MORE":
            answer = self._try(lambda: self._settle(keys=keys, args=[claim.token, _SHARE_BYTES]), within)
        if answer != b"DONE":
            raise _refusal(answer, claim)

    def _inspected(self, partition: Source) -> Inspected:
        meta, state = self._keys(partition)
        told: dict[bytes, bytes] = self._of(meta, lambda: self._redis.hgetall(meta))
        stored: dict[bytes, bytes] = self._of(state, lambda: self._redis.hgetall(state))
        if b"pending" in told:
            stored |= self._try(lambda: self._redis.hgetall(told[b"pending"]))
        now: tuple[int, int] = self._try(self._redis.time)
        claimed, saved = (1000 * (now[0] - int(told[key])) if key in told else None for key in (b"claimed", b"saved"))
        count = str(len(stored)).encode() if b"pending" in told else told.get(b"fields", b"0")
        checkpoint = None
        if b"pos" in told:
            checkpoint = _checkpoint(state, told[b"pos"], stored, count, told.get(b"topic", b""))
        size = sum(len(name) + len(data) for name, data in stored.items())
        reset = told.get(b"reset") == b"1"
        return Inspected(partition, int(told.get(b"seq", 0)), claimed, saved, size, checkpoint, reset=reset)

    def _of(self, key: str, call: Callable[[], Any], within: int | None = None) -> Any:
        """What `call` returns, as Patience does it. ForeignKeyError if that `key` is another program's."""
        try:
            return self._try(call, within)
        except RefusedError as error:
            if is_foreign(error.__cause__):
                raise ForeignKeyError(key) from error
            raise

    def _keys(self, partition: Source) -> tuple[str, str]:
        tag = f"{{{self._prefix}:{partition.topic}:{partition.partition}}}"
        return f"{tag}:meta", f"{tag}:state"

    def _reconnect(self) -> None:
        self._redis.connection_pool.disconnect()


def _refusal(answer: bytes, claim: Claim) -> FencedError:
    gone = _GONE.get(answer)
    if gone is None:
        return FencedError(f"{claim.partition} is owned by another worker now")
    return StateGoneError(f"what was stored of {claim.partition} {gone}")


def _checkpoint(key: str, position: bytes, stored: Mapping[bytes, bytes], count: bytes, topic_id: bytes) -> Checkpoint:
    try:
        fields, damage = unseal(key, stored, int(count)), None
    except StateError as error:
        fields, damage = {}, str(error)
    return Checkpoint(int(position), fields, topic_id.decode(), damage)


def _shares(sealed: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    share: dict[str, bytes] = {}
    size = 0
    for name, data in sealed.items():
        share[name] = data
        size += len(data)
        if size >= _SHARE_BYTES:
            yield share
            share, size = {}, 0
    if share:
        yield share


def _script(name: str) -> str:
    return files("driftgauge.state").joinpath(name).read_text(encoding="utf-8")
