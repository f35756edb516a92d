"""A loop that has stopped turning ends its process, with all stacks, whoever holds the interpreter's lock."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import re, sys, threading, time
import structlog
from driftgauge.runtime.heartbeat import Heartbeat
from driftgauge.telemetry.logging import configure

configure("json", "info")
heartbeat = Heartbeat({stuck_after}, structlog.get_logger(), sys.stderr)
heartbeat.start()
for _ in range({turns}):
    heartbeat.beat()
    time.sleep(0.1)

def stuck_here():
    {stuck}

stuck_here()
heartbeat.stop()
print("ended by itself")
"""


def run(stuck: str, *, turns: int = 3, stuck_after: int = 2_000) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(stuck=stuck, turns=turns, stuck_after=stuck_after)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)


def test_a_wait_that_never_ends_is_logged_and_dumped_and_ends_the_process():
    done = run("threading.Event().wait()")
    assert done.returncode == 1
    logged = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["event"] for line in logged] == ["loop_stuck"]
    assert "Timeout (0:00:02)!" in done.stderr
    assert "in stuck_here" in done.stderr
    assert 'heartbeat.py", line' in done.stderr


def test_c_code_that_keeps_the_interpreters_lock_is_dumped_and_ended_too():
    # A regular expression that takes years: no other Python thread runs meanwhile.
    done = run('re.match("(a+)+$", "a" * 60 + "b")')
    assert done.returncode == 1
    assert "in stuck_here" in done.stderr
    assert "loop_stuck" not in done.stderr


@pytest.mark.parametrize("turns", [1, 40])
def test_a_loop_that_turns_and_one_that_ends_in_order_are_left_alone(turns):
    done = run("pass", turns=turns, stuck_after=3_000)
    assert (done.returncode, done.stdout) == (0, "ended by itself\n")
    assert done.stderr == ""
