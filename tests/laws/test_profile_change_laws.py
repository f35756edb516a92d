"""Laws of a change of profiles: batches, partitions and restarts in the middle of it change nothing."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from changing_profile import CHANGED, END, MOVED, PER_MINUTE, SOURCES, Line, batches, log, model, old_then_new, replayed

cuts = st.lists(st.integers(1, 400), min_size=2, max_size=8)


@cache
def shares() -> list[list[bytes]]:
    """The story on two partitions."""
    values = log()
    return [values[::2], values[1::2]]


@cache
def told(*, first: bool) -> list[str]:
    logs = [batches(values, [], source) for source, values in zip(SOURCES, shares(), strict=True)]
    return [alert.event_id for alert in replayed(models(first=first), *logs)]


def models(*, first: bool) -> list:
    """The new profile after the old one, or as the first one."""
    return old_then_new()[1:] if first else old_then_new()


@settings(max_examples=40)
@given(st.booleans(), st.tuples(cuts, cuts), st.lists(st.booleans(), min_size=4), st.integers(0, 3))
def test_batches_partitions_and_restarts_change_no_alert(first, sizes, restarts, ahead):
    line = Line(models(first=first), SOURCES)
    queues = [
        batches(values, of_source, source) for source, values, of_source in zip(SOURCES, shares(), sizes, strict=True)
    ]
    turn = 0
    while any(queues):
        # One partition is read before the other by up to so many batches.
        at = 0 if queues[0] and (turn % (ahead + 2) or not queues[1]) else 1
        line.take(queues[at].pop(0))
        if restarts[turn % len(restarts)]:
            line.restart(models(first=first))
        turn += 1
    assert [alert.event_id for alert in line.alerts] == told(first=first)


@settings(max_examples=15)
@given(cuts, st.integers(1, CHANGED - 1), st.integers(CHANGED + 1, END - 1))
def test_when_the_entries_are_written_changes_no_alert(sizes, added, removed):
    values = [value for pair in zip(*shares(), strict=True) for value in pair]
    line = Line([model(0)])
    edges = sorted({added * PER_MINUTE, removed * PER_MINUTE, *(i for i in sizes)})
    steps = [b - a for a, b in zip([0, *edges], edges, strict=False)]
    for batch in batches(values, steps, SOURCES[0]):
        line.take(batch)
        read = (batch.offsets[-1] + 1) // PER_MINUTE
        line.restart([model(0)] if read < added else old_then_new() if read <= removed else [model(MOVED)])
    assert [alert.event_id for alert in line.alerts] == told(first=False)
