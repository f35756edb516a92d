"""What faults do to a value, a row and an event, and what is said of one that can't be read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from driftgauge.errors import ConfigError
from driftgauge.injection.event_row import EventRow, EventShape
from driftgauge.injection.faults import faults_of
from driftgauge.injection.fields import FieldName, KnownField
from driftgauge.injection.injector import Injector
from driftgauge.injection.records import injected
from driftgauge.injection.spec import FORMS, parse_spec
from driftgauge.records import RecordBatch, Source

MINUTE = 60_000
START = 1_772_323_200_000  # 2026-03-01T00:00:00Z
SOURCE = Source("ml.predictions", 0)
FIELDS = {
    "income": KnownField(FieldName("feature", "income"), "numeric", 1000.0),
    "job": KnownField(FieldName("feature", "job"), "string", classes=("a", "b", "c")),
    "a:b": KnownField(FieldName("feature", "a:b"), "integer"),
    "prediction": KnownField(FieldName("output", "prediction"), "string", classes=("yes", "no")),
    "score": KnownField(FieldName("output", "score"), "numeric", 0.1),
    "actual": KnownField(FieldName("output", "actual"), "boolean", classes=(False, True)),
}
SHAPE = EventShape("loans")


def event(minute: float, features: dict[str, Any] | None = None, **fields: Any) -> bytes:
    given = {"income": 5, "job": "a", **(features or {})}
    content = {"model_id": "loans", "timestamp": START + round(minute * MINUTE), "features": given, "prediction": "yes"}
    return json.dumps(content | fields).encode()


def through(values: list[bytes], *texts: str, first: int = 0, shape: EventShape = SHAPE) -> list[RecordBatch]:
    faults = faults_of(texts, FIELDS)
    batch = RecordBatch(SOURCE, range(first, first + len(values)), [0] * len(values), values)
    return list(injected([batch], Injector(SOURCE, faults, 0), shape))


def changed(value: bytes, *texts: str, shape: EventShape = SHAPE) -> Any:
    [batch] = through([value], *texts, shape=shape)
    [after] = batch.values
    assert after is not None
    return json.loads(after)


def feature(fault: str, value: Any, minute: float = 0) -> Any:
    name = parse_spec(fault).part(0) or ""
    return changed(event(minute, {name: value}), fault)["features"][name]


@pytest.mark.parametrize(
    ("fault", "before", "after"),
    [
        ("null:job", "a", None),
        ("null:job", None, None),
        ("stuck:job:b", "a", "b"),
        ("stuck:job:b", None, "b"),
        ("stuck:income:07", 3, 7),
        ("rename:job:a:A", "a", "A"),
        ("rename:job:a:A", "b", "b"),
        ("rename:job:a:A", None, None),
        ('rename:"a:b":1:2', 1.0, 2),
        ('rename:"a:b":1:2', True, True),
        ("unit:income:0.001", 5, 0.005),
        ("unit:income:1000", 5, 5000),
        ("unit:income:1000", "5", "5"),
        ("unit:income:1000", True, True),
        ("unit:income:10", 1e308, math.inf),
        ("shift:income:-2", 5, 3),
        ("shift:income:0.5sd", 5, 505.0),
        ("shift:income:1", None, None),
        ("flip:job", "c", "a"),
        ("flip:job:1:a:b", "b", "a"),
        ("flip:job:1:a:b", "c", "c"),
        ("null:job", ["nested"], None),
        ("rename:job:a:b", ["nested"], ["nested"]),
    ],
)
def test_a_fault_changes_a_value(fault: str, before: Any, after: Any) -> None:
    found = feature(f"{fault}@2026-03-01", before)
    assert (found, type(found)) == (after, type(after))


def test_numbers_beyond_64_bits_become_doubles_and_those_beyond_all_doubles_infinite() -> None:
    assert feature("shift:income:1@2026-03-01", 2**63 - 1) == 2.0**63
    assert feature("unit:income:.5@2026-03-01", 10**400) == math.inf
    assert feature("unit:income:-1000@2026-03-01", 10**4290) == -math.inf
    assert feature("unit:income:0@2026-03-01", 10**4290) == 0


def test_a_ramp_grows_to_its_amount_and_stays_there() -> None:
    fault = "ramp:income:100:10m@2026-03-01..2026-03-01T00:30:00Z"
    assert [feature(fault, 5, minute) for minute in (0, 2.5, 10, 29, 30)] == [5, 30, 105, 105, 5]


def test_a_stuck_source_gives_the_first_value_that_it_had() -> None:
    values = [event(i, {"income": income}) for i, income in enumerate([1, None, 3, 4])]
    [batch] = through(values, "stuck:income@2026-03-01T00:01:00Z")
    assert [json.loads(value or b"")["features"]["income"] for value in batch.values] == [1, None, 3, 3]


@pytest.mark.parametrize(
    ("fields", "fault", "name", "after"),
    [
        ({"prediction": "yes"}, "flip:prediction", "prediction", "no"),
        (
            {"prediction": {"label": "yes", "score": 0.5}},
            "flip:prediction",
            "prediction",
            {"label": "no", "score": 0.5},
        ),
        ({"prediction": {"label": "yes", "score": 0.5}}, "null:score", "prediction", {"label": "yes", "score": None}),
        ({"prediction": "yes"}, "null:score", "prediction", "yes"),
        ({"actual": True}, "flip:actual", "actual", False),
        ({"y_true": True}, "flip:actual", "y_true", False),
    ],
)
def test_the_output_and_the_truth_are_found_in_every_shape(fields: Any, fault: str, name: str, after: Any) -> None:
    assert changed(event(0, **fields), f"{fault}@2026-03-01")[name] == after


def test_a_bare_score_is_the_score_where_the_profile_says_so() -> None:
    shape = EventShape("loans", "label", "score")
    assert changed(event(0, prediction=0.25), "unit:score:2@2026-03-01", shape=shape)["prediction"] == 0.5
    assert changed(event(0, prediction=0.25), "null:prediction@2026-03-01", shape=shape)["prediction"] == 0.25


def test_other_names_of_an_event_are_kept() -> None:
    other = json.dumps({"model": "loans", "ts": START, "inputs": {"income": 5}, "prediction_label": "yes"}).encode()
    after = changed(other, "unit:income:2@2026-03-01", "flip:prediction@2026-03-01")
    assert after == {"model": "loans", "ts": START, "inputs": {"income": 10}, "prediction_label": "no"}


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"[1]",
        b"7",
        event(0, model_id="other"),
        event(0, timestamp="soon"),
        event(-1),
        event(60),
        json.dumps({"model_id": "loans", "timestamp": START, "prediction": "yes"}).encode(),
        b'{ "model_id":"loans", "timestamp":1772323200, "features":{"income":null, "job":"a"} }',
    ],
)
def test_what_a_fault_has_no_part_in_keeps_its_bytes(value: bytes) -> None:
    [batch] = through([value], "unit:income:2@2026-03-01..2026-03-01T01:00:00Z")
    assert batch.values == [value]


def test_tombstones_keys_and_headers_pass_with_their_records() -> None:
    batch = RecordBatch(SOURCE, [4, 5], [START] * 2, [None, event(0)], [b"k", None], [[("h", b"1")], []])
    faults = faults_of(["null:job@2026-03-01"], FIELDS)
    [after] = injected([batch], Injector(SOURCE, faults, 0), SHAPE)
    assert (after.offsets, after.keys, after.headers) == ([4, 5], [b"k", None], [[("h", b"1")], []])
    assert after.values[0] is None
    assert b'"job":null' in (after.values[1] or b"")


def test_the_values_beside_the_changed_one_are_read_as_before() -> None:
    odd = b'{"timestamp":1772323200,"features":{"job":"a","x":NaN,"y":1e999,"z":"\\ud800","n":1234567890123456789012}}'
    [batch] = through([odd], "null:job@2026-03-01")
    row = EventRow.of(batch.values[0] or b"", SHAPE)
    assert row is not None
    x, y, z, n = (row.value(FieldName("feature", name)) for name in "xyzn")
    assert math.isnan(x)
    assert (y, z, n) == (math.inf, "\ud800", 1234567890123456789012)


def test_dropped_records_leave_gaps_and_no_empty_batch() -> None:
    values = [event(i) for i in range(4)]
    [batch] = through(values, "drop:1@2026-03-01T00:01:00Z..2026-03-01T00:03:00Z", first=10)
    assert (batch.offsets, batch.values) == ([10, 13], [values[0], values[3]])
    assert through(values, "drop:1@2026-03-01") == []


def test_delayed_records_come_when_event_time_has_gone_on() -> None:
    values = [event(i) for i in range(6)]
    batches = through(values, "delay:3m@2026-03-01T00:01:00Z..2026-03-01T00:03:00Z", first=10)
    order = [values.index(value or b"") for batch in batches for value in batch.values]
    # 1 and 2 are due at minutes 4 and 5, just before what comes then.
    assert order == [0, 3, 1, 4, 2, 5]
    assert [offset for batch in batches for offset in batch.offsets] == list(range(10, 16))


def test_delayed_records_come_at_the_end_at_the_latest() -> None:
    values = [event(i) for i in range(3)]
    batches = through(values, "delay:1d@2026-03-01..2026-03-01T00:01:00Z")
    assert [value for batch in batches for value in batch.values] == [values[1], values[2], values[0]]


def test_faults_add_up_in_the_order_given() -> None:
    faults = ("unit:income:10@2026-03-01", "shift:income:1@2026-03-01")
    assert changed(event(0), *faults)["features"]["income"] == 51
    assert changed(event(0), *reversed(faults))["features"]["income"] == 60


def test_what_stays_as_it_was_does_not_count_as_hit() -> None:
    faults = faults_of(["rename:job:b:B@2026-03-01", "null:job@2026-03-01"], FIELDS)
    injector = Injector(SOURCE, faults, 0)
    values = [event(0, {"job": job}) for job in ("a", "b", None)]
    batch = RecordBatch(SOURCE, range(3), [0] * 3, values)
    assert len(list(injected([batch], injector, SHAPE))) == 1
    assert injector.hits == [1, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nul:job@2026-03-01", "'nul' is no kind of fault; did you mean null?"),
        ("null:job:0.3", "says not from when on"),
        ("null:jab@2026-03-01", "there is no field 'jab'; did you mean 'job'?"),
        ("null@2026-03-01", "names no field"),
        ("null:job:30@2026-03-01", "'30' is no share; give one above 0 and up to 1"),
        ("null:job:0@2026-03-01", "'0' is no share"),
        ("null:job:nan@2026-03-01", "'nan' is no share"),
        ("null:job:.2:3@2026-03-01", "'3' is a part too many"),
        ("null:job@soon", "FROM: 'soon' is no time"),
        ("null:job@2026-03-01..later", "TO: 'later' is no time"),
        ("null:job@2026-03-02..2026-03-01", "TO (2026-03-01) is not after FROM"),
        ('null:"job@2026-03-01', "can't be taken apart"),
        ("unit:income@2026-03-01", "lacks the factor"),
        ("unit:income:inf@2026-03-01", "'inf' is no factor; give a number"),
        ("unit:job:2@2026-03-01", "'job' holds no numbers (in the profile it is a string)"),
        ("shift:income:xsd@2026-03-01", "'xsd' is no amount"),
        ("shift:a:b:1@2026-03-01", "there is no field 'a'"),
        ('shift:"a:b":1sd@2026-03-01', "no standard deviation of 'a:b' is known"),
        ("ramp:income:1sd@2026-03-01", "lacks the duration"),
        ("ramp:income:1sd:0m@2026-03-01", "'0m' is no time at all"),
        ("rename:job:a@2026-03-01", "lacks the category or its new name"),
        ("flip:income@2026-03-01", "which classes of 'income' change places isn't known"),
        ("flip:job:1:a@2026-03-01", "name ONE and OTHER"),
        ("drop@2026-03-01", "lacks the share of records"),
        ("delay:soon@2026-03-01", "'soon' is no duration"),
        ("delay:1h@2026-03-01", "comes in the order that it had; give a share or TO"),
    ],
)
def test_an_error_names_the_fault_the_part_and_the_fix(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        faults_of([text], FIELDS)
    assert str(error.value).startswith(f"--inject {text}: ")
    assert says in str(error.value)


@pytest.mark.parametrize("kind", FORMS)
def test_an_error_shows_how_the_kind_is_written(kind: str) -> None:
    with pytest.raises(ConfigError) as error:
        faults_of([f"{kind}:a:b:c:d:e:f@2026-03-01"], FIELDS)
    assert str(error.value).endswith(f"is a part too many; it is written {kind}:{FORMS[kind]}@FROM[..TO]")
