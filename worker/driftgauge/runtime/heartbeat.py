"""A loop that has stopped turning: every thread's stack goes to stderr, and the process ends.

A supervisor starts it again; a worker that hangs in its group would hold its partitions for ever. faulthandler's timer
is a thread of C that needs no interpreter lock, so a loop that is stuck inside a library's C code is found too. It
can't write a log line; a thread of Python's does that, where it still runs.
"""

from __future__ import annotations

import faulthandler
import threading
import time
from typing import Any, TextIO

# The log line comes before the end of the process.
_LOG_BEFORE_S = 1.0
# Setting faulthandler's timer anew takes 50 us: a busy loop needn't do it at each turn.
_BEAT_EVERY_S = 0.25


class Heartbeat:
    """Ends the process with exit code 1 if `beat` is not called for `stuck_after` ms (and half a second at least).

    `stream`, where the stacks go, has a file descriptor.
    """

    def __init__(self, stuck_after: int, log: Any, stream: TextIO) -> None:
        """Nothing is watched before `start`."""
        self._after_s = stuck_after / 1000
        self._log, self._stream = log, stream
        self._beaten, self._stopped = threading.Event(), threading.Event()
        self._armed_at = -_BEAT_EVERY_S
        self._thread = threading.Thread(target=self._watch, name="heartbeat", daemon=True)

    def start(self) -> None:
        """From now on."""
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """The loop turns."""
        now = time.monotonic()
        if now - self._armed_at < _BEAT_EVERY_S:
            return
        self._armed_at = now
        self._beaten.set()
        faulthandler.dump_traceback_later(self._after_s, file=self._stream, exit=True)

    def stop(self) -> None:
        """The loop has ended in order."""
        self._stopped.set()
        self._beaten.set()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        early = max(self._after_s - _LOG_BEFORE_S, self._after_s / 2)
        while not self._stopped.is_set():
            if self._beaten.wait(early):
                self._beaten.clear()
                self._stopped.wait(_BEAT_EVERY_S)
            else:
                self._log.error("loop_stuck", silent_s=early, ends_after_s=self._after_s)
