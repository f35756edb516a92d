"""A connection to the Redis that is disturbed, past its proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from services.redis import LocalRedis


@contextmanager
def client(server: LocalRedis) -> Iterator[Any]:
    """For as long as a `with` lasts."""
    connection = redis.Redis(port=server.port, socket_timeout=10)
    try:
        yield connection
    finally:
        connection.close()
