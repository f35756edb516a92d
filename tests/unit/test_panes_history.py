"""The last watermark that all panes partitions have, found by reading backwards."""

from __future__ import annotations

from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import END_OF_TIME, Sources, Watermark
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime import panes_history
from driftgauge.runtime.panes_history import PanesHistory

A, B = Source("in", 0), Source("in", 1)
P, Q = Source("panes", 0), Source("panes", 1)


def mark(source: Source, time: int, resume: int = 0) -> Watermark:
    return Watermark(source, time, resume + 5, resume, 0)


class Reader:
    """Logs by partition, their first offsets, and what was read of them."""

    def __init__(self, **logs: list) -> None:
        self.logs = {Source("panes", i): [encode_message(m, {}) for m in log] for i, log in enumerate(logs.values())}
        self.first: dict[Source, int] = {}
        self.at: dict[Source, int] = {}
        self.read = 0

    def assign(self, source):
        self.reading = source

    def seek(self, source, position):
        self.at[source] = position

    def poll(self, timeout_ms):
        start = self.at[self.reading]
        values = self.logs[self.reading][start : start + 3]
        self.at[self.reading] += len(values)
        self.read += len(values)
        return [RecordBatch(self.reading, range(start, start + len(values)), [0] * len(values), values)]

    def position(self, source):
        return self.at[source]

    def first_offset(self, source):
        return self.first.get(source, 0)

    def end_offsets(self, sources):
        return {source: len(self.logs[source]) for source in sources}

    def close(self):
        pass


def history(reader: Reader) -> PanesHistory:
    return PanesHistory(lambda: reader, list(reader.logs))


def test_the_last_one_counts_that_all_partitions_have():
    reader = Reader(p=[mark(A, 10), mark(A, 20, 2), mark(B, 90)], q=[mark(A, 10), mark(B, 90)])
    assert history(reader).last_watermark(A) == mark(A, 10)
    assert history(reader).last_watermark(B) == mark(B, 90)


def test_a_partition_that_has_none_may_lack_panes_too():
    assert history(Reader(p=[mark(A, 10)], q=[Sources((A,))])).last_watermark(A) is None
    assert history(Reader(p=[], q=[])).last_watermark(A) is None


def test_what_is_read_again_counts_as_it_was_told_last():
    reader = Reader(p=[mark(A, 10), mark(A, 20), mark(A, 10, 3)])
    assert history(reader).last_watermark(A) == mark(A, 10, 3)


def test_the_end_of_a_file_is_no_place_to_go_on_from():
    assert history(Reader(p=[mark(A, 10), mark(A, END_OF_TIME)])).last_watermark(A) is None


def test_no_more_is_read_than_need_be_and_nothing_twice(monkeypatch):
    monkeypatch.setattr(panes_history, "_FIRST_LOOK", 10)
    reader = Reader(p=[mark(B, 1), *(mark(A, i) for i in range(1000))])
    looked = history(reader)
    assert looked.last_watermark(A).time == 999
    assert reader.read <= 12
    assert looked.last_watermark(B).time == 1
    assert reader.read <= 1010
    reader.first[P] = 5
    assert looked.last_watermark(Source("in", 9)) is None
    assert reader.read <= 1010
    reader.logs[P].append(encode_message(mark(A, 5000), {}))
    assert looked.last_watermark(A).time == 5000
