"""Laws of faults put into records: what they hit, what they leave alone, and that batches have no say in it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.decode.json_text import read_json
from driftgauge.injection.event_row import EventShape
from driftgauge.injection.faults import faults_of
from driftgauge.injection.fields import FieldName, KnownField
from driftgauge.injection.injector import Injector
from driftgauge.injection.records import injected
from driftgauge.records import RecordBatch, Source
from hostile import damaged, fuzz

START = 1_772_323_200_000  # 2026-03-01T00:00:00Z
SOURCE = Source("a.jsonl", 0)
X, K = FieldName("feature", "x"), FieldName("feature", "k")
FIELDS = {"x": KnownField(X, "numeric", 2.0), "k": KnownField(K, classes=("a", "b"))}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
OF_VALUES = (
    "null:x:.5",
    "stuck:x::.5",
    "stuck:k:b:.5",
    "rename:k:a:c",
    "unit:x:1000:.5",
    "shift:x:1sd",
    "ramp:x:3:1m:.5",
    "flip:k:.5",
)
EVERY = (*OF_VALUES, "drop:.3", "delay:20s:.3")


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Events about three seconds apart, some out of order, from a minute before to a minute after a minute."""
    values = draw(st.lists(st.tuples(VALUES, VALUES, st.integers(-9, 9)), min_size=1, max_size=60))
    return [
        json.dumps(
            {"timestamp": START + 1000 * (3 * i - 60 + jitter), "features": {"x": x, "k": k, "other": 1}}
        ).encode()
        for i, (x, k, jitter) in enumerate(values)
    ]


def batches(values: list[bytes], sizes: list[int]) -> list[RecordBatch]:
    cuts = [0, *np.cumsum(sizes).tolist()]
    cuts = [*(cut for cut in cuts if cut < len(values)), len(values)]
    return [RecordBatch(SOURCE, range(a, b), [START] * (b - a), values[a:b]) for a, b in pairwise(cuts)]


def through(given_: list[RecordBatch], *texts: str, seed: int = 0) -> list[tuple[int, int, Any]]:
    """Offset, own time and value of every record that comes out."""
    injector = Injector(SOURCE, faults_of([f"{text}@2026-03-01..2026-03-01T00:01:00Z" for text in texts], FIELDS), seed)
    out = injected(given_, injector, EventShape())
    return [one for batch in out for one in zip(batch.offsets, batch.timestamps, batch.values, strict=True)]


@fuzz(60)
@given(
    values=logs(), sizes=st.lists(st.integers(1, 20), max_size=10), chosen=st.sets(st.sampled_from(EVERY), min_size=1)
)
def test_where_the_log_is_cut_changes_nothing(values: list[bytes], sizes: list[int], chosen: set[str]) -> None:
    texts = sorted(chosen)
    assert through(batches(values, sizes), *texts) == through(batches(values, []), *texts)


@fuzz(60)
@given(values=logs())
def test_without_faults_the_bytes_are_the_same(values: list[bytes]) -> None:
    assert through(batches(values, [])) == [(i, START, value) for i, value in enumerate(values)]


@fuzz(100)
@given(values=logs(), text=st.sampled_from(OF_VALUES))
def test_what_is_not_within_the_time_keeps_its_bytes_and_all_else_every_other_field(
    values: list[bytes], text: str
) -> None:
    field = text.split(":")[1]
    after = through(batches(values, []), text)
    assert len(after) == len(values)
    for value, (_, _, now) in zip(values, after, strict=True):
        old, new = read_json(value), read_json(now)
        if not START <= old["timestamp"] < START + 60_000:
            assert now == value
        for event in (old, new):
            event["features"].pop(field)
        assert repr(old) == repr(new)


@fuzz(30)
@given(values=logs(), text=st.sampled_from(["drop:.5", "delay:20s:.5"]))
def test_faults_of_the_traffic_change_no_byte(values: list[bytes], text: str) -> None:
    left = [value for _, _, value in through(batches(values, []), text)]
    if text.startswith("delay"):
        assert sorted(left) == sorted(values)
    else:
        rest = iter(values)
        assert all(value in rest for value in left)


@fuzz(60)
@given(value=damaged(json.dumps({"timestamp": START, "features": {"x": 1.5, "k": "a"}}).encode()))
def test_damaged_events_pass_or_are_changed_but_break_nothing(value: bytes) -> None:
    assert len(through(batches([value], []), *OF_VALUES)) == 1


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_share_of_the_records_is_hit_and_those_of_a_smaller_one_among_them(share: float, seed: int) -> None:
    count = 5000
    value = json.dumps({"timestamp": START, "features": {"x": 1}}).encode()

    def hit(share: float, kind: str = "null") -> set[int]:
        return {i for i, _, now in through(batches([value] * count, []), f"{kind}:x{share}", seed=seed) if now != value}

    found, fewer = hit(f":{share}"), hit(f":{share / 2}")  # type: ignore[arg-type]
    assert abs(len(found) - share * count) <= 4 * np.sqrt(share * (1 - share) * count)
    assert fewer <= found


def test_another_seed_source_or_field_hits_other_records() -> None:
    value = json.dumps({"timestamp": START, "features": {"x": 1, "k": "a"}}).encode()

    def hit(text: str, seed: int = 0) -> list[int]:
        return [i for i, _, now in through(batches([value] * 200, []), text, seed=seed) if now != value]

    assert hit("null:x:.5") == hit("null:x:.5")
    assert hit("null:x:.5") != hit("null:x:.5", seed=1)
    assert hit("null:x:.5") != hit("null:k:.5")
