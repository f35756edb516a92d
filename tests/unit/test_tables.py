"""Files become rows with times and values, and what can't be read is one error that names the place and the fix."""

from __future__ import annotations

import gzip
from datetime import date
from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftgauge.cli.table_replay import WatchedTables
from driftgauge.errors import InputError
from driftgauge.sources.canonical import canonical_events, record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import open_tables


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def events_of(path, columns=None, kinds=None, *, sort=False):
    columns = columns or Columns()
    return [
        orjson.loads(event.replace(b"1e999", b'"inf"'))
        for table in open_tables([path], columns, kinds=kinds, sort=sort)
        for chunk in table.chunks()
        for event in canonical_events(chunk, columns, model_id="m", model_version="1")[0]
    ]


def features_of(path, columns=None, kinds=None):
    return [event["features"] for event in events_of(path, columns, kinds)]


def test_csv_cells_take_their_columns_kind_and_what_does_not_fit_stays_text(write):
    path = write("a.csv", "age,job,zip,ok\n30,clerk,01234,true\n,,1,false\n4.5,7,2,\n")
    assert features_of(path) == [
        {"age": 30, "job": "clerk", "zip": "01234", "ok": True},
        {"age": None, "job": None, "zip": "1", "ok": False},
        {"age": 4.5, "job": "7", "zip": "2", "ok": None},
    ]
    kinds = {"age": "numeric", "job": "numeric", "zip": "integer", "ok": "string"}
    assert features_of(path, kinds=kinds)[0] == {"age": 30, "job": "clerk", "zip": 1234, "ok": "true"}


def test_semicolons_a_byte_order_mark_quotes_and_gzip_are_read(write):
    text = '\ufeff"a;x";b\n"1\n2";"say ""hi"""\n'
    expected = [{"a;x": "1\n2", "b": 'say "hi"'}]
    assert features_of(write("a.csv", text)) == expected
    assert features_of(write("a.csv.gz", gzip.compress(text.encode()))) == expected


def test_parquet_keeps_its_types(tmp_path):
    path = parquet(
        tmp_path / "a.parquet",
        day=[date(2026, 3, 15)],
        at=pa.array([1_773_568_980 * 10**9], pa.timestamp("ns")),
        amount=[Decimal("12.50")],
        share=pa.array([0.1], pa.float32()),
        count=[3],
        text=pa.array(["7"]).dictionary_encode(),
        empty=[None],
        nan=[float("nan")],
    )
    assert features_of(path) == [
        {"day": "2026-03-15", "at": "2026-03-15T10:03:00", "amount": 12.5, "share": 0.1, "count": 3, "text": "7",
         "empty": None, "nan": None}
    ]  # fmt: skip


def test_jsonl_reads_tokens_that_are_no_json(write):
    path = write("a.jsonl", '{"a": NaN, "b": Infinity, "c": "x\\ud800", "d": 1}\n\n{"a": 1, "d": true}\n')
    assert features_of(path) == [
        {"a": None, "b": "inf", "c": "x?", "d": 1},
        {"a": 1, "b": None, "c": None, "d": True},
    ]


def test_infinity_survives_as_a_number_no_double_can_hold(tmp_path):
    columns = Columns()
    (table,) = open_tables([parquet(tmp_path / "a.parquet", a=[float("inf"), float("-inf"), 1.0])], columns, kinds={})
    (chunk,) = table.chunks()
    events, _ = canonical_events(chunk, columns, model_id="m", model_version="1")
    assert b'"a":1e999' in events[0]
    assert b'"a":-1e999' in events[1]


def test_an_event_has_its_envelope_from_the_named_columns(write):
    path = write("a.csv", "t,x,p,s,y,id,where\n2026-03-15T10:03:00.5Z,1,yes,0.9,no,17,north\n")
    columns = Columns(timestamp="t", prediction="p", score="s", actual="y", id="id", segment="where")
    assert events_of(path, columns) == [
        {
            "event_type": "prediction",
            "prediction_id": "17",
            "timestamp": "2026-03-15T10:03:00.500Z",
            "model_id": "m",
            "model_version": "1",
            "features": {"x": 1},
            "prediction": {"label": "yes", "score": 0.9},
            "actual": "no",
            "tags": {"where": "north"},
        }
    ]
    assert events_of(path, Columns(score="s", exclude=("p",)))[0]["prediction"] == {"score": 0.9}
    assert events_of(path, Columns(prediction="p"))[0]["prediction"] == "yes"
    assert events_of(path)[0]["event_type"] == "features"


def test_rows_without_a_time_column_are_spaced_evenly(write):
    path = write("a.csv", "x\n1\n2\n")
    times = [e["timestamp"] for e in events_of(path, Columns(start=1_773_568_980_000, interval=60_000))]
    assert times == ["2026-03-15T10:03:00.000Z", "2026-03-15T10:04:00.000Z"]


def test_files_of_events_pass_byte_by_byte_broken_lines_included(write):
    lines = [b'{"event_type":"prediction", "features": {"x": NaN}}', b"not json", b'{"features":{}}']
    (table,) = open_tables([write("e.jsonl", b"\n".join(lines) + b"\n")], Columns(), kinds={})
    (batch,) = record_batches(table, Columns(), model_id="m", model_version="1")
    assert list(batch.values) == lines
    assert list(batch.offsets) == [0, 1, 2]
    assert str(batch.source) == "e.jsonl:0"


def test_sorting_puts_rows_and_events_by_time_and_keeps_ties(write):
    path = write("a.csv", "t,x\n3,a\n1,b\n1,c\n")
    assert [e["features"]["x"] for e in events_of(path, Columns(timestamp="t"), sort=True)] == ["b", "c", "a"]
    lines = b'{"event_type":"features","ts":9,"features":{}}\n{"event_type":"features","ts":5,"features":{}}\n'
    assert [e["ts"] for e in events_of(write("e.jsonl", lines), sort=True)] == [5, 9]


