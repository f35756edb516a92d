import math
from dataclasses import replace

import jsonschema
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.alerts.event import AlertEvent, Publishing, Run
from driftgauge.alerts.fingerprint import fingerprint
from driftgauge.alerts.natural import quantile_of, top_cells
from driftgauge.alerts.series_event import render_series
from driftgauge.alerts.transition import DetectorEvidence, Evidence, Transition
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
    RepeatNoise,
)
from driftgauge.subject import Subject
from driftgauge.timestamps import parse_timestamp

_INCOME = NumericField(
    edges=[20_000.0, 50_000.0, 80_000.0],
    low=0.0,
    high=181_000.0,
    minimum=4_000.0,
    maximum=150_000.0,
    mean=50_000.0,
    sd=20_000.0,
    counts=[250, 250, 250, 250, 0, 0, 0, 0],
    repeats=[
        RepeatNoise(
            length="1m", among=20, panes=100, drawn=6000, mean=0.0, anywhere=0.0, variance=0.0, lag1=0.0, mean_n=60.0
        )
    ],
)
_DECISION = CategoricalField(value_type="string", categories=["accepted", "rejected"], counts=[790, 210, 0, 0, 0, 0])
_CHANNEL = CategoricalField(
    value_type="string", categories=["web", "other", ""], known_other=["fax"], counts=[450, 300, 200, 50, 0, 0, 0]
)
_PROFILE = Profile(
    model_id="loan-approval",
    model_version="7",
    reference=ReferenceSpan(files=["train.csv"], rows=1000, first_ms=0, last_ms=2 * 86_400_000),
    suggested_pane="60s",
    features={"income": _INCOME, "employment_type": _DECISION, "channel": _CHANNEL},
    prediction=PredictionProfile(scalar="label", label=_DECISION, score=_INCOME),
)
_SERIES = {series.key: series for series in contrasts_of(Layout.of(_PROFILE, ["income"]), 60_000).series}
_OPENED = parse_timestamp("2026-03-15T10:04:00Z")
_ONSET = parse_timestamp("2026-03-15T10:03:00Z")
_PUBLISHING = Publishing(Subject("loan-approval", "7"), _PROFILE.content_hash, Run(mode="live", run_id="r1"))
_VALIDATOR = jsonschema.Draft202012Validator(AlertEvent.model_json_schema(by_alias=True))


def _transition(key, before, after, cells, *, sd=None, direction="up", **changes):
    evidence = Evidence(
        (DetectorEvidence("shiryaev_roberts", 1234.5, 400.0),),
        direction,
        before,
        after,
        sd,
        _ONSET,
        _ONSET - 60_000,
        _ONSET + 60_000,
        100_000,
        60,
        np.array(cells, np.int64),
    )
    opened = Transition(
        _SERIES[key], "opened", "critical", _OPENED, _OPENED, 0, "sha256:a", evidence, {"ml.predictions:0": (123, 456)}
    )
    return replace(opened, **changes)


_MISSING = _transition("employment_type|missing|", 0.008, 0.93, [3, 1, 0, 56, 0, 0])


def _summary(transition):
    return render_series(transition, _PUBLISHING).annotations.summary


def test_the_event_is_the_one_of_the_contract():
    document = orjson.loads(render_series(_MISSING, _PUBLISHING).to_json())
    assert list(document) == [
        "schema_version", "event_id", "event", "status", "fingerprint", "labels", "annotations", "startsAt", "endsAt",
        "updatedAt", "generatorURL", "detail", "source", "run",
    ]  # fmt: skip
    assert document["labels"] == {
        "alertname": "DataQuality",
        "severity": "critical",
        "model_id": "loan-approval",
        "model_version": "7",
        "feature": "employment_type",
        "series": "missing",
    }
    assert document["fingerprint"] == fingerprint(document["labels"])
    assert document["startsAt"] == document["updatedAt"] == "2026-03-15T10:04:00Z"
    assert document["endsAt"] == "2026-03-19T10:04:00Z"
    assert document["detail"]["change_point"]["at"] == "2026-03-15T10:03:00Z"
    assert (document["detail"]["from"], document["detail"]["to"]) == (0.008, 0.93)
    assert document["detail"]["cells"][0] == {"name": "missing", "from": 0.0, "to": 56 / 60}
    assert document["source"] == {"topic": "ml.predictions", "offsets": {"0": [123, 456]}}
    assert "superseded_by" not in document["detail"]


