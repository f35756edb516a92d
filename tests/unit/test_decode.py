"""Decode, rule by rule: what is an event, what of it counts, and as what."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from decoding import RECORD_TIME, batch, categorical, loan, model, numeric
from driftgauge.decode.columns import EventColumns, RejectCode
from driftgauge.decode.decoder import Decoder
from driftgauge.decode.joining import MAX_UNKNOWN_MODELS
from driftgauge.errors import ConfigError
from driftgauge.profiles.profile import PredictionProfile

JOB = {"cook": 0, "clerk": 1, "other": 2, "missing": 3, "invalid": 4, "unseen": 5}
LABEL = {"yes": 0, "no": 1, "missing": 3, "invalid": 4}


def event(**fields: Any) -> bytes:
    return json.dumps({"model_id": "loan", "model_version": "7", **fields}).encode()


def columns(value: bytes, **arguments: Any) -> tuple[EventColumns, dict[str, Any]]:
    loans = arguments.pop("model", None) or loan()
    [events] = Decoder([loans], **arguments).decode(batch(value)).events
    return events, {s.name: events.columns[s.index][0] for s in loans.layout.slots if len(events.columns[s.index])}


def rejected(value: bytes | None, **arguments: Any) -> RejectCode:
    decoded = Decoder([loan()], **arguments).decode(batch(value))
    assert not decoded.accepted.any()
    assert not decoded.events
    [reject] = decoded.rejects
    assert reject.row == 0
    assert reject.message
    return reject.code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, RejectCode.EMPTY),
        (b"", RejectCode.EMPTY),
        (b"{", RejectCode.MALFORMED_JSON),
        (b"\xef\xbb\xbf{}", RejectCode.MALFORMED_JSON),
        (b'{"model_id":"loan","x":"\xff"}', RejectCode.MALFORMED_JSON),
        (b'{"model_id":"loan","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", RejectCode.MALFORMED_JSON),
        (b"[1]", RejectCode.NOT_AN_OBJECT),
        (b"null", RejectCode.NOT_AN_OBJECT),
        (b"{}", RejectCode.NO_MODEL_ID),
        (b'{"model_id":""}', RejectCode.NO_MODEL_ID),
        (b'{"model_id":7}', RejectCode.NO_MODEL_ID),
        (b'{"model_id":"\\ud800"}', RejectCode.NO_MODEL_ID),
        (event(timestamp="yesterday"), RejectCode.BAD_TIMESTAMP),
        (event(timestamp="2026-02-30T00:00:00Z"), RejectCode.BAD_TIMESTAMP),
        (event(timestamp=True), RejectCode.BAD_TIMESTAMP),
        (event(timestamp=math.nan), RejectCode.BAD_TIMESTAMP),
        (event(timestamp=[]), RejectCode.BAD_TIMESTAMP),
        (event(timestamp=""), RejectCode.BAD_TIMESTAMP),
    ],
)
def test_what_is_no_event_is_rejected_with_its_reason(value, code):
    assert rejected(value) is code


def test_a_value_longer_than_allowed_is_rejected_unread():
    value = event()
    assert rejected(value, max_bytes=len(value) - 1) is RejectCode.TOO_LARGE
    assert Decoder([loan()], max_bytes=len(value)).decode(batch(value)).accepted.all()


def test_rejects_come_in_the_order_of_the_batch_and_leave_the_rest_alone():
    decoded = Decoder([loan()]).decode(batch(event(), event(timestamp="?"), b"[", event(), None))
    assert [(r.row, r.code) for r in decoded.rejects] == [
        (1, RejectCode.BAD_TIMESTAMP),
        (2, RejectCode.MALFORMED_JSON),
        (4, RejectCode.EMPTY),
    ]
    assert decoded.accepted.tolist() == [True, False, False, True, False]
    [events] = decoded.events
    assert events.rows.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("timestamp", "ms"),
    [
        ("2026-03-15T10:03:00Z", 1773568980000),
        ("2026-03-15T10:03:00.1Z", 1773568980100),
        ("2026-03-15T10:03:00.250999Z", 1773568980250),
        ("2026-03-15T10:03:00.250999+00:00", 1773568980250),
        ("2026-03-15T10:03:00", 1773568980000),
        ("2026-03-15T12:03:00+02:00", 1773568980000),
        ("2026-03-15 10:03:00Z", 1773568980000),
        ("2026-03-15T10:02:60Z", 1773568980000),
        ("1969-12-31T23:59:59.999Z", -1),
        (1773568980, 1773568980000),
        (1773568980.25, 1773568980250),
        (1773568980250, 1773568980250),
        (1773568980250000, 1773568980250),
        (None, RECORD_TIME),
    ],
)
def test_event_times_are_read_however_they_are_written(timestamp, ms):
    values = [event(timestamp=timestamp), event(timestamp="2026-03-15T10:03:00Z"), event(timestamp="2026-13-01")]
    times = Decoder([loan()]).decode(batch(*values)).timestamps
    assert times.tolist() == [ms, 1773568980000, 0]


def test_an_event_without_a_time_has_that_of_its_record():
    assert Decoder([loan()]).decode(batch(event())).timestamps.tolist() == [RECORD_TIME]


@pytest.mark.parametrize(
    ("text", "income"),
    [
        ("1.5", 1.5),
        ("3", 3.0),
        ("null", math.nan),
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", math.inf),
        ("1e400", math.inf),
        ("1" + "0" * 309, math.inf),
        ("1" + "0" * 5000, math.inf),
        ('"1.5"', math.inf),
        ("true", math.inf),
        ("[1]", math.inf),
        ("{}", math.inf),
    ],
)
def test_a_number_is_taken_as_it_is_or_missing_or_invalid(text, income):
    value = b'{"model_id":"loan","features":{"income":%s,"age":4,"job":"cook"}}' % text.encode()
    _, found = columns(value)
    assert abs(found["income"]) == pytest.approx(income, nan_ok=True)
    assert (found["age"], found["job"]) == (4, JOB["cook"])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("cook", "cook"),
        ("smith", "other"),
        ("poet", "unseen"),
        ("\ud800", "unseen"),
        (None, "missing"),
        (math.nan, "missing"),
        (1, "invalid"),
        ([], "invalid"),
        ({}, "invalid"),
    ],
)
def test_a_text_is_known_or_other_or_unseen_or_missing_or_invalid(value, cell):
    _, found = columns(event(features={"job": value, "age": 4}))
    assert (found["job"], found["age"]) == (JOB[cell], 4)


@pytest.mark.parametrize(
    ("value", "grade", "owner"),
    [(1, 0, 4), (3.0, 2, 4), (2.5, 5, 4), (9, 6, 4), (True, 5, 0), (False, 5, 1), ("1", 5, 4), (math.inf, 5, 4)],
)
def test_integers_and_booleans_never_pass_for_each_other(value, grade, owner):
    _, found = columns(event(features={"grade": value, "owner": value}))
    assert (found["grade"], found["owner"]) == (grade, owner)


def test_absent_features_are_missing_and_unknown_ones_ignored():
    events, found = columns(event(features={"income": 1, "new": {"deep": [1]}}))
    assert events.has_features.all()
    assert found["income"] == 1
    assert math.isnan(found["age"])
    assert found["job"] == JOB["missing"]


def test_features_of_a_wrong_type_are_all_invalid():
    events, found = columns(event(features=[1, 2]))
    assert events.has_features.all()
    assert (found["income"], found["age"], found["job"]) == (math.inf, math.inf, JOB["invalid"])


@pytest.mark.parametrize("fields", [{}, {"features": None}])
def test_an_event_without_features_has_no_feature_part(fields):
    events, _ = columns(event(prediction=0.5, **fields))
    assert not events.has_features.any()
    assert events.has_prediction.all()


@pytest.mark.parametrize(
    ("prediction", "score"),
    [
        (0.5, 0.5),
        (1, 1.0),
        (None, math.nan),
        (math.nan, math.nan),
        ("0.5", math.inf),
        ([0.5], math.inf),
        (True, math.inf),
    ],
)
def test_a_bare_prediction_is_the_declared_output_and_says_nothing_of_the_other(prediction, score):
    events, found = columns(event(prediction=prediction))
    assert events.has_prediction.all()
    assert found["score"] == pytest.approx(score, nan_ok=True)
    assert "label" not in found


@pytest.mark.parametrize(
    ("prediction", "score", "label"),
    [
        ({"score": 0.5, "label": "yes", "scores": {"yes": 0.5}}, 0.5, "yes"),
        ({"score": 0.5}, 0.5, "missing"),
        ({"label": "no", "model": [1]}, math.nan, "no"),
        ({"label": 1, "score": "x"}, math.inf, "invalid"),
        ({}, math.nan, "missing"),
    ],
)
def test_a_prediction_object_is_judged_for_both_outputs(prediction, score, label):
    _, found = columns(event(prediction=prediction))
    assert found["score"] == pytest.approx(score, nan_ok=True)
    assert found["label"] == LABEL[label]


def test_with_one_output_bare_and_full_predictions_stand_in_the_same_columns():
    one = model("m", "1", {}, PredictionProfile(scalar="score", score=numeric()))
    [events] = (
        Decoder([one])
        .decode(
            batch(b'{"model_id":"m","prediction":1}', b'{"model_id":"m","prediction":{"score":2}}', b'{"model_id":"m"}')
        )
        .events
    )
    assert events.columns[0][:2].tolist() == [1.0, 2.0]
    assert events.has_prediction.tolist() == [True, True, False]


def test_an_absent_prediction_is_no_prediction():
    events, _ = columns(event(features={"income": 1}))
    assert not events.has_prediction.any()


def test_the_event_type_decides_what_is_read():
    parts = {"features": {"income": 1}, "prediction": 0.5}
    values = [event(event_type=kind, **parts) for kind in ("prediction", "features", "label", "other")]
    decoded = Decoder([loan()]).decode(batch(*values))
    assert decoded.accepted.all()
    rows = {r: bool(p) for e in decoded.events for r, p in zip(e.rows.tolist(), e.has_prediction, strict=True)}
    assert rows == {0: True, 1: False, 3: True}


def test_the_topics_event_type_holds_where_an_event_says_nothing():
    value = event(features={"income": 1}, prediction=0.5)
    assert not Decoder([loan()], event_type="label").decode(batch(value)).events
    [events] = Decoder([loan()], event_type="features").decode(batch(value)).events
    assert not events.has_prediction.any()


def test_only_the_parts_that_the_topic_counts_are_read():
    value = event(features={"income": 1}, prediction=0.5)
    for counts in ({"count_features": False}, {"count_prediction": False}):
        events, found = columns(value, model=loan(**counts))
        assert ("income" in found, "score" in found) == (events.has_features.any(), events.has_prediction.any())
        assert events.has_features.any() != events.has_prediction.any()
    assert not Decoder([loan(count_features=False, count_prediction=False)]).decode(batch(value)).events


def test_aliases_are_read_and_canonical_names_go_before_them():
    value = json.dumps(
        {
            "model": "loan",
            "version": 7,
            "ts": 1,
            "inputs": {"income": 2},
            "prediction_label": "yes",
            "prediction_score": 0.5,
        }
    ).encode()
    events, found = columns(value)
    assert (found["income"], found["score"], found["label"]) == (2, 0.5, LABEL["yes"])
    assert str(events.subject) == "loan/7"
    _, found = columns(event(output=0.25, prediction=0.5))
    assert found["score"] == 0.5


@pytest.mark.parametrize("version", ["7", 7, 7.0])
def test_a_versions_spelling_does_not_matter(version):
    two = [loan(), model("loan", "8", {})]
    [events] = Decoder(two).decode(batch(event(model_version=version))).events
    assert events.subject.model_version == "7"


def test_an_absent_version_is_the_only_configured_one_else_unknown():
    value = b'{"model_id":"loan"}'
    assert len(Decoder([loan()]).decode(batch(value)).events) == 1
    several = Decoder([loan(), model("loan", "8", {})]).decode(batch(value))
    assert not several.events
    assert several.unknown_models == {"loan": 1}


def test_events_without_a_model_are_of_the_configured_one():
    value = b'{"prediction":0.5}'
    assert rejected(value) is RejectCode.NO_MODEL_ID
    [events] = Decoder([loan()], default_model_id="loan").decode(batch(value)).events
    assert events.subject.model_id == "loan"


def test_unknown_models_are_accepted_and_counted_up_to_a_cap():
    values = [json.dumps({"model_id": f"m{i}"}).encode() for i in range(MAX_UNKNOWN_MODELS + 5)]
    decoded = Decoder([loan()]).decode(batch(*values, values[0], b'{"model_id":"m1","timestamp":"?"}'))
    assert decoded.accepted.sum() == len(values) + 1
    assert len(decoded.unknown_models) == MAX_UNKNOWN_MODELS + 1
    assert decoded.unknown_models["m0"] == 2
    assert decoded.unknown_models["m1"] == 1
    assert decoded.unknown_models["…"] == 5


def test_models_share_a_topic_and_keep_the_order_of_their_offsets():
    other = model("other", "1", {"x": numeric()})
    values = [
        event(features={"income": i}) if i % 3 else b'{"model_id":"other","features":{"x":%d}}' % i for i in range(9)
    ]
    first, second = Decoder([loan(), other]).decode(batch(*values)).events
    assert first.rows.tolist() == [1, 2, 4, 5, 7, 8]
    assert first.columns[1].tolist() == [1.0, 2.0, 4.0, 5.0, 7.0, 8.0]
    assert second.columns[0].tolist() == [0.0, 3.0, 6.0]


def test_columns_are_of_the_promised_types():
    events, _ = columns(event(features={}, prediction={}))
    kinds = [c.dtype for c in events.columns]
    assert kinds == [np.dtype(np.int64 if s.spec.type == "categorical" else np.float64) for s in loan().layout.slots]
    assert events.rows.dtype == np.int64


def test_strange_feature_names_are_names_like_any_other():
    names = ['a"b', "c\\d", "e\nf", "é", "\u2028", "__class__", "f0", "features", " "]
    strange = model("s", "1", {name: numeric() for name in names} | {"kind": categorical("string", "a")})
    value = json.dumps({"model_id": "s", "features": {n: i for i, n in enumerate(names)} | {"kind": "a"}}).encode()
    [events] = Decoder([strange]).decode(batch(value)).events
    assert [c[0] for c in events.columns] == [*range(len(names)), 0]


def test_an_empty_batch_and_no_models_are_fine():
    decoded = Decoder([]).decode(batch())
    assert (len(decoded.timestamps), decoded.events, decoded.rejects) == (0, [], [])
    assert Decoder([]).decode(batch(b'{"model_id":"m"}')).unknown_models == {"m": 1}


def test_a_model_version_configured_twice_is_an_error():
    with pytest.raises(ConfigError, match="loan/7 is configured twice"):
        Decoder([loan(), loan()])
