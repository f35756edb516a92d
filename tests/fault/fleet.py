"""Workers as a supervisor keeps them: so many run, and one that ends is started again, whatever it ended of."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from fault.deployment import Deployment
from fault.program import DRIFTGAUGE_RUN, end, wait_for
from live import Worker

_LOOK_S = 0.2


class Fleet:
    """`size` workers, by number. `exits`: codes of those that ended and had to be started again."""

    def __init__(self, line: Deployment, size: int, program: Sequence[str] = DRIFTGAUGE_RUN) -> None:
        self.line = line
        self.exits: list[int] = []
        self.workers: dict[int, Worker] = {i: line.start(program=program) for i in range(size)}
        self._programs: dict[int, Sequence[str]] = dict.fromkeys(self.workers, program)
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def kill(self, i: int) -> None:
        """SIGKILL."""
        with self._lock:
            self.workers[i].process.kill()

    def freeze(self, i: int) -> None:
        """SIGSTOP: it stands still in the middle of whatever it does, and doesn't know."""
        with self._lock:
            self.workers[i].process.send_signal(signal.SIGSTOP)

    def thaw(self, i: int) -> None:
        """SIGCONT."""
        with self._lock:
            self.workers[i].process.send_signal(signal.SIGCONT)

    def roll(self, i: int, program: Sequence[str] = DRIFTGAUGE_RUN) -> Worker:
        """SIGTERM, then another one of `program`, and wait until that is at work; the one that ended."""
        with self._lock:
            old = self.workers[i]
            self._programs[i] = program
        end(old)
        while self.workers[i] is old:
            time.sleep(_LOOK_S)
        wait_for(self.workers[i], "worker_started")
        return old

    def join(self) -> Worker:
        """One more, which nobody supervises."""
        return self.line.start()

    def stop(self) -> list[int]:
        """SIGTERM, in turn; their exit codes. AssertionError with all its threads' stacks if one doesn't end."""
        self.abandon()
        return self.line.stop_in_turn(list(self.workers.values()))

    def abandon(self) -> None:
        """Supervise no more; whoever still runs is killed by the deployment's end."""
        self._stopping.set()
        self._supervisor.join()

    def logs(self) -> list[Path]:
        """Of all workers there have been."""
        return [worker.log for worker in self.line.workers]

    def _supervise(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            with self._lock:
                for i, worker in self.workers.items():
                    code = worker.process.poll()
                    if code is not None:
                        self.exits.append(code)
                        self.workers[i] = self.line.start(program=self._programs[i])
