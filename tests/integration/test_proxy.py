"""The proxy that stands for a bad network does to a connection what it says."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.proxy import Proxy


@pytest.fixture
def proxy(redis_server):
    made = Proxy()
    made.start(urlsplit(redis_server.url).port)
    yield made
    made.stop()


@pytest.fixture
def client(proxy):
    made = redis.Redis(port=proxy.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    assert made.ping()
    yield made
    made.close()


def test_a_slow_network_delays_both_ways(proxy, client):
    proxy.delay = 0.1
    begun = time.monotonic()
    assert client.ping()
    assert time.monotonic() - begun >= 0.2


def test_a_black_hole_keeps_connections_and_gives_nothing_until_it_is_healed(proxy, client):
    proxy.swallows = True
    with pytest.raises(redis.TimeoutError):
        client.ping()
    proxy.heal()
    assert client.ping()


def test_a_cut_ends_connections_and_a_closed_door_lets_none_in(proxy, client):
    connection = client.client_id()
    proxy.reset()
    assert client.client_id() != connection
    proxy.refuses = True
    proxy.reset()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    proxy.heal()
    assert client.ping()
