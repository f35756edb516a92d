"""Workers that end in order, that share what they shouldn't, and what each of them reads."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from pathlib import Path

from fault.fleet import Fleet
from live import wait

HERE = Path(__file__).parent
READING = [str(HERE / "reading_worker.py")]
FORCED = [str(HERE / "forced_owner.py")]


def test_a_rolling_restart_reads_no_offset_twice(deploy):
    # On a slow machine too: who is thought dead is read after.
    line = deploy(kafka={"session_timeout": "10s"})
    with line.flowing():
        fleet = Fleet(line, 2, READING)
        wait(lambda: all(w.events("read") for w in fleet.workers.values()), bool)
        for i in (0, 1):
            fleet.roll(i, READING)
            time.sleep(1)
        wait(lambda: all(w.events("read") for w in fleet.workers.values()), bool)
    line.wait_until_caught_up()
    assert fleet.stop() == [0, 0]
    assert fleet.exits == [0, 0]
    verdict = line.verdict()
    assert verdict.right, verdict
    assert not any(verdict.duplicates.values()), verdict
    read = sorted(
        (entry["topic"], entry["partition"], offset)
        for worker in line.workers
        for entry in worker.events("read")
        for offset in entry["offsets"]
    )
    assert len(read) == sum(line.ends([*line.inputs, *line.panes]).values())
    assert all(one != other for one, other in pairwise(read))


def test_a_zombie_is_fenced_and_what_it_held_is_dropped(deploy):
    line = deploy()
    with line.flowing():
        zombie = line.start()
        line.wait_until_owned(zombie)
        zombie.process.send_signal(signal.SIGSTOP)
        heir = line.start()
        line.wait_until_owned(heir)
        zombie.process.send_signal(signal.SIGCONT)
        wait(lambda: zombie.events("partition_lost") + zombie.events("partition_fenced"), bool, [zombie])
    line.wait_until_caught_up()
    assert line.stop_in_turn([zombie, heir]) == [0, 0]
    verdict = line.verdict()
    assert verdict.right, verdict


def test_two_owners_of_everything_do_no_harm(deploy):
    line = deploy()
    with line.flowing():
        both = [line.start(program=FORCED) for _ in range(2)]
        wait(lambda: [len(w.events("partition_fenced")) for w in both], lambda n: min(n) >= 5, both)
        both[0].kill()
    line.wait_until_caught_up()
    assert both[1].terminate() == 0
    verdict = line.verdict()
    assert verdict.right, verdict
