"""Ingest: watermarks, lateness, records far ahead, closing panes."""

from __future__ import annotations

import pytest

from builders import MINUTE, SOURCE, SUBJECT, ColumnDecoder, records, small_ingest, small_profile
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.ingest.source import SourceIngest, SubjectPlan
from driftgauge.panes.messages import END_OF_TIME, PartialPane, Watermark
from driftgauge.profiles.layout import Layout

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


def partials(messages):
    return [m for m in messages if isinstance(m, PartialPane)]


def test_a_pane_closes_when_the_watermark_passes_its_end_and_is_followed_by_the_watermark():
    ingest = small_ingest(out_of_orderness=30_000)
    assert partials(ingest.process(records([0, 10_000, 59_999])).messages) == []
    done = ingest.process(records([MINUTE + 30_000], first=3))
    pane, watermark = done.messages
    assert (pane.start, pane.events, pane.first_offset, pane.last_offset) == (0, 3, 0, 2)
    assert pane.counts.sum() == 3 * 3
    assert watermark == Watermark(SOURCE, MINUTE, next_offset=4, resume_offset=3, late=0)


def test_a_late_event_is_counted_and_not_added():
    ingest = small_ingest()
    ingest.process(records([0, 2 * MINUTE]))
    done = ingest.process(records([59_999], first=2))
    assert (done.late, ingest.late, done.events) == (1, 1, 0)


def test_an_event_within_the_bound_is_not_late_even_if_older():
    ingest = small_ingest(out_of_orderness=30_000)
    done = ingest.process(records([MINUTE + 29_999, 5]))
    assert (done.late, done.events) == (0, 2)


def test_one_record_far_ahead_is_refused_and_moves_nothing():
    ingest = small_ingest()
    done = ingest.process(records([0, 3 * DAY, 1000]))
    ((batch, reject),) = done.rejects
    assert (batch.offsets[reject.row], reject.code) == (1, "timestamp_in_future")
    assert ingest.watermark == 1000


def test_twenty_records_far_ahead_are_a_real_jump():
    ingest = small_ingest()
    ingest.process(records([0]))
    held = ingest.process(records([3 * DAY + i for i in range(19)], first=1))
    assert (held.events, held.rejects, ingest.position) == (0, [], 1)
    done = ingest.process(records([3 * DAY + 19], first=20))
    assert (done.events, done.rejects, ingest.position) == (20, [], 21)
    assert ingest.watermark == 3 * DAY + 19


def test_a_restart_while_records_are_held_reads_them_again():
    ingest = small_ingest()
    ingest.process(records([0, 3 * DAY]))
    again = small_ingest()
    restore(again, snapshot(ingest))
    assert again.position == 1
    done = again.process(records([3 * DAY, 1000], first=1))
    assert len(done.rejects) == 1


def test_the_end_of_a_source_closes_everything_and_marks_the_cut_pane():
    ingest = small_ingest()
    ingest.process(records([0, MINUTE, MINUTE + 5]))
    last, watermark = ingest.finish().messages
    assert (last.start, last.incomplete) == (MINUTE, True)
    assert watermark.time == END_OF_TIME


def test_held_records_are_refused_at_the_end():
    ingest = small_ingest()
    ingest.process(records([0, 3 * DAY]))
    assert len(ingest.finish().rejects) == 1


def test_a_source_cut_at_its_start_marks_its_first_pane_only():
    ingest = small_ingest()
    ingest.cut_start = True
    panes = partials(ingest.process(records([5, MINUTE, 2 * MINUTE])).messages)
    assert [p.incomplete for p in panes] == [True, False]
    later = partials(ingest.process(records([3 * MINUTE, 4 * MINUTE], first=3)).messages)
    assert [p.incomplete for p in later] == [False, False]


def test_an_idle_decision_closes_panes_and_later_events_of_them_are_late():
    ingest = small_ingest()
    ingest.process(records([5]))
    assert not ingest.would_close(MINUTE - 1)
    assert ingest.would_close(MINUTE)
    pane, watermark = ingest.raise_watermark(MINUTE + 10).messages
    assert (pane.end, watermark.time, watermark.idle) == (MINUTE, MINUTE + 10, True)
    assert ingest.process(records([6], first=1)).late == 1
    assert ingest.time.reached == 6


def test_rejects_do_not_move_the_watermark_but_the_position():
    ingest = small_ingest()
    done = ingest.process(records(["x", 5]))
    assert [reject.row for _, reject in done.rejects] == [0]
    assert (ingest.watermark, ingest.position) == (5, 2)


def test_state_of_another_profile_is_refused():
    ingest = small_ingest()
    ingest.process(records([5]))
    data = snapshot(ingest)
    other = small_ingest()
    layout = Layout.of(small_profile().model_copy(update={"model_version": "8"}))
    other.plans = {SUBJECT: SubjectPlan(layout, MINUTE)}
    with pytest.raises(StateError, match=r"counted with profile .*, but configured are"):
        restore(other, data)


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_damaged_state_is_refused(cut):
    ingest = small_ingest()
    ingest.process(records([5]))
    with pytest.raises(StateError):
        restore(small_ingest(), snapshot(ingest)[:cut])
    assert ingest.open[SUBJECT, 0].events == 1


@pytest.mark.parametrize("size", [1, 2, 5])
def test_only_panes_that_had_begun_before_the_first_record_are_cut_however_records_come_in_batches(size):
    layout = Layout.of(small_profile())
    plans = {SUBJECT: SubjectPlan(layout, MINUTE)}
    times = [10 * MINUTE + 5, 9 * MINUTE + 50_000, 11 * MINUTE, 12 * MINUTE, 20 * MINUTE]
    ingest = SourceIngest(SOURCE, ColumnDecoder(layout), plans, out_of_orderness=MINUTE, cut_start=True)
    closed = []
    for first in range(0, len(times), size):
        closed += partials(ingest.process(records(times[first : first + size], first)).messages)
        data = snapshot(ingest)
        ingest = SourceIngest(SOURCE, ColumnDecoder(layout), plans, out_of_orderness=MINUTE)
        restore(ingest, data)
    cut = {pane.start // MINUTE: pane.incomplete for pane in closed}
    assert cut == {9: True, 10: True, 11: False, 12: False}
