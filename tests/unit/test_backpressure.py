"""Holding the inputs while topics can't be written, against a sink that does what the test says."""

from __future__ import annotations

import pytest

from driftgauge.errors import BlockedError, UnavailableError, UndeliveredError
from driftgauge.runtime.backpressure import Backpressure


class Outputs:
    """A sink whose flushes and re-openings fail with these errors, one after the other, and then succeed."""

    def __init__(self, *, flushes=(), openings=()) -> None:
        self.flushes, self.openings = list(flushes), list(openings)

    def flush(self, wait_ms=None):
        if self.flushes:
            raise self.flushes.pop(0)

    def reopen(self):
        if self.openings:
            raise self.openings.pop(0)


class Clock:
    time = 0

    def now(self) -> int:
        return self.time


class Log:
    def __init__(self) -> None:
        self.events: list[str] = []

    def error(self, event, **_fields) -> None:
        self.events.append(event)

    warning = error


class Held:
    """Backpressure over `outputs`; each turn takes 100 ms."""

    def __init__(self, outputs: Outputs, give_up_after: int = 60_000) -> None:
        self.clock, self.log = Clock(), Log()
        self.turns = self.rewinds = 0
        self.subject = Backpressure(
            outputs,
            turn=self.turn,
            rewind=self.rewind,
            give_up_after=give_up_after,
            clock=self.clock,
            log=self.log,
        )

    def turn(self) -> None:
        self.turns += 1
        self.clock.time += 100

    def rewind(self) -> None:
        self.rewinds += 1

    def hold(self, error, stop=lambda: False) -> None:
        self.subject.hold(error, stop)


BLOCKED, LOST = BlockedError("not confirmed"), UndeliveredError("refused")


def test_it_goes_on_polling_until_all_is_confirmed():
    held = Held(Outputs(flushes=[BLOCKED] * 5))
    held.hold(BLOCKED)
    assert (held.turns, held.rewinds) == (6, 0)
    assert held.log.events == ["outputs_blocked", "outputs_written_again"]


def test_refused_records_are_begun_again_once_after_a_wait_that_doubles():
    held = Held(Outputs())
    held.hold(LOST)
    assert (held.turns, held.rewinds) == (5, 1)
    held.hold(LOST)
    assert (held.turns, held.rewinds) == (15, 2)


def test_what_is_refused_while_it_was_waited_for_is_begun_again():
    held = Held(Outputs(flushes=[BLOCKED, LOST]))
    held.hold(BLOCKED)
    assert (held.turns, held.rewinds) == (7, 1)


def test_a_broker_that_is_away_is_tried_again():
    held = Held(Outputs(openings=[UnavailableError("nobody"), UnavailableError("nobody")]))
    held.hold(LOST)
    assert held.turns == 5 + 10 + 20


def test_after_the_bound_it_ends_with_what_was_wrong_and_what_is_lost():
    held = Held(Outputs(flushes=[BLOCKED] * 1000), give_up_after=5_000)
    with pytest.raises(UnavailableError, match=r"not confirmed.*5 s .outputs.give_up_after.*Nothing is lost"):
        held.hold(BLOCKED)


def test_checkpoints_of_other_partitions_do_not_hide_that_one_record_is_refused_for_ever():
    held = Held(Outputs(), give_up_after=60_000)

    def again_and_again() -> None:
        while True:
            held.hold(LOST)
            held.subject.relieved()

    with pytest.raises(UnavailableError, match="give_up_after"):
        again_and_again()
    assert held.clock.time == 60_000


def test_it_is_over_once_nothing_was_refused_for_a_minute():
    held = Held(Outputs())
    held.hold(LOST)
    held.clock.time += 59_000
    held.subject.relieved()
    assert held.log.events == ["outputs_blocked"]
    held.clock.time += 1_000
    held.subject.relieved()
    assert held.log.events == ["outputs_blocked", "outputs_written_again"]


def test_it_stops_when_it_is_asked_to():
    held = Held(Outputs(flushes=[BLOCKED] * 1000))
    held.hold(BLOCKED, stop=lambda: held.turns == 3)
    assert held.turns == 3
