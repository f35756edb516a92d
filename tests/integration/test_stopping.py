"""A worker that is asked to end while Redis doesn't answer: soon, in order, and once more at once."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager

import pytest

from live import wait

# Longer than an end is waited for: a worker that ends has not waited for Redis.
WAITING = {"retry_for": "4m"}


@contextmanager
def frozen(redis_server):
    """It takes connections and commands, and answers nothing."""
    os.kill(redis_server.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis_server.server.pid, signal.SIGCONT)


@contextmanager
def crashed(redis_server):
    redis_server.kill()
    try:
        yield
    finally:
        redis_server.start()


@pytest.mark.parametrize("without", [frozen, crashed])
def test_it_does_not_wait_for_redis_when_it_is_to_end_and_says_what_is_not_saved(live, redis_server, story, without):
    line = live(redis=WAITING, checkpoint={"interval": "10m"})
    worker = line.start()
    line.produce(story[:600])
    # The first minute, of three partitions, and nothing of it saved.
    wait(lambda: len(line.read("panes", 2)), lambda found: found >= 11, [worker])
    with without(redis_server):
        time.sleep(2)
        assert worker.terminate() == 0
    (unsaved,) = worker.events("stopped_unsaved")
    assert "the worker is to stop" in unsaved["error"]
    assert worker.events("worker_stopped")
    assert not worker.events("worker_failed")
    again = line.start(before=["env", "DRIFTGAUGE_CHECKPOINT__INTERVAL=300ms"])
    wait(line.consumed, bool, [again])
    assert again.terminate() == 0


def test_it_does_not_wait_for_redis_at_its_start_either(live, redis_server):
    line = live(redis=WAITING)
    with frozen(redis_server):
        worker = line.start()
        wait(lambda: worker.events("worker_starting"), bool, [worker])
        assert worker.terminate() == 0
    assert not worker.events("worker_started")


def test_a_second_signal_ends_it_at_once_and_is_told(live, redis_server):
    line = live(redis=WAITING)
    worker = line.start()
    wait(lambda: worker.events("partition_taken"), lambda found: len(found) >= 5, [worker])
    with frozen(redis_server):
        time.sleep(2)
        # Again and again: two that a busy process has not met yet are one to it.
        while worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        assert worker.ended() == 130
    line.workers.remove(worker)
    assert json.loads(worker.log.read_text().splitlines()[-1])["event"] == "stopped_at_once"
