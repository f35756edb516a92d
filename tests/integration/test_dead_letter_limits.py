"""A producer that changes its format stops the worker instead of moving its topic to the dead letters."""

from __future__ import annotations

import os
import re
from unittest import mock

from live import ids, wait


def test_a_changed_format_stops_the_worker_and_nothing_is_lost_when_it_is_told_to_go_on(live, story, expected):
    line = live(partitions=1, limits={"dead_letters": {"consecutive": 300}})
    line.produce(story[:9_000])
    line.produce([b"<event/>"] * 500)
    line.produce(story[9_000:])
    first = line.start()
    assert first.ended() == 1
    (failed,) = first.events("worker_failed")
    assert failed["code"] == "dead_letter_limit"
    # How many of the 500 it has looked at depends on the batch.
    assert re.search(r"\b([34]\d\d|500) records in a row", failed["error"])
    # A supervisor starts it again: it stops again, and no further record has been set aside.
    aside = len(line.read("dead_letters"))
    second = line.start()
    assert second.ended() == 1
    assert len(line.read("dead_letters")) == aside
    with mock.patch.dict(os.environ, {"DRIFTGAUGE_LIMITS__DEAD_LETTERS__CONSECUTIVE": "0"}):
        third = line.start()
    alerts = wait(line.alerts, lambda found: len(ids(found)) >= len(expected), [third])
    assert ids(alerts) == ids(expected)
    letters = wait(lambda: line.read("dead_letters"), lambda found: len(found) >= 500, [third])
    offsets = {dict(letter.headers)["driftgauge.offset"] for letter in letters}
    assert offsets == {str(offset).encode() for offset in range(9_000, 9_500)}
    assert third.terminate() == 0
