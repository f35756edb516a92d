"""Where damage ends, found by trying few offsets; and what a worker does about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.errors import DamagedError, OutOfRangeError
from driftgauge.records import Source
from driftgauge.runtime.reading import Reading
from driftgauge.sources.damage import _first_readable

A = Source("in", 0)


@given(st.integers(0, 1000), st.integers(1, 100_000), st.integers(0, 100_000))
def test_the_end_of_a_damaged_batch_is_found_in_few_tries(position, length, behind):
    tries = []

    def readable(offset: int) -> bool:
        tries.append(offset)
        return offset >= position + length

    end = position + length + behind
    assert _first_readable(readable, position, end) == position + length
    assert len(tries) <= 2 * length.bit_length() + 2
    assert all(position <= offset < end for offset in tries)


def test_nothing_is_damaged_where_it_can_be_read_and_at_the_end():
    assert _first_readable(lambda _: True, 5, 10) is None
    assert _first_readable(lambda _: False, 10, 10) is None


class Damaged:
    """A source of which some polls fail."""

    def __init__(self, *polls, skipped=()) -> None:
        self.polls, self.skipped, self.calls = list(polls), dict(skipped), []

    def poll(self, timeout_ms):
        self.calls.append("poll")
        step = self.polls.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def skip_damage(self):
        self.calls.append("skip")
        return self.skipped


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple] = []

    def error(self, event, **fields) -> None:
        self.lines.append((event, fields))

    warning = error


def reading(source: Damaged, damaged_records="stop", out_of_range=None) -> tuple[Reading, Log]:
    log = Log()
    made = Reading(source, damaged_records=damaged_records, out_of_range=out_of_range, alive=lambda: None, log=log)
    return made, log


BROKEN = DamagedError("Kafka: failed crc check")


def test_damage_ends_the_worker_with_where_it_is_and_both_ways_out():
    subject, _ = reading(Damaged(BROKEN, skipped={A: (100, 150)}))
    with pytest.raises(
        DamagedError, match=r"in:0: the records at offsets 100 to 149 .*crc.*replica.*damaged_records: skip"
    ):
        subject.poll(1)


def test_damage_that_may_be_skipped_is_told_and_never_polled_over():
    source = Damaged(BROKEN, [], skipped={A: (100, 150)})
    subject, log = reading(source, "skip")
    assert subject.poll(1) == []
    subject.poll(1)
    assert source.calls == ["poll", "skip", "poll"]
    ((event, fields),) = log.lines
    assert event == "damaged_records_skipped"
    assert (fields["topic"], fields["partition"], fields["first_offset"], fields["last_offset"]) == ("in", 0, 100, 149)


def test_what_was_damaged_on_the_way_only_is_read_again_but_not_for_ever():
    source = Damaged(BROKEN, BROKEN, ["batch"], BROKEN, BROKEN, BROKEN, BROKEN)
    subject, log = reading(source)
    assert [subject.poll(1) for _ in range(3)] == [[], [], ["batch"]]
    assert [event for event, _ in log.lines] == ["damaged_records_read_again"] * 2
    for _ in range(3):
        subject.poll(1)
    with pytest.raises(DamagedError):
        subject.poll(1)


def test_positions_out_of_range_are_handed_on():
    met = []
    error = OutOfRangeError([("in", 0)])
    subject, _ = reading(Damaged(error), out_of_range=met.append)
    assert subject.poll(1) == []
    assert met == [error]
    assert "of in:0 that" in str(error)