def test_a_resolved_event_ends_when_it_was_decided():
    event = render_series(replace(_MISSING, event="resolved", at=_OPENED + 60_000), _PUBLISHING)
    assert (event.status, event.endsAt, event.startsAt) == ("resolved", "2026-03-15T10:05:00Z", "2026-03-15T10:04:00Z")


def test_distances_say_how_far_the_valid_values_lie_from_the_reference():
    """Of a numeric field all; without an order no KS and no W1; of a NULL storm that the others haven't moved."""
    income = [500, 200, 200, 100, 7, 0, 0, 50]
    numeric = orjson.loads(render_series(_transition("income|psi_1h|", 0.0, 0.31, income), _PUBLISHING).to_json())
    found = numeric["detail"]["distances"]
    assert list(found) == ["n", "psi", "js", "ks", "w1", "hellinger", "tv", "l_inf", "chi2", "chi2_p_value"]
    assert found["n"] == 1000
    assert found["psi"] == pytest.approx(0.25 * math.log(2) + 0.1 * math.log(1.25) + 0.15 * math.log(2.5), rel=0.02)
    assert [found[name] for name in ("ks", "tv", "l_inf")] == pytest.approx([0.25, 0.25, 0.25])
    assert found["w1"] == pytest.approx((0.25 + 0.2 + 0.15) / 4)
    assert found["chi2_p_value"] < 1e-20
    storm = orjson.loads(
        render_series(_transition("employment_type|missing|", 0, 0.93, [79, 21, 0, 930, 0, 0]), _PUBLISHING).to_json()
    )
    assert "ks" not in storm["detail"]["distances"]
    assert storm["detail"]["distances"]["tv"] == pytest.approx(0.0, abs=1e-12)
    assert storm["detail"]["distances"]["chi2_p_value"] == pytest.approx(1.0)


@pytest.mark.parametrize("cells", [[], [0, 0, 0, 0, 60, 1, 2, 3]])
def test_without_a_valid_event_there_are_no_distances(cells):
    event = render_series(_transition("income|location|", 0.5, 0.9, cells), _PUBLISHING)
    assert "distances" not in orjson.loads(event.to_json())["detail"]


def test_at_the_end_the_counts_of_the_drift_are_no_distances_of_today():
    moved = [500, 200, 200, 100, 0, 0, 0, 0]
    over, window = _transition("income|location|", 0.4, 0.5, moved), _transition("income|psi_1h|", 0, 0.01, moved)
    assert render_series(replace(over, event="resolved"), _PUBLISHING).detail.distances is None
    assert (
        render_series(replace(over, event="resolved", superseded_by="critical"), _PUBLISHING).detail.distances
        is not None
    )
    assert render_series(replace(window, event="resolved"), _PUBLISHING).detail.distances is not None


def test_further_topics_of_a_pane_stand_under_more():
    event = render_series(replace(_MISSING, offsets={"b:0": (1, 2), "a:3": (5, 6), "a:11": (7, 8)}), _PUBLISHING)
    source = orjson.loads(event.to_json())["source"]
    assert source == {
        "topic": "a",
        "offsets": {"11": [7, 8], "3": [5, 6]},
        "more": [{"topic": "b", "offsets": {"0": [1, 2]}}],
    }


def test_a_features_share_carries_its_category_as_a_label():
    event = render_series(_transition("employment_type|share|rejected", 0.21, 0.0, [60, 0, 0, 0, 0, 0]), _PUBLISHING)
    labels = orjson.loads(event.to_json())["labels"]
    assert (labels["alertname"], labels["feature"], labels["series"]) == ("FeatureDrift", "employment_type", "share")
    assert labels["category"] == "rejected"
    assert "class" not in labels
    assert "share of rejected in employment_type" in event.annotations.description


