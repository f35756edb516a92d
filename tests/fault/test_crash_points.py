"""A worker dies at any moment of publishing, saving and taking over: the next one goes on as if nothing had been."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fault.crash_points import CRASH_POINTS, IDLE_CRASH_POINTS
from fault.deployment import Deployment

PROGRAM = str(Path(__file__).with_name("crashing_worker.py"))
PART = 3000


@pytest.fixture(scope="module")
def line(kafka, redis_server, tmp_path_factory, models):
    """One deployment for all points, one after the other, with state from the first on."""
    deployment = Deployment(kafka, redis_server, tmp_path_factory.mktemp("crashes"), models)
    deployment.send(PART)
    worker = deployment.start()
    deployment.wait_until_caught_up()
    worker.kill()
    yield deployment
    deployment.stop()


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_crash_changes_nothing(line, point):
    with line.flowing():
        dies = line.start(program=[PROGRAM, point])
        assert dies.ended() == -signal.SIGKILL, dies.log.read_text()[-2000:]
        next_one = line.start()
    line.wait_until_caught_up()
    next_one.kill()
    verdict = line.verdict()
    assert verdict.right, verdict


@pytest.mark.parametrize("point", IDLE_CRASH_POINTS)
def test_a_crash_between_an_idle_decision_and_its_publication_makes_no_second_one(deploy, point):
    line = deploy(panes={"idle_after": "1s"})
    line.send(PART)
    dies = line.start(program=[PROGRAM, point])
    # Two of three partitions go on, the third is silent: it is declared idle by the one that dies of it.
    for i in range(2):
        line.produce([event for j, event in enumerate(line.next(PART)) if j % 3 != 2], partition=i)
    assert dies.ended() == -signal.SIGKILL, dies.log.read_text()[-2000:]
    next_one = line.start()
    line.wait_until_caught_up()
    line.send(PART)
    line.wait_until_caught_up()
    next_one.kill()
    verdict = line.verdict()
    assert verdict.right, verdict
    assert verdict.idle_decisions > 0
