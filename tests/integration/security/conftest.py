"""A Kafka and a Redis that let nobody in unasked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secured_config import PASSWORDS, REDIS_PASSWORD, redis_rule
from services import programs
from services.secured import SecuredKafka, SecuredRedis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"secured", "secured_redis"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def secured(tmp_path_factory, services_wanted) -> Iterator[SecuredKafka]:
    broker = SecuredKafka(tmp_path_factory.mktemp("secured"), *programs.broker(), PASSWORDS)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def secured_redis(tmp_path_factory, secured, services_wanted) -> Iterator[SecuredRedis]:
    rules = {"driftgauge": f">{REDIS_PASSWORD} {redis_rule()}", "keeper": ">keeper ~* +@all"}
    server = SecuredRedis(tmp_path_factory.mktemp("secured-redis"), programs.redis(), secured.authority, rules)
    try:
        server.start()
        yield server
    finally:
        server.stop()
