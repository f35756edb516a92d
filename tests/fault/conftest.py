"""Deployments on the shared Kafka and Redis, for faults that leave these two standing."""

from __future__ import annotations

import os

import pytest

from fault.deployment import Deployment, profiles
from services import programs


@pytest.fixture(scope="session")
def models():
    return profiles()


@pytest.fixture(scope="session")
def own_services(services_wanted) -> None:
    """For tests that kill what they stand on: they start a Kafka and a Redis of their own, which have to be here."""
    try:
        programs.broker(), programs.redis()
    except programs.NotInstalledError:
        if {"DRIFTGAUGE_TEST_KAFKA", "DRIFTGAUGE_TEST_REDIS"} & set(os.environ):
            pytest.skip("the services are not ours to kill")
        raise


@pytest.fixture
def deploy(kafka, redis_server, tmp_path, models):
    made = []

    def make(**options) -> Deployment:
        made.append(Deployment(kafka, redis_server, tmp_path / str(len(made)), models, **options))
        return made[-1]

    yield make
    for deployment in made:
        deployment.stop()
