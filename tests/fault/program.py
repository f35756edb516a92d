"""A worker of the fault suite: `driftgauge run`, or a program that is it but for one thing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from driftgauge.records import Source
from live import PATIENCE_S, Worker

DRIFTGAUGE_RUN = ("-m", "driftgauge", "run")
_LOOK_S = 0.2
_NO_LONGER_OWNED = {
    "partition_given_up",
    "partition_lost",
    "partition_fenced",
    "partition_state_gone",
    "partition_rewound",
}


class Program(Worker):
    """`program`: what Python is to run. On SIGABRT it says in its log where each of its threads is."""

    def __init__(self, config: Path, log: Path, program: Sequence[str]) -> None:
        self.log = log
        with log.open("wb") as out:
            command = [sys.executable, *program, "-c", str(config)]
            settings = os.environ | {"PYTHONFAULTHANDLER": "1"}
            self.process = subprocess.Popen(command, stderr=out, stdout=subprocess.DEVNULL, env=settings)


def owned(worker: Worker) -> set[Source]:
    """What it has by now, by its log."""
    sources: set[Source] = set()
    for line in worker.lines():
        if line["event"] == "partition_taken":
            sources.add(Source(line["topic"], line["partition"]))
        elif line["event"] in _NO_LONGER_OWNED:
            sources.discard(Source(line["topic"], line["partition"]))
    return sources


def end(worker: Worker) -> int:
    """SIGTERM, to one that has come so far as to listen to it; its exit code."""
    wait_for(worker, "worker_starting")
    worker.process.send_signal(signal.SIGTERM)
    try:
        return worker.ended()
    except subprocess.TimeoutExpired:
        worker.process.send_signal(signal.SIGABRT)
        worker.process.wait()
        raise AssertionError(f"a worker didn't end on SIGTERM:\n{worker.log.read_text()[-6000:]}") from None


def wait_for(worker: Worker, event: str) -> None:
    """Until it says so in its log, or has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while worker.process.poll() is None and not worker.events(event) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
