"""Keyword arguments for redis-py from the configuration: ACL user, TLS.

redis-py reads certificates and asks for the password at each connection, so both may change in their files.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from redis.credentials import CredentialProvider
from redis.maint_notifications import MaintNotificationsConfig

from driftgauge.config import RedisConfig
from driftgauge.config_secrets import secret_reader


def redis_settings(redis: RedisConfig) -> dict[str, Any]:
    """User and TLS; the URL stays apart. Certificate and name of the server are always checked."""
    password = secret_reader(redis, "password")
    # What would tell the server about the library needs commands that the ACL user is not permitted.
    settings: dict[str, Any] = {
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if redis.username is not None or password is not None:
        settings["credential_provider"] = _Credentials(redis.username, password)
    if redis.url.startswith("rediss://"):
        settings |= {
            "ssl_ca_certs": redis.ca_file,
            "ssl_certfile": redis.cert_file,
            "ssl_keyfile": redis.key_file,
            # Without any password OpenSSL would ask for one at the terminal.
            "ssl_password": secret_reader(redis, "key_password") or "",
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        }
    return settings


class _Credentials(CredentialProvider):
    """What AUTH is given: the password, after the user where there is one."""

    def __init__(self, username: str | None, password: Callable[[], str] | None) -> None:
        self._username, self._password = username, password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Read anew for each connection. SecretError if the password's file can't be read."""
        password = self._password() if self._password is not None else ""
        return (self._username, password) if self._username is not None else (password,)
