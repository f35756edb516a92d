"""Laws of profiles and tables: units, formats and chunks don't matter, and replay reads what was written."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import ColumnGatherer
from driftgauge.sources import csv_file, jsonl_file, parquet_file
from driftgauge.sources.canonical import canonical_events
from driftgauge.sources.columns import Columns
from driftgauge.sources.profile_file import profile_json, read_profile, write_profile
from driftgauge.sources.reference_file import read_reference
from driftgauge.sources.reference_kinds import Choices
from driftgauge.sources.tables import open_tables
from driftgauge.sources.times import times_of
from driftgauge.timestamps import parse_timestamp

# Texts that neither look like numbers nor like truth values, so that CSV can say their type.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=8).map(
    lambda t: "§" + t
)
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-6)
row = st.fixed_dictionaries(
    {"n": numbers | st.none(), "t": texts | st.none(), "b": st.booleans() | st.none(), "k": st.integers(0, 5)}
)
rows = st.lists(row, min_size=1, max_size=60)


def numeric(values):
    gatherer = ColumnGatherer("numeric")
    gatherer.extend(values)
    reference = Reference(["a"], np.arange(len(values), dtype=np.int64) * 1000, {"x": gatherer.column()})
    return build_profile(reference, model_id="m", model_version="1").profile


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=200))
def test_the_reference_itself_has_location_one_half(values):
    profile = numeric(values)
    layout = Layout.of(profile)
    contrasts = contrasts_of(layout, 60_000)
    evaluated = contrasts.evaluate(layout.reference[None, :])
    for series in contrasts.series:
        if series.name == "location":
            # Weights are fixed point with 24 bits.
            assert abs(evaluated.values[0, series.index] - 0.5) < 1e-6


@given(st.lists(st.integers(-1000, 1000) | st.none(), min_size=1, max_size=200).filter(any))
def test_the_unit_of_a_feature_does_not_matter(values):
    plain, scaled = numeric(values), numeric([None if v is None else v * 1000 for v in values])
    assert plain.features["x"].counts == scaled.features["x"].counts
    assert [e * 1000 for e in plain.features["x"].edges] == scaled.features["x"].edges


def write_all(table, folder):
    names = ["n", "t", "b", "k"]
    with (folder / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for r in table:
            writer.writerow(["" if r[c] is None else repr(r[c]) if isinstance(r[c], float) else r[c] for c in names])
    (folder / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in table))
    columns = {c: [r[c] for r in table] for c in names}
    columns["n"] = [None if v is None else float(v) for v in columns["n"]]
    types = {"n": pa.float64(), "t": pa.string(), "b": pa.bool_(), "k": pa.int64()}
    pq.write_table(pa.table({c: pa.array(v, types[c]) for c, v in columns.items()}), folder / "a.parquet")


def profile_of(path):
    reference, _ = read_reference([path], Columns(), Choices())
    built = build_profile(reference, model_id="m", model_version="1").profile
    span = built.reference.model_copy(update={"files": ["a"]})
    return built.model_copy(update={"reference": span})


@settings(max_examples=40)
@given(rows)
def test_the_file_format_does_not_matter(table):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all(table, folder)
        one, two, three = (profile_of(folder / f"a.{ending}") for ending in ("csv", "jsonl", "parquet"))
    assert one == two == three


@settings(max_examples=20)
@given(rows, st.sampled_from(["csv", "jsonl", "parquet"]), st.integers(1, 7))
def test_where_a_chunk_ends_does_not_matter(table, ending, size):
    def events(path):
        (opened,) = open_tables([path], Columns(), kinds=None)
        chunks = list(opened.chunks())
        found = [canonical_events(c, Columns(), model_id="m", model_version="1")[0] for c in chunks]
        return [event for part in found for event in part], np.concatenate([c.timestamps for c in chunks]).tolist()

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"a.{ending}"
        write_all(table, Path(name))
        whole = events(path)
        before = csv_file._BLOCK, jsonl_file._LINES, parquet_file._BATCH_ROWS
        try:
            csv_file._BLOCK, jsonl_file._LINES, parquet_file._BATCH_ROWS = 16 * size + 40, size, size
            assert events(path) == whole
        finally:
            csv_file._BLOCK, jsonl_file._LINES, parquet_file._BATCH_ROWS = before


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_written_profile_is_read_back_unchanged(values):
    profile = numeric(values)
    with tempfile.TemporaryDirectory() as name:
        path = write_profile(profile, Path(name))
        again = read_profile(path)
    assert again == profile
    assert again.content_hash == profile.content_hash
    content = json.loads(profile_json(profile))
    assert content.pop("hash") == profile.content_hash
    assert Profile.model_validate(content) == profile


@given(st.lists(st.datetimes().map(str) | st.datetimes().map(lambda d: d.isoformat() + "Z"), min_size=1, max_size=5))
def test_times_of_a_column_are_those_of_its_cells(cells):
    assert times_of(pa.array(cells), 0, "a").tolist() == [parse_timestamp(cell) for cell in cells]


@given(st.lists(st.integers(-(10**18), 10**19 // 2), min_size=1, max_size=5))
def test_epochs_of_a_column_are_those_of_its_cells(cells):
    def outcome(read):
        try:
            return read()
        except ValueError:
            return None

    one_by_one = [outcome(lambda c=c: parse_timestamp(c)) for c in cells]
    if None not in one_by_one:
        assert times_of(pa.array(cells), 0, "a").tolist() == one_by_one
