"""Nothing comes, and yet there is more to read: found after two looks, and only then."""

from __future__ import annotations

import pytest

from driftgauge.errors import StalledError, UnavailableError
from driftgauge.records import Source
from driftgauge.runtime.stalled import StalledReading

A, B = Source("in", 0), Source("in", 1)


class Ends:
    """What the broker says of ends: `behind` has more."""

    def __init__(self, *behind: Source) -> None:
        self.behind, self.asked = set(behind), []

    def drained(self, sources):
        self.asked.append(list(sources))
        return set(sources) - self.behind


def test_a_partition_that_gives_nothing_though_there_is_more_ends_the_worker():
    watch = StalledReading(10, Ends(B).drained, 0)
    watch.look(10, [A, B])
    watch.look(20, [A, B])
    with pytest.raises(StalledError, match=r"nothing has come from in:1 for"):
        watch.look(30, [A, B])


def test_a_silent_partition_at_its_end_is_just_silent():
    ends = Ends()
    watch = StalledReading(10, ends.drained, 0)
    for now in range(0, 100, 5):
        watch.look(now, [A, B])
    assert ends.asked[-1] == [A, B]


def test_one_that_gives_something_between_looks_is_not_even_asked_for():
    ends = Ends(A, B)
    watch = StalledReading(10, ends.drained, 0)
    for now in range(10, 100, 10):
        watch.look(now, [A, B])
        watch.read(A)
        watch.read(B)
    assert ends.asked == []


def test_one_that_was_paused_in_between_begins_anew():
    watch = StalledReading(10, Ends(B).drained, 0)
    for now in range(10, 100, 10):
        watch.look(now, [B])
        watch.look(now + 5, [])


def test_a_broker_that_does_not_answer_is_no_reason_to_end():
    def unknown(_sources):
        raise UnavailableError("nobody")

    watch = StalledReading(10, unknown, 0)
    watch.look(10, [B])
    for now in range(20, 100, 10):
        with pytest.raises(UnavailableError):
            watch.look(now, [B])
