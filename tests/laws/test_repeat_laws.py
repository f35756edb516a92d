"""Laws of the rows that are looked at for repeats: neither batches, nor restarts, nor partitions change them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import PartialPane, Sources
from driftgauge.panes.sample import RowSample, sample_of, sample_record
from driftgauge.profiles.repeats import ROWS
from driftgauge.records import Source
from repeating import MINUTE, event, ingest, records, repeating_model, taken

MODEL = repeating_model()
# Few values and times, so that whole rows are equal too.
rows = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda second: second * 5000),
        st.sampled_from([0.5, -0.0, 1.5, None, "x"]),
        st.text("ab", max_size=3),
    ),
    min_size=1,
    max_size=300,
)
cuts = st.lists(st.integers(1, 90), max_size=8)


def events(log):
    return [event(time, amount=amount, client=client, age=1.0) for time, amount, client in log]


def in_time(log):
    return sorted(log, key=lambda row: row[0])


def content(messages):
    return [(m.start, m.sample.keys.tolist(), m.sample.ids.tolist()) for m in messages if isinstance(m, PartialPane)]


@given(rows, cuts)
@settings(max_examples=40)
def test_batches_and_restarts_change_nothing(log, sizes):
    values = events(in_time(log))
    expected = content(taken(ingest(MODEL), values))
    assert content(taken(ingest(MODEL), values, sizes)) == expected
    of, messages, at = ingest(MODEL), [], 0
    for size in (*sizes, len(values)):
        messages += of.process(records(values[at : at + size], at)).messages
        resumed = ingest(MODEL)
        restore(resumed, snapshot(of))
        of, at = resumed, at + size
    assert content([*messages, *of.finish().messages]) == expected


@given(rows, st.data())
@settings(max_examples=40)
def test_partitions_and_the_order_of_arrival_change_nothing(log, data):
    """The pane merged from any number of partitions is that of one that had all events."""
    parts = [[] for _ in range(3)]
    for row in log:
        parts[data.draw(st.integers(0, 2))].append(row)
    sources = tuple(Source("ml.predictions", i) for i in range(3))
    messages = []
    for source, part in zip(sources, parts, strict=True):
        messages += (
            taken(ingest(MODEL, source), events(in_time(part))) if part else ingest(MODEL, source).finish().messages
        )
    merge = PaneMerge(sources=sources)
    merge.take(Sources(sources))
    for message in data.draw(st.permutations([m for m in messages if isinstance(m, PartialPane)])):
        merge.take(message)
    merged = [(p.start, p.sample.keys.tolist(), p.sample.ids.tolist()) for _, p in sorted(merge.open.items())]
    assert merged == content(taken(ingest(MODEL), events(in_time(log))))


samples = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=150)


def sample(part):
    table = np.array(part, np.uint32).reshape(-1, 3).T
    return RowSample.lowest(("amount", "client"), table[0], table[1:])


@given(samples, samples, samples)
def test_merging_is_union_in_any_order_and_grouping(a, b, c):
    whole = sample(a + b + c)
    for merged in (
        sample(a).merged(sample(b)).merged(sample(c)),
        sample(c).merged(sample(a).merged(sample(b))),
        sample(b).merged(sample(c)).merged(sample(a)),
    ):
        assert np.array_equal(merged.keys, whole.keys)
        assert np.array_equal(merged.ids, whole.ids)
    assert len(whole.keys) == min(ROWS, len(a + b + c))
    back = sample_of(sample_record(whole), MODEL.layout, len(whole.keys))
    assert np.array_equal(back.ids, whole.ids)


@given(st.integers(60, 200), st.integers(1, 10**9))
@settings(max_examples=30)
def test_equal_rows_of_one_pane_are_drawn_together_or_not_at_all_but_for_the_last(count, seed):
    """So that a row that is delivered twice shows, whatever partition brings it the second time."""
    rng = np.random.default_rng(seed)
    values = [event(int(t), amount=float(t), client="a") for t in np.sort(rng.integers(0, MINUTE, count)).repeat(2)]
    [pane] = [m for m in taken(ingest(MODEL), values) if isinstance(m, PartialPane)]
    _, times = np.unique(pane.sample.keys, return_counts=True)
    assert (times[:-1] % 2 == 0).all()
