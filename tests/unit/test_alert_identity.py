from dataclasses import replace

import numpy as np
import pytest

from driftgauge.alerts.fingerprint import fingerprint
from driftgauge.alerts.identity import event_id
from driftgauge.alerts.severity import alertname_of, severity_of
from driftgauge.alerts.transition import Evidence, Transition
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
)
from driftgauge.subject import Subject

_INCOME = NumericField(
    edges=[20_000.0, 50_000.0, 80_000.0],
    low=0.0,
    high=181_000.0,
    minimum=4_000.0,
    maximum=150_000.0,
    mean=50_000.0,
    sd=20_000.0,
    counts=[250, 250, 250, 250, 0, 0, 0, 0],
)
_DECISION = CategoricalField(value_type="string", categories=["accepted", "rejected"], counts=[790, 210, 0, 0, 0, 0])
_PROFILE = Profile(
    model_id="loan-approval",
    model_version="7",
    reference=ReferenceSpan(files=["train.csv"], rows=1000, first_ms=0, last_ms=2 * 86_400_000),
    suggested_pane="60s",
    features={"income": _INCOME, "employment_type": _DECISION},
    prediction=PredictionProfile(scalar="label", label=_DECISION, score=_INCOME),
)
_SERIES = {series.key: series for series in contrasts_of(Layout.of(_PROFILE), 60_000).series}
_EVIDENCE = Evidence((), "up", 0.0, 0.9, None, 0, 0, 0, 1, 1, np.zeros(0, np.int64))
_OPENED = Transition(_SERIES["income|missing|"], "opened", "critical", 60_000, 60_000, 0, "sha256:a", _EVIDENCE, {})
_SUBJECT = Subject("loan-approval", "7")


# From TestLabelsToSignature of prometheus/common model/signature_test.go.
@pytest.mark.parametrize(
    ("labels", "signature"),
    [
        ({}, 14695981039346656037),
        ({"name": "garland, briggs", "fear": "love is not enough"}, 5799056148416392346),
    ],
)
def test_fingerprint_is_the_one_prometheus_computes(labels, signature):
    assert fingerprint(labels) == f"{signature:016x}"


def test_fingerprint_is_blind_to_order_and_to_empty_labels():
    assert fingerprint({"a": "1", "b": "2", "segment": ""}) == fingerprint({"b": "2", "a": "1"})


def test_fingerprint_keeps_names_and_values_apart():
    assert fingerprint({"a": "bb", "b": "c"}) != fingerprint({"a": "b", "bb": "c"})


def test_the_same_transition_has_the_same_id_in_every_version_of_the_program():
    assert event_id(_SUBJECT, _OPENED) == "54817719-00ce-5ae2-92e1-4dca50aefbe7"


@pytest.mark.parametrize(
    "other",
    [
        replace(_OPENED, ordinal=1),
        replace(_OPENED, event="repeat"),
        replace(_OPENED, opened_pane_end=120_000),
        replace(_OPENED, analysis="sha256:b"),
        replace(_OPENED, series=_SERIES["income|invalid|"]),
    ],
)
def test_every_part_of_the_identity_changes_the_id(other):
    assert event_id(_SUBJECT, other) != event_id(_SUBJECT, _OPENED)


def test_evidence_time_and_severity_are_no_part_of_the_id():
    later = replace(_OPENED, at=180_000, severity="warning", evidence=replace(_EVIDENCE, after=0.5, onset=1))
    assert event_id(_SUBJECT, later) == event_id(_SUBJECT, _OPENED)


def test_parts_of_a_subject_do_not_run_into_each_other():
    assert event_id(Subject("a", "b/c"), _OPENED) != event_id(Subject("a/b", "c"), _OPENED)


@pytest.mark.parametrize(
    ("key", "before", "after", "severity"),
    [
        ("income|missing|", 0.1, 0.3, "critical"),
        ("income|missing|", 0.1, 0.299, "warning"),
        ("income|out_of_range|", 0.0, 1.0, "critical"),
        ("|predicted_share|rejected", 0.64, 0.44, "critical"),
        ("|predicted_share|rejected", 0.21, 0.40, "warning"),
        ("employment_type|share|rejected", 0.21, 0.0, "critical"),
        ("employment_type|share|rejected", 0.21, 0.40, "warning"),
        ("income|psi_1h|", 0.0, 1.0, "critical"),
        ("income|psi_1h|", 0.0, 0.31, "warning"),
        ("income|location|", 0.5, 0.6, "warning"),
        ("income|location|", 0.5, 0.1, "critical"),
        ("|score_location|", 0.5, 0.9, "critical"),
        ("income|location|", 0.5, float("nan"), "warning"),
    ],
)
def test_severity_goes_by_the_size_of_the_change(key, before, after, severity):
    assert severity_of(_SERIES[key], before, after) == severity


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("income|missing|", "DataQuality"),
        ("|score_missing|", "DataQuality"),
        ("|prediction_unseen|", "DataQuality"),
        ("income|location|", "FeatureDrift"),
        ("income|psi_1h|", "FeatureDrift"),
        ("employment_type|share|rejected", "FeatureDrift"),
        ("|score_spread|", "PredictionDrift"),
        ("|predicted_share|rejected", "PredictionDrift"),
    ],
)
def test_alert_names_say_what_kind_of_trouble_it_is(key, name):
    assert alertname_of(_SERIES[key]) == name
