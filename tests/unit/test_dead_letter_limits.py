"""Limits on records that are no events: the same record stops the worker, whatever batches and restarts there are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import SOURCE, records, small_ingest, small_profile
from driftgauge.decode.columns import RejectCode
from driftgauge.errors import DeadLetterLimitError, StateError
from driftgauge.profiles.layout import Layout
from driftgauge.runtime.dead_letter_limits import Limits, RejectCounts
from driftgauge.runtime.tasks import IngestTask, PanesTopics

BAD = RejectCode.MALFORMED_JSON


def stop(bad: list[bool], cuts: list[int], limits: Limits, *, restarts: bool = False) -> tuple[int, str] | None:
    """Start of the batch that stops the worker, and why; None if none does."""
    counts = RejectCounts(SOURCE, limits)
    edges = sorted({0, len(bad), *(cut % (len(bad) + 1) for cut in cuts)})
    for first, end in pairwise(edges):
        try:
            counts.take(range(first, end), [(i, BAD) for i in range(first, end) if bad[i]])
        except DeadLetterLimitError as error:
            return first, str(error)
        if restarts:
            saved, counts = counts.dump(), RejectCounts(SOURCE, limits)
            if saved is not None:
                counts.load(saved)
    return None


def limit_reached_at(bad: list[bool], limits: Limits) -> int | None:
    run = 0
    for i, one in enumerate(bad):
        run = run + 1 if one else 0
        block = bad[i // limits.among * limits.among : i + 1]
        if run >= limits.consecutive > 0 or (limits.ratio and sum(block) > limits.ratio * limits.among):
            return i
    return None


@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
    st.integers(0, 6),
    st.sampled_from([0.0, 0.3, 0.6]),
    st.booleans(),
)
def test_the_batch_that_holds_the_record_too_much_is_the_one_that_stops(bad, cuts, consecutive, ratio, restarts):
    limits = Limits(consecutive, ratio, 10)
    found, wanted = stop(bad, cuts, limits, restarts=restarts), limit_reached_at(bad, limits)
    if wanted is None:
        assert found is None
    else:
        edges = sorted({0, *(cut % (len(bad) + 1) for cut in cuts)})
        assert found is not None
        assert found[0] == max(edge for edge in edges if edge <= wanted)


def test_the_error_names_partition_offsets_reasons_and_both_ways_out():
    counts = RejectCounts(SOURCE, Limits(4, 0.0, 100))
    counts.take([10, 11, 12], [(11, RejectCode.NO_MODEL_ID), (12, BAD)])
    with pytest.raises(DeadLetterLimitError) as caught:
        counts.take([13, 14, 15], [(13, BAD), (14, BAD)])
    message = str(caught.value)
    assert message.startswith(
        "ml.predictions:0: 4 records in a row are no events, offsets 11 to 14 (limits.dead_letters.consecutive): "
        "malformed_json (3), no_model_id (1); look at offset 14"
    )
    assert "mend the producer" in message
    assert "DRIFTGAUGE_LIMITS__DEAD_LETTERS__CONSECUTIVE=0" in message


def test_damaged_counts_are_refused():
    with pytest.raises(StateError, match=r"dead letters of ml.predictions:0"):
        RejectCounts(SOURCE, Limits(1, 0, 1)).load(b'{"run": -1}')


def task(limits: Limits) -> IngestTask:
    layout = Layout.of(small_profile())
    topics = PanesTopics("panes", 1, "dead", {layout.profile_hash: layout}, 1000, limits)
    return IngestTask(small_ingest(), topics, gating=True)


def test_a_restart_without_a_cure_stops_at_the_same_batch_and_a_cure_goes_on():
    limits = Limits(5, 0.0, 100)
    first = task(limits)
    assert len(first.process(records([1000, "x", "x", "x"]))) > 0
    saved, _ = first.changes()
    assert first.position == 4
    bad = records(["x", "x", 2000], 4)
    with pytest.raises(DeadLetterLimitError):
        first.process(bad)
    again = task(limits)
    again.restore(saved)
    assert again.position == 4
    with pytest.raises(DeadLetterLimitError):
        again.process(bad)
    cured = task(Limits(0, 0.0, 100))
    cured.restore(saved)
    assert [p.topic for p in cured.process(bad)][:2] == ["dead", "dead"]
    fields, gone = cured.changes()
    assert cured.position == 7
    assert "dead_letters" in fields or "dead_letters" in gone


@given(
    st.lists(st.sampled_from([None, RejectCode.MALFORMED_JSON, RejectCode.TOO_LARGE]), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_what_is_remembered_follows_from_the_log_whatever_the_batches(codes, cuts):
    def remembered(edges: list[int]) -> bytes | None:
        counts = RejectCounts(SOURCE, Limits(0, 0.0, 10))
        for first, end in pairwise(edges):
            counts.take(range(first, end), [(i, codes[i]) for i in range(first, end) if codes[i] is not None])
        return counts.dump()

    assert remembered(sorted({0, len(codes), *(cut % (len(codes) + 1) for cut in cuts)})) == remembered([0, len(codes)])
