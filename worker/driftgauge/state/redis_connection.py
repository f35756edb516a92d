"""What redis-py's connections are to be like: ACL user and TLS from the configuration, and how long answers may take.

redis-py reads certificates and asks for the password at each connection, so both may change in their files.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import redis
from redis.connection import parse_url
from redis.credentials import CredentialProvider
from redis.maint_notifications import MaintNotificationsConfig

from driftgauge.config import RedisConfig
from driftgauge.config_secrets import secret_reader


def redis_settings(config: RedisConfig) -> dict[str, Any]:
    """User and TLS; the URL stays apart. Certificate and name of the server are always checked."""
    password = secret_reader(config, "password")
    # What would tell the server about the library needs commands that the ACL user is not permitted.
    settings: dict[str, Any] = {
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if config.username is not None or password is not None:
        settings["credential_provider"] = _Credentials(config.username, password)
    if config.url.startswith("rediss://"):
        settings |= {
            "ssl_ca_certs": config.ca_file,
            "ssl_certfile": config.cert_file,
            "ssl_keyfile": config.key_file,
            # Without any password OpenSSL would ask for one at the terminal.
            "ssl_password": secret_reader(config, "key_password") or "",
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        }
    return settings


def heeding(url: str, answer_comes: Callable[[Callable[[float], bool], float], bool]) -> type[Any]:
    """The class of connections to that URL, whose answers are waited for as `answer_comes` says (`Patience`)."""
    connection: Any = parse_url(url).get("connection_class", redis.Connection)  # type: ignore[no-untyped-call]

    class Heeding(connection):  # type: ignore[misc]
        def read_response(self, *arguments: Any, **options: Any) -> Any:
            if not answer_comes(self.can_read, self.socket_timeout):
                self.disconnect()
                raise redis.TimeoutError("it does not answer")
            return super().read_response(*arguments, **options)

    return Heeding


class _Credentials(CredentialProvider):
    """What AUTH is given: the password, after the user where there is one."""

    def __init__(self, username: str | None, password: Callable[[], str] | None) -> None:
        self._username, self._password = username, password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Read anew for each connection. SecretError if the password's file can't be read."""
        password = self._password() if self._password is not None else ""
        return (self._username, password) if self._username is not None else (password,)
