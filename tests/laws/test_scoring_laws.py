"""What holds of every score, whatever the alerts and incidents are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driftgauge.cli.score_json import score_object
from driftgauge.scoring.alert import Alert
from driftgauge.scoring.incident import Incident
from driftgauge.scoring.matching import VERDICTS, Watch, match
from driftgauge.scoring.measures import measure
from driftgauge.scoring.score import Score, score
from driftgauge.scoring.spans import length, overlap, rest, union
from scored import alert, incident

SPAN = 1_000
WATCH = Watch(frozenset({"loans", "fraud"}), 0, SPAN)
TIMES = st.integers(-100, SPAN + 100)
FEATURES = st.sampled_from(["job", "age", ""])
MODELS = st.sampled_from(["loans", "fraud", "other"])


@st.composite
def alerts(draw: Any) -> list[Alert]:
    found = []
    for number in range(draw(st.integers(0, 12))):
        opened, lasted = draw(TIMES), draw(st.none() | st.integers(0, 300))
        resolved = None if lasted is None else opened + lasted
        given_labels = {"model_id": draw(MODELS), "segment": draw(st.sampled_from(["", "pl"]))}
        found.append(alert(opened, resolved, draw(FEATURES), event_id=str(number), **given_labels))
    return found


@st.composite
def incidents(draw: Any) -> list[Incident]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        start, lasts = draw(TIMES), draw(st.none() | st.integers(0, 300))
        names = {
            "name": str(number),
            "kind": draw(st.sampled_from([None, "null", "shift"])),
            "model_id": draw(st.none() | MODELS),
            "segment": draw(st.sampled_from([None, "pl"])),
            "feature": draw(st.sampled_from([None, "job", "age"])),
        }
        found.append(incident(start, None if lasts is None else start + lasts, **names))
    return found


TOLERANCES = st.integers(0, 100)


@given(alerts(), incidents(), TOLERANCES, st.randoms(use_true_random=False))
def test_the_order_of_alerts_and_incidents_changes_nothing(told, known, tolerance, random):
    expected = score_object(score(told, known, WATCH, tolerance))
    random.shuffle(told)
    random.shuffle(known)
    assert score_object(score(told, known, WATCH, tolerance)) == expected


@given(alerts(), incidents(), TOLERANCES, st.integers(-(10**12), 10**12))
def test_the_same_at_another_time_scores_the_same(told, known, tolerance, by):
    later = [
        one._replace(opened=one.opened + by, resolved=None if one.resolved is None else one.resolved + by)
        for one in told
    ]
    moved = [
        one.model_copy(update={"start": one.start + by, "end": None if one.end is None else one.end + by})
        for one in known
    ]
    then = Watch(WATCH.models, WATCH.start + by, WATCH.end + by)
    first, second = score(told, known, WATCH, tolerance), score(later, moved, then, tolerance)
    assert _numbers(first) == _numbers(second)
    verdicts = [[(judged.alert.event_id, judged.verdict) for judged in one.matching.alerts] for one in (first, second)]
    assert verdicts[0] == verdicts[1]


def _numbers(of: Score) -> Any:
    return of.measures, of.kinds, of.comparison


@given(alerts(), incidents(), TOLERANCES)
def test_every_alert_has_one_verdict_and_every_hit_is_the_find_of_one_incident(told, known, tolerance):
    found = match(told, known, WATCH, tolerance)
    assert sorted(judged.alert.event_id for judged in found.alerts) == sorted(one.event_id for one in told)
    assert {judged.verdict for judged in found.alerts} <= set(VERDICTS)
    of = {verdict: [j.alert for j in found.alerts if j.verdict == verdict] for verdict in VERDICTS}
    by_id = [one.event_id for finding in found.findings if (one := finding.by) is not None]
    assert sorted(by_id) == sorted(one.event_id for one in of["hit"])
    assert sum(len(finding.duplicates) for finding in found.findings) == len(of["duplicate"])
    assert sum(len(finding.beside) for finding in found.findings) == len(of["beside"])
    assert len(found.findings) + len(found.not_judged) == len(known)
    counted = measure(found, tolerance)
    assert sum(counted.verdicts.values()) == len(told)
    assert counted.recall.found == len(of["hit"])


@given(alerts(), incidents(), TOLERANCES)
def test_what_finds_an_incident_was_told_in_its_window_and_names_it(told, known, tolerance):
    for finding in match(told, known, WATCH, tolerance).findings:
        for one in [*([finding.by] if finding.by is not None else []), *finding.duplicates]:
            assert finding.incident.names(one)
            assert finding.incident.start < one.opened <= finding.until <= SPAN
        assert all(one.opened <= finding.incident.start for one in finding.open_before)


@given(alerts(), incidents(), TOLERANCES)
def test_never_finds_nothing_and_is_never_wrong(told, known, tolerance):
    never = next(row.measures for row in score(told, known, WATCH, tolerance).comparison if row.name == "never")
    assert never.recall.found == never.false.count == 0
    assert never.delays.mean is None
    assert never.delays.median.at is None


@given(alerts(), incidents(), TOLERANCES)
def test_a_false_alert_was_told_in_quiet_time(told, known, tolerance):
    found = match(told, known, WATCH, tolerance)
    for judged in found.alerts:
        if judged.verdict in ("false", "open_before"):
            windows = found.windows(judged.alert.model_id, tolerance)
            assert not any(start < judged.alert.opened <= end for start, end in windows)


@given(alerts(), incidents(), TOLERANCES)
def test_an_alert_more_changes_no_verdict_before_it(told, known, tolerance):
    more = [*told, alert(SPAN // 2, event_id="more")]
    before = [j for j in match(told, known, WATCH, tolerance).alerts if j.alert.opened < SPAN // 2]
    assert [j for j in match(more, known, WATCH, tolerance).alerts if j.alert.opened < SPAN // 2] == before


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))),
)
def test_spans_are_sets_of_moments(first, second):
    def moments(spans: Any) -> set[int]:
        return {moment for start, end in spans for moment in range(max(start, 10), min(end, 50))}

    one, other = union(first, (10, 50)), union(second, (10, 50))
    assert moments(one) == moments(first)
    assert length(one) == len(moments(first))
    assert moments(rest(first, (10, 50))) == set(range(10, 50)) - moments(first)
    assert overlap(one, other) == len(moments(first) & moments(second))
