"""Clocks that disagree are told of, each once in a while."""

from __future__ import annotations

from builders import records
from driftgauge.records import RecordBatch
from driftgauge.runtime.clock_skew import ClockSkew


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, int]] = []

    def warning(self, event, *, clock, ahead_s) -> None:
        assert event == "clock_skew"
        self.lines.append((clock, ahead_s))


def batch(stamp: int) -> RecordBatch:
    made = records([1, 2])
    return RecordBatch(made.source, made.offsets, [0, stamp], made.values)


def test_only_records_from_the_future_say_something_and_the_broker_both_ways():
    now, log = [1_000_000], Log()
    skew = ClockSkew(30_000, lambda: now[0], log)
    for stamp in (0, 1_000_000, 1_029_999):
        skew.records(batch(stamp))
    skew.broker(None)
    skew.broker(970_001)
    assert log.lines == []
    skew.records(batch(1_030_000))
    skew.broker(940_000)
    assert log.lines == [("ml.predictions", 30), ("the broker", -60)]


def test_it_is_told_again_after_ten_minutes():
    now, log = [0], Log()
    skew = ClockSkew(30_000, lambda: now[0], log)
    for minute in range(25):
        now[0] = minute * 60_000
        skew.broker(now[0] + 40_000)
    assert log.lines == [("the broker", 40)] * 3
