"""The panes topic read from the middle: what may lack a part is marked, and nothing else."""

from __future__ import annotations

import numpy as np

from driftgauge.panes.cut_log import CutLog
from driftgauge.panes.messages import Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from driftgauge.subject import Subject

A, B = Source("t", 0), Source("t", 1)


def pane(start: int, source: Source) -> PartialPane:
    counts = np.zeros(1, np.int64)
    return PartialPane(Subject("m", "1"), "sha256:" + "0" * 64, start, 10, source, counts, 1, 0, 1)


def mark(time: int, source: Source) -> Watermark:
    return Watermark(source, time, 1, 1, 0)


def incomplete(messages: list[Message]) -> list[tuple[int, Source]]:
    return [(m.start, m.source) for m in messages if isinstance(m, PartialPane) and m.incomplete]


def test_panes_that_the_first_watermark_of_any_source_has_passed_are_incomplete() -> None:
    # Of pane 0 the part of A lies before the beginning, of pane 10 both are there, but nobody can know.
    log = [pane(0, B), pane(10, A), mark(25, A), mark(12, B), pane(10, B), pane(20, A), pane(20, B), mark(31, A)]
    out = CutLog([A, B]).take(log)
    assert len(out) == len(log)
    assert incomplete(out) == [(0, B), (10, A), (10, B)]


def test_nothing_is_passed_on_before_every_source_has_spoken_and_nothing_is_lost() -> None:
    cut = CutLog([A, B])
    assert cut.take([pane(0, A), mark(10, A)]) == []
    assert cut.take([pane(10, A), mark(20, A)]) == []
    out = cut.take([mark(5, B), pane(0, B)])
    assert [(type(m).__name__, m.source) for m in out if not isinstance(m, Sources)] == [
        ("PartialPane", A),
        ("Watermark", A),
        ("PartialPane", A),
        ("Watermark", A),
        ("Watermark", B),
        ("PartialPane", B),
    ]
    assert incomplete(out) == [(0, A), (0, B)]
    assert incomplete(cut.take([pane(10, B), pane(20, A)])) == []


def test_the_log_may_tell_which_sources_gate() -> None:
    cut = CutLog([])
    assert cut.take([mark(10, A)]) == []
    assert len(cut.take([Sources((A,)), pane(0, A)])) == 3
