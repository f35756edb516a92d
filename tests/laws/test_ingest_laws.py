"""Laws of ingest and merge: batches, restarts and the interleaving of sources change nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders import DAY_SPREAD, MINUTE, records, small_ingest
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import PartialPane, Sources, Watermark
from driftgauge.records import Source

times = st.lists(
    st.one_of(st.integers(0, 20 * MINUTE), st.integers(0, DAY_SPREAD), st.just("x")), min_size=1, max_size=80
)
cuts = st.lists(st.integers(1, 30), max_size=10)


def run(log, sizes, *, restart=False, source=None):
    """The partials and rejected offsets of a log, cut into batches of the given sizes."""
    make = (
        (lambda: small_ingest(out_of_orderness=5_000))
        if source is None
        else (lambda: small_ingest(source, out_of_orderness=5_000))
    )
    ingest = make()
    messages, refused, at = [], {}, 0
    sizes = [*sizes, len(log)]
    while at < len(log):
        size = sizes.pop(0) if sizes else len(log)
        batch = records(log[at : at + size], at) if source is None else records(log[at : at + size], at, source)
        done = ingest.process(batch)
        messages += done.messages
        refused |= {where.offsets[r.row]: r.code for where, r in done.rejects}
        at += size
        if restart:
            fresh = make()
            restore(fresh, snapshot(ingest))
            ingest, at = fresh, fresh.position
            if not sizes:
                restart = False
    done = ingest.finish()
    refused |= {where.offsets[r.row]: r.code for where, r in done.rejects}
    return [*messages, *done.messages], refused, ingest.late


def content(messages):
    return [
        (p.start, p.events, p.first_offset, p.last_offset, p.incomplete, p.counts.tobytes())
        for p in messages
        if isinstance(p, PartialPane)
    ]


@given(times, cuts)
def test_batch_sizes_change_nothing(log, sizes):
    whole, cut = run(log, []), run(log, sizes)
    assert content(whole[0]) == content(cut[0])
    assert whole[1:] == cut[1:]


@given(times, cuts)
def test_restarts_between_batches_change_nothing(log, sizes):
    whole, cut = run(log, []), run(log, sizes, restart=True)
    assert content(whole[0]) == content(cut[0])
    assert whole[1:] == cut[1:]


@given(times)
def test_every_record_is_counted_late_or_rejected_exactly_once(log):
    messages, refused, late = run(log, [])
    events = sum(p.events for p in messages if isinstance(p, PartialPane))
    assert events + late + len(refused) == len(log)


@given(times)
def test_no_partial_follows_the_watermark_that_closes_it(log):
    messages, _, _ = run(log, [3, 3, 3, 3])
    passed = None
    for message in messages:
        if isinstance(message, Watermark):
            assert passed is None or message.time >= passed
            passed = message.time
        elif passed is not None:
            assert message.end > passed


@given(times, times, st.randoms(use_true_random=False))
def test_the_interleaving_of_sources_and_repeated_messages_change_no_pane(first, second, chance):
    a, b = Source("ml.predictions", 0), Source("ml.predictions", 1)
    logs = [run(first, [5, 5], source=a)[0], run(second, [7], source=b)[0]]

    def merged(order, repeat):
        merge, closed = PaneMerge(sources=(a, b)), []
        queues = [list(log) for log in logs]
        while any(queues):
            queue = queues[order(queues)]
            merge.take(queue[0])
            for _ in range(repeat):
                merge.take(queue[0])
            queue.pop(0)
            for panes in merge.close().values():
                closed += [(p.start, p.events, p.counts.tobytes(), sorted(p.offsets.items())) for p in panes]
        assert not merge.open
        return closed

    def pick(queues):
        return chance.choice([i for i, q in enumerate(queues) if q])

    straight = merged(lambda queues: 0 if queues[0] else 1, 0)
    assert merged(pick, 0) == straight
    assert merged(pick, 1) == straight
    assert [s for s, *_ in straight] == sorted(s for s, *_ in straight)


@given(times, times, st.randoms(use_true_random=False), st.integers(1, 40))
def test_when_panes_are_closed_changes_nothing_even_where_a_source_begins_to_gate_late(first, second, chance, size):
    """The group gives an added partition to a worker before it is announced that panes wait for it."""
    early, added = Source("ml.predictions", 0), Source("ml.predictions", 1)
    logs = [run(first, [5, 5], source=early)[0], [*run(second, [7], source=added)[0], Sources((early, added))]]
    log = [Sources((early,))]
    while any(logs):
        log.append(chance.choice([log for log in logs if log]).pop(0))

    def closed(batch):
        merge, found = PaneMerge(), []

        def close():
            for panes in merge.close().values():
                found.extend((p.start, p.events, p.counts.tobytes(), sorted(p.offsets.items())) for p in panes)

        for at, message in enumerate(log):
            if at % batch == 0 or isinstance(message, Sources):
                close()
            merge.take(message)
        close()
        return found, merge.duplicates

    assert closed(size) == closed(1)


def test_nothing_closes_before_the_gating_sources_are_known():
    merge = PaneMerge()
    messages, _, _ = run([0, 5 * MINUTE], [])
    for message in messages:
        merge.take(message)
    assert merge.close() == {}
    merge.take(Sources((Source("ml.predictions", 0),)))
    assert [len(p) for p in merge.close().values()] == [2]
