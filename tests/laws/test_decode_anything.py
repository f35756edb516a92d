"""Laws of decode over anything a topic may hold: bytes, JSON, events, and events that were damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from decoding import batch, categorical, loan, model, numeric, outcome, rows_of
from driftgauge.decode.decoder import Decoder, _refuse
from driftgauge.decode.events import PredictionEvent
from driftgauge.profiles.profile import PredictionProfile

MODELS = [
    loan(),
    model("loan", "8", {'a"b\\': numeric(), "plain": numeric()}),
    model("tiny", "1.0", {}, PredictionProfile(scalar="label", label=categorical("boolean", True, False))),
    model("count", "x", {"é\u2028": numeric()}, PredictionProfile(scalar="label", label=categorical("integer", 0, 1))),
    model("parts", "1", {"x": numeric()}, tag="land", segments=("de", "7", "true", "1.5", "é")),
    model("parts", "2", {"x": numeric()}, tag='a"b', segments=("de",)),
]
ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"default_model_id": "tiny"},
    {"event_type": "features", "default_model_id": "loan"},
    {"event_type": "label"},
]

NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, 10**309, 2**53 + 1, 2**63, 3.0, 1, True, -0.0, 1e308, 5e-324]),
)
TEXTS = st.one_of(st.text(max_size=5), st.sampled_from(["cook", "smith", "yes", "1.5", "\ud800", "😀", "é"]))
SCALARS = st.one_of(NUMBERS, TEXTS, st.none(), st.booleans())
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
FEATURE_NAMES = st.sampled_from(
    ["job", "income", "grade", "owner", "age", 'a"b\\', "plain", "é\u2028", "", "new", "constructor"]
)
ODD = st.one_of(st.none(), JSON)
TIMES = st.one_of(
    st.sampled_from(["2026-03-15T10:03:00Z", "2026-03-15T10:03:00.123456+00:00", "2026-02-30T00:00:00Z", "", 0]),
    st.datetimes().map(lambda t: t.isoformat()),
    st.datetimes().map(lambda t: t.isoformat() + "Z"),
    ODD,
)
FEATURES = st.dictionaries(FEATURE_NAMES, SCALARS | JSON, max_size=8) | ODD
OUTPUTS = st.fixed_dictionaries({}, optional={"label": SCALARS, "score": SCALARS, "scores": JSON, "why": JSON})
TAGS = st.none() | st.dictionaries(
    st.sampled_from(["land", 'a"b', "other"]),
    st.sampled_from(["de", "7", "true", "1.5", "é", "fr", "", "\ud800", 7, 7.0, 1.5, -0.0, 2**63, 7e300, True, None])
    | JSON,
    max_size=3,
)
EVENTS = st.fixed_dictionaries(
    {"model_id": st.sampled_from(["loan", "tiny", "count", "parts", "stranger", ""]) | ODD},
    optional={
        "model_version": st.sampled_from(["7", 7, 7.0, "8", 8, 1, 1.0, "1.0", "x", None]) | ODD,
        "event_type": st.sampled_from(["prediction", "features", "label", "other"]) | ODD,
        "timestamp": TIMES,
        "features": FEATURES,
        "prediction": OUTPUTS | SCALARS | ODD,
        "prediction_id": ODD,
        "actual": ODD,
        "tags": TAGS | ODD,
        "segments": TAGS,
        "model": TEXTS,
        "inputs": FEATURES,
        "output": OUTPUTS | SCALARS,
        "prediction_score": SCALARS,
        "prediction_label": SCALARS,
        "unknown": ODD,
    },
)
# Most of these fit the typed decoders, so that they are put to the test as well.
TAGGED_EVENTS = st.builds(
    lambda **event: event,
    model_id=st.just("parts"),
    model_version=st.sampled_from(["1", 1, "2"]),
    timestamp=TIMES,
    features=st.fixed_dictionaries({}, optional={"x": NUMBERS}),
    tags=TAGS,
)
PLAIN_EVENTS = st.builds(
    lambda **event: event,
    model_id=st.just("loan"),
    model_version=st.sampled_from(["7", 7, "8", 8]),
    timestamp=TIMES,
    features=st.fixed_dictionaries(
        {},
        optional={
            "job": st.sampled_from(["cook", "smith", "new", "\ud83d", "é"]) | st.none(),
            "income": NUMBERS.filter(lambda x: not isinstance(x, bool)) | st.none(),
            "grade": NUMBERS,
            "owner": st.booleans() | st.none(),
            "new": JSON,
        },
    ),
    prediction=st.floats(allow_nan=False, allow_infinity=False) | OUTPUTS | st.none(),
)


def to_bytes(event: Any) -> bytes:
    return json.dumps(event).encode()


@st.composite
def duplicated(draw: st.DrawFn) -> bytes:
    """Two events' members in one object: every key may be there twice."""
    first, second = draw(EVENTS), draw(PLAIN_EVENTS)
    return to_bytes(first)[:-1] + b", " + to_bytes(second)[1:]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid event of which some bytes were cut out, overwritten or put in."""
    value = bytearray(to_bytes(draw(PLAIN_EVENTS | TAGGED_EVENTS)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3)
            | st.sampled_from([b"NaN", b"-Infinity", b"1e400", b"\\ud800", b"{", b"\xff", b"null"])
        )
    return bytes(value)


RECORDS = st.one_of(
    st.none(),
    st.binary(max_size=40),
    JSON.map(to_bytes),
    EVENTS.map(to_bytes),
    PLAIN_EVENTS.map(to_bytes),
    TAGGED_EVENTS.map(to_bytes),
    duplicated(),
    damaged(),
)


def deep(levels: int) -> bytes:
    return b'{"model_id":"loan","model_version":"7","tags":' + b"[" * levels + b"]" * levels + b"}"


PLAIN_8 = b'{"model_id":"loan","model_version":8,"features":{"plain":1}}'


def lenient_only(**arguments: Any) -> Decoder:
    decoder = Decoder(MODELS, **arguments)
    decoder._decodes = [_refuse] * len(MODELS)
    return decoder


@pytest.mark.parametrize("arguments", ARGUMENTS)
@given(st.lists(RECORDS, max_size=8))
@example([deep(10_000), deep(300), deep(151), deep(150), deep(149), deep(20)])
@example([b'\xef\xbb\xbf{"model_id":"loan"}', b'{"model_id":"tiny","x":"\xff"}', b'{"model_id":"tiny","\\ud800":1}'])
@example([b'{"model_id":"loan","model_version":"7","features":{"income":1%s,"age":1}}' % (b"0" * 5000)])
@example([b'{"model_id":"loan","model_version":"7","features":{"grade":1%s,"age":1}}' % (b"0" * 5000)])
@example([b'{"model_id":"loan","model_version":"7","features":{"grade":1%s,"new":1%s}}' % (b"0" * 400, b"0" * 5000)])
@example([b'{"model_id":"loan","model_version":"7","tags":{"x":"\xff"}}', PLAIN_8])
@example([b'{"model_id":"tiny","timestamp":1%s}' % (b"0" * 4400)])
@example(
    [b'{"model_id":"parts","model_version":1,"tags":{"land":%s}}' % x for x in (b"7", b"7.0", b"70e-1", b"true", b"[]")]
)
@example(
    [b'{"model_id":"parts","model_version":1,"tags":{"land":%s}}' % x for x in (b"1e400", b"NaN", b"1" + b"0" * 5000)]
)
@example(
    [b'{"model_id":"parts","model_version":1,"tags":%s}' % x for x in (b"[]", b'"de"', b"null", b"{}", b'{"land":{}}')]
)
@example([b'{"model_id":"loan","model_version":7e0,"features":{"":1,"income":1e400,"age":-1e400,"grade":2E0}}'])
def test_every_record_is_accepted_or_rejected_once_and_alike_on_both_paths_and_in_any_split(arguments, values):
    decoder = Decoder(MODELS, **arguments)
    whole = outcome(decoder, MODELS, *values)
    assert whole == outcome(lenient_only(**arguments), MODELS, *values)
    assert whole == [row for value in values for row in outcome(decoder, MODELS, value)]


@given(st.lists(RECORDS, max_size=8))
def test_a_record_fares_the_same_whatever_else_is_in_the_batch(values):
    forward = outcome(Decoder(MODELS), MODELS, *values)
    assert forward == outcome(Decoder(MODELS), MODELS, *values[::-1])[::-1]


@given(PLAIN_EVENTS, FEATURE_NAMES, JSON)
def test_a_bad_field_never_costs_the_good_ones(event, name, bad):
    before = outcome(Decoder(MODELS), MODELS, to_bytes(event))[0]
    after = outcome(Decoder(MODELS), MODELS, to_bytes({**event, "features": {**event["features"], name: bad}}))[0]
    if isinstance(before, str):
        assert after == before
        return
    assert after[:2] == before[:2]
    assert {k: v for k, v in after[2].items() if k != name} == {k: v for k, v in before[2].items() if k != name}


@given(EVENTS)
def test_an_event_is_accepted_exactly_if_the_published_model_takes_its_envelope(event):
    value = to_bytes(event)
    envelope = {"model_id", "timestamp"}
    try:
        PredictionEvent.model_validate(json.loads(value))
        bad = set()
    except ValidationError as error:
        bad = {e["loc"][0] for e in error.errors()} & envelope
    [found] = rows_of(Decoder(MODELS).decode(batch(value)), MODELS)
    assert isinstance(found, str) == bool(bad)


CHANGE = 1_773_568_980_050  # between two of the sampled times
NEXT = model(
    "loan", "7", {"job": numeric(), "income": categorical("integer", 1, 2), "age": numeric()}, MODELS[2].prediction
)
TURNS = [*MODELS, replace(NEXT, since=CHANGE)]


@given(st.lists(RECORDS, max_size=12))
@example([to_bytes({"model_id": "loan", "model_version": 7, "timestamp": t}) for t in (CHANGE - 1, CHANGE, "", None)])
def test_an_event_is_read_by_the_profile_of_its_time_whatever_else_is_in_the_batch(values):
    before, after = Decoder(MODELS), Decoder([replace(NEXT, since=CHANGE), *MODELS[1:]])
    expected = []
    for value in values:
        [found] = outcome(before, MODELS, value)
        is_later = not isinstance(found, str) and found[0] >= CHANGE
        expected += outcome(after, TURNS, value) if is_later else [found]
    assert outcome(Decoder(TURNS), TURNS, *values) == expected


@given(st.lists(RECORDS, max_size=12))
def test_before_the_first_profile_of_a_version_its_events_are_of_none(values):
    known, first = Decoder(MODELS), [replace(MODELS[0], since=CHANGE), *MODELS[1:]]
    decoded = Decoder(first).decode(batch(*values))
    found, strangers = rows_of(decoded, first), [] if decoded.unprofiled is None else decoded.unprofiled.rows.tolist()
    for i, value in enumerate(values):
        [expected] = outcome(known, MODELS, value)
        if len(expected) > 1 and expected[1] == "loan/7" and expected[0] < CHANGE:
            assert i in strangers
            expected = expected[:1]
        assert found[i] == expected
    assert strangers == sorted(strangers)