def test_a_predicted_share_carries_its_class_as_a_label():
    event = render_series(_transition("|predicted_share|rejected", 0.21, 0.64, [36, 64, 0, 0, 0, 0]), _PUBLISHING)
    labels = orjson.loads(event.to_json())["labels"]
    assert labels["class"] == "rejected"
    assert "feature" not in labels


@pytest.mark.parametrize(
    ("transition", "summary"),
    [
        (_MISSING, "employment_type missing 0.8 % → 93 % since 10:03"),
        (
            _transition("income|out_of_range|", 0.001, 1.0, [0, 0, 0, 0, 0, 0, 0, 60]),
            "income out of range 0.1 % → 100 % since 10:03, above 181,000",
        ),
        (
            _transition("income|location|", 0.5, 0.38, [40, 30, 20, 10, 0, 0, 0, 0], sd=-0.41, direction="down"),
            "income median 50,000 → 30,000 (-0.41 sd) since 10:03",
        ),
        (
            _transition("income|location|", 0.5, 0.9, [4, 0, 0, 0, 0, 0, 0, 10], sd=1.4),
            "income median 50,000 → above 181,000 (+1.40 sd) since 10:03",
        ),
        (
            _transition("|predicted_share|rejected", 0.21, 0.64, [36, 64, 0, 0, 0, 0]),
            "predicted share of rejected 21 % → 64 % since 10:03",
        ),
        (
            _transition("employment_type|share|rejected", 0.21, 0.0, [60, 0, 0, 0, 0, 0], direction="down"),
            "employment_type: share of rejected 21 % → 0 % since 10:03",
        ),
        (
            _transition("employment_type|share|rejected", 0.0, 0.2, [], event="resolved", at=_ONSET + 12_000_000),
            "employment_type: share of rejected back to 20 %, lasted 3 h 20 min",
        ),
        (
            _transition("channel|share|(other)", 0.05, 0.4, [1, 1, 1, 2, 0, 0, 0]),
            "channel: share of rarer values 5 % → 40 % since 10:03",
        ),
        (
            _transition("channel|share|other", 0.3, 0.1, [1, 1, 1, 2, 0, 0, 0], direction="down"),
            "channel: share of other 30 % → 10 % since 10:03",
        ),
        (
            _transition("channel|share|", 0.2, 0.1, [1, 1, 1, 2, 0, 0, 0], direction="down"),
            'channel: share of "" 20 % → 10 % since 10:03',
        ),
        (
            _transition("income|out_of_range|", 0.001, 1.0, [0, 0, 0, 0, 0, 0, 60, 0]),
            "income out of range 0.1 % → 100 % since 10:03, below 0",
        ),
        (
            _transition("income|out_of_range|", 0.001, 1.0, [0, 0, 0, 0, 0, 0, 30, 30]),
            "income out of range 0.1 % → 100 % since 10:03, outside 0 to 181,000",
        ),
        (
            _transition("income|location|", 0.59, 0.38, [40, 30, 20, 10, 0, 0, 0, 0], sd=-0.75, direction="down"),
            "income median 50,000 → 30,000 (-0.43 sd off the profile, +0.32 before) since 10:03",
        ),
        (
            _transition("income|psi_1h|", 0.0, 0.31, [50, 20, 20, 10, 0, 0, 0, 0]),
            (
                "income distribution moved: PSI 0.31 over 1h since 10:03; "
                "most: 4000..20000 25 % → 50 %; 80000..150000 25 % → 10 %"
            ),
        ),
        (_transition("|prediction_unseen|", 0.0, 3e-5, []), "prediction unseen value 0 % → <0.01 % since 10:03"),
        (_transition("income|missing|", 0.201, 0.204, []), "income missing 20.1 % → 20.4 % since 10:03"),
        (_transition("income|missing|", 0.5, 0.9999, []), "income missing 50 % → 99.99 % since 10:03"),
        (
            _transition("income|missing|", 0.008, 0.009, [], event="resolved", at=_ONSET + 12_000_000),
            "income missing back to 0.9 %, lasted 3 h 20 min",
        ),
        (
            _transition("income|missing|", 0.008, 0.4, [], event="resolved", superseded_by="critical"),
            "income missing 0.8 % → 40 % since 10:03; goes on as critical",
        ),
        (
            _transition("income|missing|", 0.008, 0.4, [], opened_pane_end=_OPENED + 86_400_000),
            "income missing 0.8 % → 40 % since 2026-03-15 10:03",
        ),
        (
            _transition("income|repeated|", 0.0004, 0.171, []),
            "income: values repeat, 20 → 16.6 distinct ones of 20 since 10:03",
        ),
        (
            _transition("income|repeated|", 0.0004, 0.002, [], event="resolved", at=_ONSET + 3_600_000),
            "income back to 20 distinct values in 20 events, lasted 1 h",
        ),
        (
            _transition("income|location|", 0.5, 0.6, [250, 250, 250, 250, 0, 0, 0, 0], sd=0.3),
            "income moved up (+0.30 sd) since 10:03",
        ),
    ],
)
def test_summaries_say_what_moved_from_where_to_where_since_when(transition, summary):
    assert _summary(transition) == summary


