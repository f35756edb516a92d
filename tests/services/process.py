"""A server process on loopback: a port it may have, a start, an end by pid, its log."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections: a client that keeps trying to reach a
# stopped server on such a port can be given that very port and connect to itself.
PORTS = range(15_000, 30_000)
# Every second one, from 0 or 1 on, for a run that has another one beside it.
_HALF = os.environ.get("DRIFTGAUGE_TEST_PORTS")
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


def free_port() -> int:
    """A port nobody listens on now."""
    # SystemRandom: hypothesis seeds the global generator, and two runs on a machine would then meet.
    for port in random.SystemRandom().sample(PORTS if _HALF is None else PORTS[int(_HALF) :: 2], 100):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORTS.start} and {PORTS.stop}")


class Server:
    """One process that is started, stopped and killed, maybe several times; its output is appended to `log`."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.command = list(command)
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self, ready: Callable[[], bool], timeout: float) -> None:
        """Start and wait until `ready()`; TimeoutError or RuntimeError with the end of the log if that fails."""
        if self.pid is not None:
            return
        with self.log.open("ab") as output:
            # A session of its own: the terminal's Ctrl-C is for pytest, which then stops the servers itself.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self.wait_until(ready, timeout)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait for `ready()` as `start` does."""
        end = time.monotonic() + timeout
        while not ready():
            if self.process is None or self.process.poll() is not None:
                self.fail(f"ended with {self.process.returncode if self.process else None}")
            if time.monotonic() > end:
                self.kill()
                self.fail(f"not ready after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not heard within 30 s."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what a crash looks like."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def fail(self, what: str) -> NoReturn:
        """Say what the server said last."""
        raise RuntimeError(f"{self.command[0]} {what}:\n{self.log.read_text(errors='replace')[-3000:]}")
