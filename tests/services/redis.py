"""The tests' Redis: a redis-server on loopback that keeps nothing; or one that runs already."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import redis

from services.process import LOOPBACK, Server, free_port

START_SECONDS = 60.0
DEFAULT_PORT = 6379


class RedisServer(Protocol):
    """What the `redis_server` fixture gives. `url` is `redis://host:port/db`."""

    url: str
    port: int

    def start(self) -> None:
        """Start again what was stopped or killed, on the same port, empty; wait until it answers."""

    def stop(self) -> None:
        """A shutdown."""

    def kill(self) -> None:
        """A crash."""


class ExternalRedis:
    """A server that DRIFTGAUGE_TEST_REDIS names: used, never stopped."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = urlsplit(url).port or DEFAULT_PORT

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """Refused: others may use it."""
        raise RuntimeError("a server given by DRIFTGAUGE_TEST_REDIS is not stopped by tests")

    def kill(self) -> None:
        """Refused, as `stop`."""
        self.stop()


class LocalRedis(ExternalRedis):
    """A server of our own, with its log in `directory`. `settings`: more of its command line."""

    def __init__(self, directory: Path, program: Path, *settings: str) -> None:
        port = free_port()
        self.program = program
        super().__init__(f"redis://{LOOPBACK}:{port}/0")
        self.directory = directory
        command = [str(program), "--port", str(port), "--bind", LOOPBACK, "--dir", str(directory)]
        # Evicting state would lose it without a word.
        command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", *settings]
        self.server = Server(command, directory / "redis.log")

    def start(self) -> None:
        """See `RedisServer`."""
        self.server.start(self.answers, START_SECONDS)

    def stop(self) -> None:
        """See `RedisServer`."""
        self.server.stop()

    def kill(self) -> None:
        """See `RedisServer`."""
        self.server.kill()

    def answers(self) -> bool:
        """Whether it answers to PING."""
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
