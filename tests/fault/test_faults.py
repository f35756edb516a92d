"""Three workers under load, and everything around them fails, one thing after the other, seeded.

After each fault the load is held, the workers have to catch up, and all there is so far is recomputed and compared.
"""

from __future__ import annotations

import random
import time
import zlib

import pytest

from fault.faults import FAULTS
from fault.scene import Scene, scene

SEED = 1
# Rolling restarts have a test of their own, which looks at more (test_workers.py).
TESTED = [name for name in FAULTS if name != "rolling restart"]
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def disturbed(own_services, tmp_path_factory, models):
    with scene(tmp_path_factory.mktemp("faults"), models) as running:
        running.line.send(3000)
        running.line.wait_until_caught_up()
        yield running


@pytest.mark.parametrize("fault", TESTED)
def test_a_fault_loses_nothing_and_doubles_nothing(disturbed: Scene, fault):
    rng = random.Random(SEED + zlib.crc32(fault.encode()))
    with disturbed.line.flowing():
        time.sleep(0.5)
        FAULTS[fault](disturbed, rng)
        time.sleep(0.5)
    disturbed.line.wait_until_caught_up()
    verdict = disturbed.line.verdict(running=True)
    assert verdict.right, verdict


def test_at_the_end_all_workers_stop_in_order_and_their_state_is_what_the_log_gives(disturbed: Scene):
    assert set(disturbed.fleet.stop()) == {0}
    verdict = disturbed.line.verdict()
    assert verdict.right, verdict
