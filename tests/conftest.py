"""Fixtures for all tests: a real Kafka and a real Redis, started on first use, stopped at the end whatever happened.

`make test` installs both. Without them their tests fail; DRIFTGAUGE_TEST_NO_SERVICES=1 skips them instead, never in CI.

Laws are tried on the same examples in every run, so that none fails by chance, and none fails because the machine is
slow. `--hypothesis-profile=search` looks for new ones.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from services import programs
from services.kafka import ExternalKafka, Kafka, LocalKafka
from services.redis import ExternalRedis, LocalRedis, RedisServer

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True, database=None)
settings.load_profile("same")


def pytest_configure() -> None:
    # A terminated run stops its servers too: as with Ctrl-C, the fixtures' finalizers run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"kafka", "redis_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    external = os.environ.get("DRIFTGAUGE_TEST_KAFKA")
    if external:
        yield ExternalKafka(external)
        return
    _skip_if_wanted()
    try:
        broker = LocalKafka(tmp_path_factory.mktemp("kafka"), *programs.broker())
    except programs.NotInstalledError as error:
        _fail(error, "DRIFTGAUGE_TEST_KAFKA=HOST:PORT")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    external = os.environ.get("DRIFTGAUGE_TEST_REDIS")
    if external:
        yield ExternalRedis(external)
        return
    _skip_if_wanted()
    try:
        server = LocalRedis(tmp_path_factory.mktemp("redis"), programs.redis())
    except programs.NotInstalledError as error:
        _fail(error, "DRIFTGAUGE_TEST_REDIS=redis://HOST:PORT/0")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def services_wanted() -> None:
    """Asked for by fixtures that start servers of their own."""
    _skip_if_wanted()


def _skip_if_wanted() -> None:
    if os.environ.get("DRIFTGAUGE_TEST_NO_SERVICES") and not os.environ.get("CI"):
        pytest.skip("DRIFTGAUGE_TEST_NO_SERVICES is set")


def _fail(error: programs.NotInstalledError, variable: str) -> NoReturn:
    pytest.fail(f"{error}, or name a running one as {variable}", pytrace=False)