@pytest.mark.parametrize(
    ("transition", "natural"),
    [
        (
            _transition("income|location|", 0.5, 0.7, [0, 0, 500, 500, 7, 0, 0, 0]),
            {
                "statistic": "median",
                "unit": "value",
                "from": 50_000.0,
                "to": 80_000.0,
                "effect": 30_000.0,
                "sd": 20_000.0,
            },
        ),
        (
            _transition("income|spread|", 0.5, 0.2, [0, 500, 500, 0, 7, 0, 0, 0], direction="down"),
            {
                "statistic": "interquartile_range",
                "unit": "value",
                "from": 60_000.0,
                "to": 30_000.0,
                "effect": -30_000.0,
                "sd": 20_000.0,
            },
        ),
        (
            _transition("income|spread|", 0.5, 0.9, [300, 200, 100, 100, 0, 0, 0, 300]),
            {
                "statistic": "interquartile_range",
                "unit": "value",
                "from": 60_000.0,
                "to": pytest.approx(181_000 - (4_000 + 16_000 * 250 / 300)),
                "effect": pytest.approx(181_000 - (4_000 + 16_000 * 250 / 300) - 60_000),
                "sd": 20_000.0,
                "to_beyond": "above",
            },
        ),
        (
            _transition("employment_type|missing|", 0.25, 0.75, [1, 0, 0, 3, 0, 0]),
            {"statistic": "percent_of_events", "unit": "percent", "from": 25.0, "to": 75.0, "effect": 50.0},
        ),
        (
            _transition("|predicted_share|rejected", 0.25, 0.125, [7, 1, 0, 0, 0, 0], direction="down"),
            {"statistic": "percent_of_events", "unit": "percent", "from": 25.0, "to": 12.5, "effect": -12.5},
        ),
        (
            _transition("income|repeated|", 0.0, 0.25, [1, 1, 1, 1, 0, 0, 0, 0]),
            {
                "statistic": "distinct_values",
                "unit": "values",
                "from": 20.0,
                "to": 15.0,
                "effect": -5.0,
                "among": 20,
            },
        ),
        (_transition("income|psi_1h|", 0.0, 0.31, [500, 200, 200, 100, 7, 0, 0, 50]), None),
        (_transition("income|location|", 0.5, 0.7, []), None),
        (_transition("income|missing|", 0.5, math.nan, []), None),
        (_transition("income|location|", 0.5, 0.5, [0, 0, 500, 500, 7, 0, 0, 0], event="resolved"), None),
    ],
)
def test_a_change_is_told_in_natural_units_where_there_are_any(transition, natural):
    assert orjson.loads(render_series(transition, _PUBLISHING).to_json())["detail"].get("natural") == natural


