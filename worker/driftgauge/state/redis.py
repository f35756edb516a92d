"""State in Redis: the truth about how far a partition has come and what was known then.

Every field is stored with a version byte and a CRC-32, checked on load together with the number of fields, so that a
half-written or foreign hash is refused instead of believed.
"""

from __future__ import annotations

import struct
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Mapping
from importlib.resources import files
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from driftgauge.config_secrets import SecretError
from driftgauge.errors import FencedError, StateError, UnavailableError
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint, Claim, Progress
from driftgauge.state.redis_refusals import refusal_of

_VERSION = 1
_HEAD = struct.Struct("<BI")
_ATTEMPTS = 6
_FIRST_WAIT_S = 0.1

_T = TypeVar("_T")


class RedisState:
    """A StateStore in Redis. `group`: the consumer group, part of every key."""

    def __init__(self, url: str, *, namespace: str, group: str, settings: Mapping[str, Any] | None = None) -> None:
        """Connects lazily, as `redis_settings` says. redis-py's own silent retries are off: ours are bounded."""
        self._redis: Any = redis.Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0), **(settings or {})
        )
        self._prefix = f"{namespace}:v1:{group}"
        self._claim = self._redis.register_script(_script("claim.lua"))
        self._save = self._redis.register_script(_script("save.lua"))

    def claim(self, partition: Source) -> tuple[Claim, Checkpoint | None]:
        """See StateStore."""
        meta, state = self._keys(partition)
        token = uuid.uuid4().hex
        sequence, position, count = self._try(lambda: self._claim(keys=[meta], args=[token]))
        claim = Claim(partition, token, int(sequence))
        if position == b"":
            return claim, None
        stored: dict[bytes, bytes] = self._try(lambda: self._redis.hgetall(state))
        if len(stored) != int(count):
            raise StateError(f"{state} holds {len(stored)} fields where {int(count)} were saved")
        fields = {name.decode(): _open(state, name, data) for name, data in stored.items()}
        return claim, Checkpoint(int(position), fields)

    def save(self, claim: Claim, position: int, changed: Mapping[str, bytes], deleted: Collection[str]) -> None:
        """See StateStore. Repeating a save whose answer was lost is recognised by its sequence number."""
        arguments: list[str | int | bytes] = [claim.token, claim.sequence, position, len(changed)]
        for name, data in changed.items():
            arguments += [name, _HEAD.pack(_VERSION, zlib.crc32(data)) + data]
        arguments += deleted
        keys = self._keys(claim.partition)
        answer = self._try(lambda: self._save(keys=list(keys), args=arguments))
        if answer == b"FENCED":
            raise FencedError(f"{claim.partition} is owned by another worker now")
        claim.sequence += 1

    def tell(self, source: Source, progress: Progress) -> None:
        """See StateStore."""
        value = f"{progress.watermark} {progress.reached}"
        self._try(lambda: self._redis.hset(f"{{{self._prefix}}}:progress", str(source), value))

    def told(self) -> dict[Source, Progress]:
        """See StateStore. A field that isn't ours is passed over: this is a courtesy, not state."""
        stored: dict[bytes, bytes] = self._try(lambda: self._redis.hgetall(f"{{{self._prefix}}}:progress"))
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
        self._try(lambda: self._redis.hsetnx(key, name, value))
        settled: bytes = self._try(lambda: self._redis.hget(key, name))
        return settled.decode()

    def close(self) -> None:
        """Drop the connections."""
        self._redis.close()

    def _keys(self, partition: Source) -> tuple[str, str]:
        tag = f"{{{self._prefix}:{partition.topic}:{partition.partition}}}"
        return f"{tag}:meta", f"{tag}:state"

    @staticmethod
    def _try(call: Callable[[], _T]) -> _T:
        wait = _FIRST_WAIT_S
        for attempt in range(_ATTEMPTS):
            try:
                return call()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                refusal = refusal_of(error)
                if refusal is not None:
                    raise UnavailableError(refusal) from error
                if attempt == _ATTEMPTS - 1:
                    fix = "is it running, and are redis.url, username and password right?"
                    raise UnavailableError(f"Redis does not answer ({error}); {fix}") from error
                time.sleep(wait)
                wait *= 2
            except (redis.RedisError, SecretError) as error:
                raise UnavailableError(refusal_of(error) or f"Redis refused a command: {error}") from error
        raise AssertionError("unreachable")


def _open(key: str, name: bytes, data: bytes) -> bytes:
    if len(data) < _HEAD.size:
        raise StateError(f"field {name!r} of {key} is too short to be ours")
    version, checksum = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if version != _VERSION:
        raise StateError(f"field {name!r} of {key} has version {version}, this program reads {_VERSION}")
    if zlib.crc32(body) != checksum:
        raise StateError(f"field {name!r} of {key} is damaged (checksum)")
    return body


def _script(name: str) -> str:
    return files("driftgauge.state").joinpath(name).read_text(encoding="utf-8")
