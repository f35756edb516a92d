"""Which alert is a hit, a duplicate, beside, false, open before or outside, and of which incident."""

from __future__ import annotations

import pytest

from scored import alert, incident, matched, verdicts


def test_the_first_alert_in_the_window_is_the_hit_and_later_ones_are_duplicates():
    found = matched([alert(150), alert(160, feature="age"), alert(290)], [incident(100, 200)], tolerance=50)
    assert verdicts(found) == ["hit", "duplicate", "false"]
    (finding,) = found.findings
    assert (finding.by.opened, finding.delay, [a.opened for a in finding.duplicates]) == (150, 50, [160])


@pytest.mark.parametrize(("opened", "verdict"), [(100, "open_before"), (101, "hit"), (250, "hit"), (251, "false")])
def test_the_window_begins_after_the_start_and_ends_with_the_tolerance(opened, verdict):
    # An alert told as the incident begins rests on what was before.
    assert verdicts(matched([alert(opened)], [incident(100, 200)], tolerance=50)) == [verdict]


def test_an_alert_that_was_open_already_is_no_hit_and_stays_in_vain():
    found = matched([alert(50, 120)], [incident(100, 200)])
    assert verdicts(found) == ["open_before"]
    assert found.findings[0].by is None
    assert [a.opened for a in found.findings[0].open_before] == [50]


@pytest.mark.parametrize(("resolved", "verdict"), [(99, "false"), (100, "false"), (101, "open_before")])
def test_what_was_over_when_the_incident_began_was_false(resolved, verdict):
    assert verdicts(matched([alert(50, resolved)], [incident(100, 200)])) == [verdict]


def test_of_one_incident_the_hit_may_be_open_before_the_next():
    found = matched([alert(150, 450)], [incident(100, 200), incident(400, 500)])
    assert verdicts(found) == ["hit"]
    assert [len(finding.open_before) for finding in found.findings] == [0, 1]
    assert found.findings[1].by is None


def test_on_another_feature_it_is_beside_and_finds_nothing():
    found = matched([alert(150, feature="age")], [incident(100, 200, feature="job")])
    assert verdicts(found) == ["beside"]
    assert found.findings[0].by is None
    assert [a.feature for a in found.findings[0].beside] == ["age"]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"feature": "job"}, {"feature": "age"}),
        ({"segment": "pl"}, {"segment": "de"}),
        ({"segment": "pl"}, {"segment": ""}),
        ({"model_version": "2"}, {"model_version": "1"}),
        ({"alertname": "PredictionDrift"}, {"alertname": "DataQuality"}),
    ],
)
def test_whatever_is_named_must_be_the_alerts_own(named, told):
    assert verdicts(matched([alert(150, **told)], [incident(100, 200, **named)])) == ["beside"]
    assert verdicts(matched([alert(150, **(told | named))], [incident(100, 200, **named)])) == ["hit"]
    assert verdicts(matched([alert(150, **told)], [incident(100, 200)])) == ["hit"]


def test_an_incident_of_another_model_excuses_nothing():
    incidents = [incident(100, 200, model_id="fraud")]
    found = matched([alert(150), alert(150, model_id="fraud")], incidents, models=("loans", "fraud"))
    assert {judged.alert.model_id: judged.verdict for judged in found.alerts} == {"loans": "false", "fraud": "hit"}


def test_one_alert_finds_one_incident_the_one_that_names_most_and_then_the_earliest():
    wide, early, late = incident(90, 200), incident(100, 200, feature="job"), incident(110, 200, feature="job")
    assert matched([alert(150)], [wide, early, late]).alerts[0].incident is early
    found = matched([alert(150), alert(160), alert(170), alert(180)], [wide, early, late])
    assert [judged.incident for judged in found.alerts] == [early, late, wide, early]
    assert verdicts(found) == ["hit", "hit", "hit", "duplicate"]


def test_an_incident_without_an_end_goes_on_to_the_end_of_the_span():
    found = matched([alert(950)], [incident(100)])
    assert verdicts(found) == ["hit"]
    assert (found.findings[0].until, found.findings[0].watched) == (1000, 900)


def test_what_is_not_found_is_watched_to_the_end_of_its_window_or_of_the_span():
    found = matched([], [incident(100, 200), incident(900, 990)], tolerance=50)
    assert [finding.watched for finding in found.findings] == [150, 100]


@pytest.mark.parametrize("opened", [0, 1001])
def test_alerts_outside_the_span_are_not_judged(opened):
    assert verdicts(matched([alert(opened, opened + 1)], [])) == ["outside"]
    assert verdicts(matched([alert(1), alert(1000)], [])) == ["false", "false"]


def test_alerts_of_a_model_that_is_not_watched_are_not_judged():
    assert verdicts(matched([alert(150, model_id="other")], [incident(100, 200)])) == ["outside"]


def test_incidents_that_begin_outside_the_span_or_are_of_another_model_are_not_judged():
    incidents = [incident(-50, 100), incident(1000, 1100), incident(300, 400, model_id="other")]
    found = matched([alert(50), alert(350)], incidents)
    assert not found.findings
    assert len(found.not_judged) == 3
    # The first may be of what had begun before; nothing was wrong with this model at the second.
    assert verdicts(found) == ["outside", "false"]
