"""Processes that work for this one, and what goes to and fro: frames of bytes over their standard input and output.

Nobody ever waits for somebody who waits for him: whenever this process has to wait, it reads whatever comes and writes
whatever is taken. What comes before it is asked for is kept, up to a limit; then that process is left to wait.
"""

from __future__ import annotations

import os
import selectors
import signal
import struct
import subprocess
import sys
from collections import deque
from typing import IO, Self

from driftgauge.errors import WorkerProcessError

# Bytes that are kept of what one process has sent, and for it, before it is let wait.
_AHEAD_BYTES = 32 << 20
_READ_BYTES = 1 << 20
_LENGTH = struct.Struct("<I")
_PATIENCE_S = 5.0


class _Process:
    """One of them, and what is under way. `ended`: it will send nothing more."""

    def __init__(self, module: str) -> None:
        # Nothing is imported from the folder that we are called in (-P). In a group of its own: Ctrl-C is for this
        # process, which ends the others.
        self.popen = subprocess.Popen(
            [sys.executable, "-P", "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        assert self.popen.stdin is not None  # noqa: S101 (they are pipes)
        assert self.popen.stdout is not None  # noqa: S101
        self.to, self.of = self.popen.stdin.fileno(), self.popen.stdout.fileno()
        os.set_blocking(self.to, False)
        self.ended = False
        self.sent: deque[bytes] = deque()
        self.unsent = bytearray()
        self._read = bytearray()
        self._waiting_bytes = 0

    @property
    def wanted(self) -> bool:
        """Whether more is to be read of it now; always as long as it is waited for, which may wait to be read."""
        return not self.ended and (self._waiting_bytes < _AHEAD_BYTES or self.behind)

    @property
    def behind(self) -> bool:
        """Whether it has to take some before more is sent to it."""
        return len(self.unsent) > _AHEAD_BYTES

    def read(self) -> None:
        data = os.read(self.of, _READ_BYTES)
        self.ended = not data
        self._read += data
        while len(self._read) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._read)[0]
            if len(self._read) < end:
                break
            self.sent.append(bytes(self._read[_LENGTH.size : end]))
            self._waiting_bytes += end
            del self._read[:end]

    def take(self) -> bytes:
        frame = self.sent.popleft()
        self._waiting_bytes -= _LENGTH.size + len(frame)
        return frame

    def write(self) -> None:
        try:
            del self.unsent[: os.write(self.to, self.unsent)]
        except BrokenPipeError:
            # Why it has ended is told when its answer is missed.
            self.unsent.clear()


class Processes:
    """So many processes of the same program, which is a module of ours. A context manager: they end with it."""

    def __init__(self, module: str, count: int) -> None:
        """Start them."""
        self._all: list[_Process] = []
        try:
            for _ in range(count):
                self._all.append(_Process(module))
        except OSError as error:
            self.close()
            told = f"a worker process can't be started: {error.strerror}; ask for fewer --workers"
            raise WorkerProcessError(told) from None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """End them, whatever they are at."""
        self.close()

    def send(self, number: int, frame: bytes) -> None:
        """Have a frame sent to one of them; waits while too much is unsent."""
        process = self._all[number]
        process.unsent += _LENGTH.pack(len(frame)) + frame
        self._move(wait=False)
        while process.behind:
            self._move(wait=True)

    def receive(self, number: int) -> bytes:
        """The next frame of one of them; waits for it. WorkerProcessError if it has ended."""
        process = self._all[number]
        self._move(wait=False)
        while not process.sent:
            if process.ended:
                raise WorkerProcessError(f"a worker process ended before its work was done: {_reason(process.popen)}")
            self._move(wait=True)
        return process.take()

    def close(self) -> None:
        """End them."""
        for process in self._all:
            # They hold nothing that would be lost, and one that is stopped hears of nothing else.
            process.popen.kill()
        for process in self._all:
            process.popen.wait()
            for pipe in (process.popen.stdin, process.popen.stdout):
                _close(pipe)
        self._all.clear()

    def _move(self, *, wait: bool) -> None:
        """Read and write what can be; `wait` until anything can."""
        with selectors.DefaultSelector() as selector:
            for process in self._all:
                if process.wanted:
                    selector.register(process.of, selectors.EVENT_READ, process.read)
                if process.unsent:
                    selector.register(process.to, selectors.EVENT_WRITE, process.write)
            if selector.get_map():
                for key, _ in selector.select(None if wait else 0):
                    key.data()


def _reason(popen: subprocess.Popen[bytes]) -> str:
    try:
        code = popen.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return "it has closed its output"
    if code >= 0:
        return f"exit code {code}"
    killed = " (out of memory?)" if code == -signal.SIGKILL else ""
    return f"signal {-code}, {signal.strsignal(-code)}{killed}"


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        pass


class Parent:
    """The other end: frames of the process that started this one. Standard output is taken away from everybody else."""

    def __init__(self) -> None:
        """It is there."""
        self._to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._of = sys.stdin.buffer

    def send(self, frame: bytes) -> None:
        """Waits until it is taken. BrokenPipeError if there is no parent any more."""
        self._to.write(_LENGTH.pack(len(frame)) + frame)
        self._to.flush()

    def receive(self) -> bytes | None:
        """The next frame; None if there is none any more."""
        head = self._of.read(_LENGTH.size)
        return self._of.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None
