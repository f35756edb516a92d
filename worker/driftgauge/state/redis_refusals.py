"""What a Redis server's refusal means: which setting to look at. For errors that trying again would not mend."""

from __future__ import annotations

import redis

from driftgauge.config_secrets import SecretError
from driftgauge.kafka_refusals import tls_refusal

_IN_SCRIPT = "The user executing the script can't"
_WORDS = {"section": "redis", "servers": "redis.url", "protocol": "redis.url (rediss:// is TLS, redis:// is not)"}


def refusal_of(error: BaseException) -> str | None:
    """One sentence with the fix, or None where it may just be out of reach."""
    text = str(error)
    if isinstance(error, SecretError):
        return f"there is nothing to authenticate with at Redis: {error}"
    if isinstance(error, redis.exceptions.NoPermissionError) or _IN_SCRIPT in text:
        return f"Redis does not permit it ({text}); docs/security.md has the ACL rules that are needed"
    if isinstance(error, redis.AuthenticationError | redis.exceptions.AuthorizationError):
        return f"Redis does not accept these credentials ({text}): look at redis.username and password"
    found = tls_refusal(text, _WORDS)
    return f"Redis can't be reached safely: {found}" if found is not None else None
