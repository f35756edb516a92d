"""Processes that work for this one: nothing is lost, nobody waits for ever, and an end before the end is told."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from driftgauge.errors import WorkerProcessError
from driftgauge.replay import processes
from driftgauge.replay.processes import Processes

# Sends back every frame three times, with a word before each; "die" ends it.
ECHO = """
import os, sys, msgspec
from driftgauge.replay.processes import Parent
parent = Parent()
print("not a frame")
while (frame := parent.receive()) is not None:
    if frame == b"die":
        sys.exit(7)
    if frame == b"pid":
        parent.send(str(os.getpid()).encode())
        continue
    for _ in range(3):
        parent.send(b"echo " + frame)
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "echoing.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return "echoing"


def test_frames_of_any_size_go_to_and_fro_though_nobody_reads_meanwhile(echo, monkeypatch):
    monkeypatch.setattr(processes, "_AHEAD_BYTES", 100_000)
    # More than pipes hold, and than is kept.
    frames = [bytes([65 + i % 26]) * size for i, size in enumerate([0, 1, 70_000, 300_000, 5, 1_000_000] * 3)]
    with Processes(echo, 2) as both:
        for frame in frames:
            both.send(0, frame)
            both.send(1, frame[::-1])
        for frame in frames:
            assert [both.receive(1) for _ in range(3)] == [b"echo " + frame[::-1]] * 3
            assert [both.receive(0) for _ in range(3)] == [b"echo " + frame] * 3


def test_nothing_of_the_folder_that_it_is_called_in_is_imported(echo, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "msgspec.py").write_text("raise SystemExit(9)")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(path for path in os.environ["PYTHONPATH"].split(os.pathsep) if path)
    )
    monkeypatch.chdir(tmp_path / "here")
    with Processes(echo, 1) as one:
        one.send(0, b"a")
        assert one.receive(0) == b"echo a"


def test_one_that_ends_too_soon_is_told_of_after_what_it_has_sent(echo):
    with Processes(echo, 2) as both:
        both.send(0, b"last")
        both.send(0, b"die")
        assert [both.receive(0) for _ in range(3)] == [b"echo last"] * 3
        with pytest.raises(WorkerProcessError, match="exit code 7"):
            both.receive(0)
        # Nobody reads it any more.
        for _ in range(3):
            both.send(0, b"x" * 100_000)
        both.send(1, b"a")
        assert both.receive(1) == b"echo a"


@pytest.mark.parametrize(
    ("number", "message"),
    [(signal.SIGKILL, r"signal 9, Killed \(out of memory\?\)"), (signal.SIGRTMIN + 6, "signal 40, ")],
)
def test_one_that_is_killed_is_told_of_with_the_signal(echo, number, message):
    with Processes(echo, 1) as one:
        one.send(0, b"pid")
        os.kill(int(one.receive(0)), number)
        with pytest.raises(WorkerProcessError, match=message):
            one.receive(0)


def test_none_outlives_its_parent(echo):
    with Processes(echo, 2) as both:
        for number in range(2):
            both.send(number, b"pid")
        pids = [int(both.receive(number)) for number in range(2)]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
