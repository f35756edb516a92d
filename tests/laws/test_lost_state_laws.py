"""A lost ingest state is counted anew from the last watermark told: the panes are those of a run that lost nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders import DAY_SPREAD, MINUTE, records, small_ingest
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.messages import END_OF_TIME, PartialPane, Watermark

TIMES = st.lists(
    st.one_of(st.integers(0, 20 * MINUTE), st.integers(0, DAY_SPREAD), st.just("x")), min_size=1, max_size=60
)
STEPS = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["on", "restart", "lose", "lose", "idle"]), st.integers(0, 5)),
    max_size=12,
)


def make():
    return small_ingest(out_of_orderness=5_000)


def run(log, steps, *, losing: bool):
    """All messages and the late count; idle decisions take place at the same offsets with and without losses."""
    ingest, told, idled = make(), [], set()
    for size, what, minutes in [*steps, (len(log), "on", 0)]:
        batch = log[ingest.position : ingest.position + size]
        if batch:
            told += ingest.process(records(batch, ingest.position)).messages
        if what == "idle" and ingest.watermark != MIN_TIME and ingest.position not in idled:
            idled.add(ingest.position)
            told += ingest.raise_watermark(ingest.watermark + minutes * MINUTE // 2).messages
        elif what == "restart":
            fresh = make()
            restore(fresh, snapshot(ingest))
            ingest = fresh
        elif what == "lose" and losing:
            last = next((m for m in reversed(told) if isinstance(m, Watermark)), None)
            ingest = make()
            if last is not None:
                ingest.resume(last, last.resume_offset, len(log), counted_otherwise=False)
    while ingest.position < len(log) and (rest := log[ingest.position :]):
        before = ingest.position
        told += ingest.process(records(rest, before)).messages
        if ingest.position == before:
            break
    return [*told, *ingest.finish().messages], ingest.late


def taken(messages):
    """What detect takes: the first of its place, and nothing of a pane that its source has closed."""
    known, panes = MIN_TIME, {}
    for message in messages:
        if isinstance(message, Watermark):
            known = max(known, message.time)
        elif isinstance(message, PartialPane) and message.end > known:
            panes.setdefault(
                message.start, (message.events, message.first_offset, message.incomplete, message.counts.tobytes())
            )
    return panes


@given(TIMES, STEPS)
def test_losses_change_no_pane_and_no_late_count(log, steps):
    steps = [step for step in steps if step[1] != "idle"]
    disturbed, undisturbed = run(log, steps, losing=True), run(log, steps, losing=False)
    assert taken(disturbed[0]) == taken(undisturbed[0])
    assert disturbed[1] == undisturbed[1]


@given(TIMES, STEPS)
def test_after_idle_decisions_no_pane_that_was_told_changes(log, steps):
    told: list = []
    messages, _ = run(log, steps, losing=True)
    for message in messages:
        if isinstance(message, Watermark) and message.time != END_OF_TIME:
            before = taken(told)
            assert {start: pane for start, pane in taken(messages).items() if start in before} == before
        told.append(message)


def test_the_pane_in_which_other_counting_begins_is_incomplete():
    for otherwise in (False, True):
        ingest = make()
        ingest.resume(Watermark(ingest.source, 90_000, 4, 3, 2), 3, 10, counted_otherwise=otherwise)
        (pane,) = [m for m in ingest.process(records([91_000, 400_000], 3)).messages if isinstance(m, PartialPane)]
        assert (pane.start, pane.incomplete, ingest.late) == (MINUTE, otherwise, 2)


def test_a_gap_marks_what_is_open_on_both_sides_of_it_incomplete():
    ingest = make()
    ingest.process(records([MINUTE + 1, 2 * MINUTE + 1], 0))
    ingest.move_to(50, cut=True)
    told = ingest.process(records([3 * MINUTE + 1, 4 * MINUTE + 1, 9 * MINUTE], 50)).messages
    panes = [(m.start // MINUTE, m.incomplete) for m in told if isinstance(m, PartialPane)]
    assert panes == [(1, True), (2, True), (3, True), (4, False)]
