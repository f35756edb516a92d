"""The order of a panes log: what workers write, whatever they repeat, is one; if merging loses a pane, it is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.panes.log_order import LogOrder
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from driftgauge.subject import Subject

LENGTH = 10
SUBJECTS = (Subject("m", "1"), Subject("m", "1", "DE"), Subject("n", "2"))


def pane(subject: Subject, index: int, source: Source) -> PartialPane:
    counts = np.ones(1, np.int64)
    return PartialPane(subject, "sha256:" + "0" * 64, index * LENGTH, LENGTH, source, counts, 1, 0, 1)


@st.composite
def written(draw: st.DrawFn, source: Source) -> list[list[Message]]:
    """What a source publishes at a time: some panes, then the watermark that passes them. Many are empty."""
    ends = sorted(draw(st.sets(st.integers(1, 20_000), max_size=6)))
    groups: list[list[Message]] = []
    for first, end in pairwise([0, *ends]):
        indices = sorted(draw(st.sets(st.integers(first, end - 1), max_size=4)))
        panes = [pane(subject, i, source) for i in indices for subject in SUBJECTS if draw(st.booleans())]
        groups.append([*panes, Watermark(source, end * LENGTH + draw(st.integers(0, LENGTH - 1)), 1, 1, 0)])
    return [*groups, [Watermark(source, END_OF_TIME, 1, 1, 0)]]


@st.composite
def with_repeats(draw: st.DrawFn, groups: list[list[Message]]) -> list[Message]:
    """As published by workers that end somewhere, and begin anew at a checkpoint of before."""
    out: list[Message] = []
    done = 0
    for _ in range(draw(st.integers(0, 3))):
        until = draw(st.integers(done, len(groups)))
        flat = [message for group in groups[done:until] for message in group]
        out += flat[: draw(st.integers(0, len(flat)))] if draw(st.booleans()) else flat
        done = draw(st.integers(0, done))
    return [*out, *(message for group in groups[done:] for message in group)]


@st.composite
def logs(draw: st.DrawFn) -> list[Message]:
    """Of one to three sources, in any interleaving."""
    sources = tuple(Source("t", i) for i in range(draw(st.integers(1, 3))))
    left = [draw(with_repeats(draw(written(source)))) for source in sources]
    log: list[Message] = [Sources(sources)]
    while any(left):
        turn = draw(st.sampled_from([messages for messages in left if messages]))
        log.append(turn.pop(0))
    return log


def order_of(log: list[Message]) -> LogOrder:
    order = LogOrder()
    for number, message in enumerate(log):
        order.take(number, message)
    return order


@given(logs())
def test_whatever_workers_repeat_it_is_a_log(log: list[Message]) -> None:
    order = order_of(log)
    assert (order.first, order.late.total(), order.broken) == (None, 0, False)


@given(logs().flatmap(st.permutations))
def test_in_another_order_no_pane_is_lost_unnoticed(messages: list[Message]) -> None:
    gating = next(message for message in messages if isinstance(message, Sources))
    disordered = [gating, *(message for message in messages if message is not gating)]
    merge, panes, closed = PaneMerge(), set(), 0
    for message in disordered:
        if isinstance(message, PartialPane):
            panes.add((message.source, message.subject, message.start))
        merge.take(message)
        closed += sum(len(pane.offsets) for of in merge.close().values() for pane in of)
    assert not merge.open
    assert (order_of(disordered).late.total() > 0) == (closed < len(panes))