def test_of_a_sorted_file_that_is_done_which_was_taken(write):
    path = write("a.csv", "t,x\n" + "".join(f"{i},a\n" for i in range(25_000, 0, -1)))
    (table,) = open_tables([path], Columns(timestamp="t"), kinds={}, sort=True)
    chunks = list(table.chunks())
    assert [(chunk.first_row, len(chunk), chunk.done) for chunk in chunks] == [
        (0, 10_000, 0.4),
        (10_000, 10_000, 0.8),
        (20_000, 5_000, 1.0),
    ]
    assert [int(t) for chunk in chunks for t in chunk.timestamps] == [1000 * i for i in range(1, 25_001)]
    watched = WatchedTables([table, table])
    done = [watched.done for one in watched.tables for _ in one.chunks()]
    assert done == pytest.approx([0.2, 0.4, 0.5, 0.7, 0.9, 1.0])


def test_folders_and_globs_are_read_by_name_and_hidden_files_left_out(write, tmp_path):
    for name in ("d/b.csv", "d/a.csv", "d/sub/c.csv", "d/_SUCCESS", "d/.x.csv", "d/notes.txt"):
        write(name, "x\n1\n")
    names = [t.name for t in open_tables([tmp_path / "d"], Columns(), kinds={})]
    assert names == ["a.csv", "b.csv", "c.csv"]
    assert [t.name for t in open_tables([str(tmp_path / "d" / "*.csv")], Columns(), kinds={})] == ["a.csv", "b.csv"]


def test_batches_have_the_asked_size_and_offsets_are_row_numbers(write):
    (table,) = open_tables([write("a.csv", "x\n" + "1\n" * 7)], Columns(), kinds={})
    batches = list(record_batches(table, Columns(), model_id="m", model_version="1", size=3))
    assert [list(b.offsets) for b in batches] == [[0, 1, 2], [3, 4, 5], [6]]


TIME = Columns(timestamp="t")


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("a.csv", "", Columns(), "a.csv: is empty"),
        ("a.csv", "x,y\n", Columns(), "a.csv: has no rows"),
        ("a.csv", "x,x\n1,2\n", Columns(), "names 'x' twice"),
        ("a.csv", "x,y\n1,2\n3\n", Columns(), "line 3 has 1 cell, the header has 2"),
        ("a.csv", b"x\n\xff\xfe\n", Columns(), "not UTF-8"),
        ("a.csv", "income,age\n1,2\n", Columns(prediction="incme"), "did you mean 'income'? Its columns: income, age"),
        ("a.csv", "x\n1\n", Columns(prediction="x"), "no feature column is left"),
        ("a.csv", "t,x\n2026-01-01,1\nyesterday,2\n", TIME, "a.csv: row 2: 'yesterday' is no time"),
        ("a.csv", "t,x\n2026-01-01,1\n,2\n", TIME, "a.csv: row 2: the time is empty"),
        (
            "a.csv",
            "t,x\n20,1\n10,2\n",
            TIME,
            "row 2 (1970-01-01T00:00:10Z) is earlier than row 1 (1970-01-01T00:00:20Z)",
        ),
        ("a.csv", "t,x\n20,1\n10,2\n", TIME, "--sort"),
        ("a.parquet", b"PAR1nonsense", Columns(), "can't be read as Parquet"),
        ("a.xlsx", b"PK\x03\x04", Columns(), "is no table that can be read"),
        ("a.json", "[1]", Columns(), "one object a line"),
        ("a.jsonl", "{\n", Columns(), "line 1 is no JSON"),
        ("a.jsonl", "[1]\n", Columns(), "line 1 is no JSON object"),
        ("a.jsonl", '{"a": 1}\n{"a": {"b": 1}}\n', Columns(), "line 2: column 'a' holds nested values"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(write, name, content, columns, message):
    with pytest.raises(InputError) as caught:
        events_of(write(name, content), columns)
    assert message in str(caught.value)


def test_parquet_of_many_columns_comes_in_fewer_rows_at_a_time(tmp_path):
    rows, width = 1500, 2000
    wide = parquet(tmp_path / "a.parquet", **{f"f{i}": np.full(rows, float(i)) for i in range(width)})
    (table,) = open_tables([wide], Columns(), kinds={})
    chunks = list(table.chunks())
    assert all(len(chunk) * width <= 1 << 20 for chunk in chunks)
    assert [chunk.first_row for chunk in chunks] == [0, 524, 1048]
    assert all(chunk.columns[f"f{i}"] == [i] * len(chunk) for chunk in chunks for i in range(width))
    (few,) = open_tables([parquet(tmp_path / "b.parquet", x=np.arange(10_000.0))], Columns(), kinds={})
    assert [len(chunk) for chunk in few.chunks()] == [8192, 1808]


def test_nested_parquet_and_absent_files_are_refused_by_name(tmp_path):
    path = parquet(tmp_path / "a.parquet", tags=[[1, 2]], x=[1])
    with pytest.raises(InputError, match=r"a.parquet: column 'tags'.*--exclude tags"):
        events_of(path)
    assert features_of(path, Columns(exclude=("tags",))) == [{"x": 1}]
    with pytest.raises(InputError, match="no such file"):
        open_tables([tmp_path / "none.csv"], Columns(), kinds={})
    with pytest.raises(InputError, match="no file matches"):
        open_tables([tmp_path / "*.csv"], Columns(), kinds={})
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="holds no table"):
        open_tables([tmp_path / "void"], Columns(), kinds={})
