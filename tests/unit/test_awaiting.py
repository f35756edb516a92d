"""What is told by a worker that the group gives no partitions."""

from __future__ import annotations

from driftgauge.errors import UnavailableError
from driftgauge.runtime.awaiting import AwaitingPartitions


class Log:
    def __init__(self) -> None:
        self.lines: list[dict] = []

    def info(self, event, **fields) -> None:
        self.lines.append({"event": event, **fields})


def test_it_is_told_after_ten_seconds_and_then_every_thirty():
    log = Log()
    awaiting = AwaitingPartitions(lambda: ["b", "a", "b"], log, 1_000)
    for now in range(1_000, 80_000, 500):
        awaiting.look(now, given=False)
    assert [line["waited_s"] for line in log.lines] == [10, 40, 70]
    assert {line["event"] for line in log.lines} == {"partitions_awaited"}
    assert (log.lines[0]["members"], log.lines[0]["hosts"]) == (3, ["a", "b"])
    assert "kafka.session_timeout" in log.lines[0]["waits_for"]


def test_who_has_partitions_waits_for_nothing_and_from_the_last_one_on_again():
    log = Log()
    awaiting = AwaitingPartitions(list, log, 0)
    for now in range(0, 60_000, 500):
        awaiting.look(now, given=True)
    assert log.lines == []
    for now in range(60_000, 70_000, 500):
        awaiting.look(now, given=False)
    assert [line["waited_s"] for line in log.lines] == [10]


def test_a_broker_that_does_not_say_who_is_there_is_named():
    def silent():
        raise UnavailableError("no broker answers")

    log = Log()
    AwaitingPartitions(silent, log, 0).look(10_000, given=False)
    (line,) = log.lines
    assert line["error"] == "no broker answers"
    assert "members" not in line
