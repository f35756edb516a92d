"""Laws of counting by segments: nothing is lost between the whole and its parts, and no batch or order shows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders import MINUTE, SUBJECT, small_profile
from driftgauge.decode.columns import Decoded, EventColumns
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.ingest.source import SourceIngest, SubjectPlan
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import PartialPane
from driftgauge.profiles.layout import Layout
from driftgauge.records import RecordBatch, Source

NAMES = ("de", "fr", "it")
A, B = Source("ml.predictions", 0), Source("ml.predictions", 1)
# Time, segment (-1: none of them), income, job, and which parts of the event are there.
EVENTS = st.tuples(
    st.integers(0, 12 * MINUTE) | st.integers(0, 300 * MINUTE),
    st.integers(-1, len(NAMES) - 1),
    st.sampled_from([0.5, 1.5, 9.0, -1.0, float("nan"), float("inf")]),
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
)
LOGS = st.lists(EVENTS, min_size=1, max_size=60)
CUTS = st.lists(st.integers(1, 25), max_size=8)
LAYOUT = Layout.of(small_profile())
PARTS = [SUBJECT._replace(segment=name) for name in NAMES]


class TupleDecoder:
    """Takes the events from a list: a record's value is the position there."""

    def __init__(self, log, *, segmented: bool) -> None:
        self._log, self._segmented = log, segmented

    def decode(self, batch: RecordBatch) -> Decoded:
        found = [self._log[int(value or 0)] for value in batch.values]
        times, segments, income, job, features, prediction = (np.array(part) for part in zip(*found, strict=True))
        columns = [income.astype(np.float64), job.astype(np.int64), job.astype(np.int64)]
        codes = segments.astype(np.int64) if self._segmented else None
        events = EventColumns(SUBJECT, np.arange(len(found)), columns, features, prediction, segments=codes)
        return Decoded(times.astype(np.int64), np.ones(len(found), bool), [], [events], {})


def ingest_of(log, source=A, *, segmented=True):
    plans = {SUBJECT: SubjectPlan(LAYOUT, MINUTE, segments=PARTS if segmented else ())}
    if segmented:
        plans |= {part: SubjectPlan(LAYOUT, MINUTE) for part in PARTS}
    return SourceIngest(source, TupleDecoder(log, segmented=segmented), plans, out_of_orderness=5_000)


def run(log, sizes=(), source=A, *, segmented=True, restart=False):
    """What a log gives, cut into batches: its messages, and how many events were of no segment or late."""
    ingest = ingest_of(log, source, segmented=segmented)
    messages, outside, at = [], 0, 0
    sizes = [*sizes, len(log)]
    while at < len(log):
        size = sizes.pop(0) if sizes else len(log)
        values = [str(i).encode() for i in range(at, min(at + size, len(log)))]
        done = ingest.process(RecordBatch(source, range(at, at + len(values)), [0] * len(values), values))
        messages, outside, at = messages + done.messages, outside + done.outside_segments, at + len(values)
        if restart and ingest.position == at:
            fresh = ingest_of(log, source)
            restore(fresh, snapshot(ingest))
            ingest = fresh
    return [*messages, *ingest.finish().messages], outside, ingest.late


def panes(messages):
    return {
        (m.subject.segment, m.start): (m.counts.tolist(), m.events, m.first_offset, m.last_offset)
        for m in messages
        if isinstance(m, PartialPane)
    }


@given(LOGS, CUTS)
def test_the_whole_is_what_it_is_without_segments(log, sizes):
    plain, _, late = run(log, sizes, segmented=False)
    beside, _, late_beside = run(log, sizes)
    assert {key: pane for key, pane in panes(beside).items() if not key[0]} == panes(plain)
    assert late == late_beside


@given(LOGS)
def test_the_segments_and_the_rest_add_up_to_the_whole(log):
    log.sort(key=lambda event: event[0])  # So that none is late.
    messages, outside, _ = run(log)
    found = panes(messages)
    others = [event for event in log if event[1] < 0]
    rest = panes(run(others, segmented=False)[0]) if others else {}
    assert outside == len(others)
    for (segment, start), (counts, events, _, _) in found.items():
        if not segment:
            parts = [found[name, start] for name in NAMES if (name, start) in found]
            parts += [rest["", start]] if ("", start) in rest else []
            assert sum(part[1] for part in parts) == events
            assert np.sum([part[0] for part in parts], axis=0).tolist() == counts


@given(LOGS, CUTS)
def test_batch_sizes_and_restarts_change_no_segments_pane(log, sizes):
    straight = run(log)
    assert panes(run(log, sizes)[0]) == panes(straight[0])
    assert run(log, sizes)[1:] == straight[1:]
    assert panes(run(log, sizes, restart=True)[0]) == panes(straight[0])


@given(LOGS, LOGS, st.randoms(use_true_random=False))
def test_the_interleaving_of_partitions_changes_no_segments_pane(first, second, chance):
    logs = [run(first, [7], A)[0], run(second, [5, 5], B)[0]]

    def merged(pick):
        merge, closed = PaneMerge(sources=(A, B)), []
        queues = [list(log) for log in logs]
        while any(queues):
            merge.take(pick([queue for queue in queues if queue]).pop(0))
            for subject, found in merge.close().items():
                closed += [(subject.segment, p.start, p.events, p.counts.tolist()) for p in found]
        assert not merge.open
        return sorted(closed)

    assert merged(chance.choice) == merged(lambda queues: queues[0])
