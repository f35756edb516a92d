"""Rows of files on their way to a topic."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftgauge.runtime.producing import Pace, produce
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import open_tables


class Sink:
    """Remembers what it was given, and how much of it was never unconfirmed at once."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.waiting = self.most = 0

    def publish(self, publications) -> None:
        self.values += [p.value for p in publications]
        self.waiting += len(publications)
        self.most = max(self.most, self.waiting)

    def flush(self) -> None:
        self.waiting = 0


class Clock:
    """Stands still but for what is waited."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> int:
        return int(self.time)

    def wait(self, ms: float) -> None:
        self.time += ms


@pytest.fixture
def big(tmp_path: Path) -> Path:
    file = tmp_path / "big.csv"
    file.write_text("a,b\n" + f"1.5,{'x' * 40}\n" * 150_000)
    return file


def send(file: Path, sink: Sink, clock: Clock, pace: Pace) -> list[int]:
    tables = open_tables([file], Columns(), kinds={}, sort=False)
    steps = produce(
        tables,
        Columns(),
        topic="t",
        model_id="m",
        model_version="1",
        sink=sink,
        pace=pace,
        clock=clock,
        wait=clock.wait,
    )
    return [total for _, total, _ in steps]


def test_a_large_file_is_confirmed_in_parts(big):
    sink = Sink()
    assert send(big, sink, Clock(), Pace())[-1] == 150_000 == len(sink.values)
    assert sink.waiting == 0
    assert sink.most < 100_000


@pytest.mark.parametrize(("pace", "seconds"), [(Pace(rate=50), 20), (Pace(speed=10), 100)])
def test_rows_come_as_fast_as_asked_for(tmp_path, pace, seconds):
    file = tmp_path / "some.csv"
    file.write_text("a\n" + "1\n" * 1000)
    clock = Clock()
    send(file, Sink(), clock, pace)
    assert seconds * 0.97 <= clock.time / 1000 <= seconds
