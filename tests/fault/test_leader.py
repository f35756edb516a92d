"""Three brokers, of which the one that leads a partition dies: what it had acknowledged, another one has."""

from __future__ import annotations

import random
import time

import pytest

from fault.faults import CLUSTER_FAULTS
from fault.scene import scene


@pytest.mark.integration
def test_a_leader_that_crashes_loses_nothing_and_doubles_nothing(own_services, tmp_path, models):
    rng = random.Random(1)
    with scene(tmp_path, models, cluster=True) as running:
        with running.line.flowing():
            running.line.wait_for_panes()
            CLUSTER_FAULTS["leader crash"](running, rng)
            time.sleep(1)
        running.line.wait_until_caught_up()
        assert set(running.fleet.stop()) == {0}
        verdict = running.line.verdict()
        assert verdict.right, verdict