def test_the_description_names_votes_amounts_profile_and_the_next_step():
    text = render_series(_MISSING, _PUBLISHING).annotations.description
    assert "shiryaev_roberts (1,234, limit 400)" in text
    assert "100,000 events before the change and 60 since" in text
    assert _PROFILE.content_hash[:19] in text
    assert "Moved most: missing 0 % → 93 %" in text
    assert "Next: look at what fills this field upstream" in text


@given(st.lists(st.integers(0, 10**9), min_size=8, max_size=8))
def test_a_median_lies_within_the_reference_or_says_on_which_side_it_left(counts):
    median = quantile_of(_INCOME, np.array(counts, np.int64), 0.5)
    if median is None:
        assert sum(counts[:4]) + counts[6] + counts[7] == 0
    elif median.beyond is None:
        assert _INCOME.minimum <= median.value <= _INCOME.maximum
    else:
        limits = {"below": (_INCOME.low, _INCOME.edges[0]), "above": (_INCOME.high, _INCOME.edges[-1])}
        assert median.value in limits[median.beyond]


def test_a_median_in_a_crowded_outermost_bin_is_only_known_to_lie_below_its_edge():
    few = quantile_of(_INCOME, np.array([300, 250, 250, 200, 0, 0, 0, 0]), 0.25)
    assert few is not None
    assert few.beyond is None
    assert quantile_of(_INCOME, np.array([900, 50, 25, 25, 0, 0, 0, 0]), 0.5) == (_INCOME.edges[0], "below")


@given(st.lists(st.integers(0, 10**6), min_size=8, max_size=8))
def test_top_cells_are_five_at_most_and_all_have_moved(counts):
    cells = top_cells(_SERIES["income|location|"], np.array(counts, np.int64))
    assert len(cells) <= 5
    assert all(cell.before != cell.after and cell.name not in ("missing", "invalid") for cell in cells)


_floats = st.floats(allow_nan=True, allow_infinity=True)
_times = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@st.composite
def _transitions(draw):
    series = draw(st.sampled_from(sorted(_SERIES.values(), key=lambda s: s.index)))
    cells = len(series.slot.spec.counts)
    evidence = Evidence(
        tuple(
            draw(
                st.lists(
                    st.builds(DetectorEvidence, st.text(), _floats, _floats, st.none() | st.floats(0, 1)), max_size=3
                )
            )
        ),
        draw(st.sampled_from(["up", "down"])),
        draw(st.floats(0, 1) | st.just(math.nan)),
        draw(st.floats(0, 1) | st.just(math.nan)),
        draw(st.none() | _floats),
        *sorted(draw(st.tuples(_times, _times, _times))),
        draw(st.integers(0, 1 << 60)),
        draw(st.integers(0, 1 << 60)),
        np.array(draw(st.lists(st.integers(0, 10**9), min_size=cells, max_size=cells) | st.just([])), np.int64),
    )
    offsets = st.dictionaries(
        st.builds("{}:{}".format, st.text(), st.integers(0, 99)),
        st.tuples(st.integers(0, 1 << 62), st.integers(0, 1 << 62)),
        max_size=3,
    )
    return Transition(
        series,
        draw(st.sampled_from(["opened", "escalated", "repeat", "resolved"])),
        draw(st.sampled_from(["warning", "critical"])),
        draw(_times),
        draw(_times),
        draw(st.integers(0, 1000)),
        draw(st.text()),
        evidence,
        draw(offsets),
        draw(st.none() | st.just("critical")),
    )


@given(_transitions())
def test_any_transition_is_valid_json_against_the_schema_and_reads_back_equal(transition):
    event = render_series(transition, _PUBLISHING)
    data = event.to_json()
    _VALIDATOR.validate(orjson.loads(data))
    assert AlertEvent.model_validate_json(data) == event
    summary = event.annotations.summary
    assert "nan" not in summary
    assert "inf" not in summary
    if "missing 0 % → 0 %" in summary:
        assert transition.evidence.before == transition.evidence.after
