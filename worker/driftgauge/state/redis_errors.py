"""What an error of Redis means: whether it is worth waiting for a better answer, and what to do about it.

Away, loading, failing over, busy or full can pass; a wrong password, a missing permission or a foreign key can't.
"""

from __future__ import annotations

from typing import NamedTuple

import redis

from driftgauge.config_secrets import SecretError
from driftgauge.kafka_refusals import tls_refusal


class Verdict(NamedTuple):
    """`passes`: whether trying again may help. `fix`: what to look at if it doesn't."""

    passes: bool
    fix: str


# How Redis 7 says NOPERM of a command within a script.
_IN_SCRIPT = "The user executing the script can't"
_WORDS = {"section": "redis", "servers": "redis.url", "protocol": "redis.url (rediss:// is TLS, redis:// is not)"}
_AWAY = Verdict(True, "is it running, and is redis.url right?")
_SILENT = Verdict(True, "is it stopped or overloaded, or does something between drop its packets; is redis.url right?")
_FOREIGN = "WRONGTYPE"
_UNKNOWN = Verdict(False, "see the error")
# By the code that begins Redis's message. Redis 6 puts errors within scripts behind a text of its own, so the code is
# looked for anywhere in it.
_BY_CODE = {
    "LOADING": Verdict(True, "it is still loading its data; a larger redis.retry_for waits longer"),
    "OOM": Verdict(True, "it has no memory left: raise its maxmemory, or move what else is stored there"),
    "READONLY": Verdict(True, "a replica answers: point redis.url at the primary"),
    "MASTERDOWN": Verdict(True, "a replica answers that has lost its primary: point redis.url at the primary"),
    "TRYAGAIN": Verdict(True, "its cluster moves this slot"),
    "CLUSTERDOWN": Verdict(True, "its cluster has slots that no node serves"),
    "NOREPLICAS": Verdict(True, "it has fewer replicas than min-replicas-to-write asks for"),
    "MISCONF": Verdict(True, "it can't write its data to disk: see its log"),
    "BUSY": Verdict(True, "another script keeps it busy"),
    "WRONGPASS": Verdict(False, "are redis.username and password right?"),
    "NOAUTH": Verdict(False, "it asks for a password: set DRIFTGAUGE_REDIS__PASSWORD or redis.password_file"),
    "NOPERM": Verdict(
        False, "its ACL forbids redis.username this command or key: docs/security.md has the rules needed"
    ),
    _FOREIGN: Verdict(False, "a key under redis.namespace was written by another program"),
    "MOVED": Verdict(False, "redis.url is one of several nodes of a cluster, and the key is on another"),
    "CROSSSLOT": Verdict(False, "this is a bug in driftgauge; please report it"),
}


def judge(error: redis.RedisError | SecretError) -> Verdict:
    """What to make of it."""
    text = str(error)
    if isinstance(error, SecretError):
        return Verdict(False, "there is nothing to authenticate with")
    if _IN_SCRIPT in text:
        return _BY_CODE["NOPERM"]
    if isinstance(error, redis.AuthenticationError):
        return _BY_CODE["WRONGPASS" if "invalid" in text else "NOAUTH"]
    for kind, code in _CLASSES.items():
        if isinstance(error, kind):
            return _BY_CODE[code]
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        unsafe = tls_refusal(text, _WORDS)
        if unsafe is not None:
            return Verdict(False, unsafe)
        return _SILENT if isinstance(error, redis.TimeoutError) else _AWAY
    words = text.replace(":", " ").split()
    return next((_BY_CODE[word] for word in words if word in _BY_CODE), _UNKNOWN)


def is_foreign(error: BaseException | None) -> bool:
    """Whether it says that a key holds something of another type than ours."""
    return isinstance(error, redis.ResponseError) and _FOREIGN in str(error)


# redis-py takes the code off messages that it has a class for.
_CLASSES: dict[type[redis.RedisError], str] = {
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.MovedError: "MOVED",
    redis.exceptions.ClusterCrossSlotError: "CROSSSLOT",
}
