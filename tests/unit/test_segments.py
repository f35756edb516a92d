"""Segments from the bytes of an event to an alert: counted beside the whole, judged on their own, told by name."""

from __future__ import annotations

import json
import math

import pytest

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig, SegmentsConfig
from driftgauge.config_segments import watched_segments
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import by_rows, model_of
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.merge_state import merge_fields, restore_merge
from driftgauge.panes.messages import PartialPane, ProfileChange, Sources
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.subject import Subject
from segmented import START, built, event_of, events, loans

MINUTE = 60_000
EVERY = 100  # Ten events a second: 600 a pane.
ROWS, BREAK = 12_000, 6_000
SOURCE = Source("t", 0)


@pytest.fixture(scope="module")
def profile():
    return built(loans(20_000, 1), every_ms=EVERY).profile


def model(profile, **section):
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    chosen = watched_segments(profile, SegmentsConfig(**section), 20)
    return model_of(profile, settings, pane_length=MINUTE, budget=1.0, segments=chosen)


def batch(values, first=0, source=SOURCE):
    return RecordBatch(source, range(first, first + len(values)), [0] * len(values), values)


def alerts_of(watched, values):
    ingest = ingest_of([watched], SOURCE, decoder_of([watched], None))
    render = renderer_of([watched], Run(mode="backtest", run_id="test"))
    totals = ReplayTotals()
    steps = replay([ReplaySource(ingest, [batch(values)])], stage_of([watched]), totals)
    return [render(raised) for step in steps for raised in step], totals


def codes(watched, *values):
    [found] = decoder_of([watched], None).decode(batch(list(values))).events
    return found.segments.tolist()


def row(country):
    return {"income": 1.0, "job": "salaried", "decision": "approved", "country": country}


def test_an_event_is_of_the_segment_that_its_tag_names_and_of_none_else(profile):
    told = [event_of(row(country), 0, every_ms=1) for country in ("pl", "de", "at", None, 7)]
    untagged = json.dumps({k: v for k, v in json.loads(told[0]).items() if k != "tags"}).encode()
    assert codes(model(profile), *told, untagged) == [4, 0, -1, -1, -1, -1]


def test_an_event_on_the_slow_path_is_of_the_same_segment(profile):
    event = json.loads(event_of(row("fr"), 0, every_ms=1))
    alias = {"metadata" if name == "tags" else name: value for name, value in event.items()}
    odd = event | {"features": {"income": "12"}}
    assert codes(model(profile), *(json.dumps(e).encode() for e in (alias, odd, event | {"tags": [1]}))) == [1, 1, -1]


def test_without_segments_tags_are_not_read(profile):
    [found] = decoder_of([model(profile, limit=0)], None).decode(batch([event_of(row("de"), 0, every_ms=1)])).events
    assert found.segments is None


def test_the_whole_keeps_half_of_the_budget_and_segments_share_the_rest_by_the_cap(profile):
    few, many = model(profile, limit=5), model(profile, limit=20, values=["de", "pl"])
    assert (few.budget, [part.budget for part in few.segments]) == (0.5, [0.1] * 5)
    assert (many.budget, [part.budget for part in many.segments]) == (0.5, [0.025] * 2)
    assert model(profile, limit=0).budget == 1.0
    # Another segment changes nothing for those that are there.
    assert many.segments[0].analysis == model(profile, limit=20).segments[0].analysis
    assert {d.name for d in few.segments[0].detectors()} == {"shiryaev_roberts", "multiscale", "mosum", "psi"}


def test_rows_without_times_are_so_in_every_segment(profile):
    untimed = profile.model_copy(update={"reference": profile.reference.model_copy(update={"timed": False})})
    counted = by_rows(model(untimed))
    assert [part.layout.told_days for part in counted.subjects] == [math.inf] * 6
    assert [part.layout.told_days for part in by_rows(model(profile)).segments] == [profile.reference.told_days] * 5


def test_which_segments_are_watched_is_part_of_the_runs_identity(profile):
    assert run_id_of([model(profile)], "g") != run_id_of([model(profile, values=["de"])], "g")


def partials(watched, values, size):
    ingest = ingest_of([watched], SOURCE, decoder_of([watched], None))
    done = [ingest.process(batch(values[i : i + size], i)) for i in range(0, len(values), size)] + [ingest.finish()]
    return [m for d in done for m in d.messages if isinstance(m, PartialPane)], done


def test_the_whole_is_counted_as_without_segments_and_is_their_sum_and_the_rest(profile):
    rows = loans(3000, 5)
    values = list(events(rows, every_ms=EVERY))
    plain, _ = partials(model(profile, limit=0), values, 700)
    panes, done = partials(model(profile, values=["de", "fr", "pl"]), values, 700)
    whole = {p.start: p for p in panes if not p.subject.segment}
    assert [(p.start, p.events, p.counts.tolist()) for p in plain] == [
        (p.start, p.events, p.counts.tolist()) for p in whole.values()
    ]
    outside = sum(row["country"] in {"it", "es"} for row in rows)
    assert sum(d.outside_segments for d in done) == outside
    parts = [p for p in panes if p.subject.segment]
    assert sum(p.events for p in parts) + outside == len(rows)
    rest, _ = partials(model(profile, values=["it", "es"]), values, 700)
    for start, pane in whole.items():
        own = [p.counts for p in (*parts, *rest) if p.start == start and p.subject.segment]
        assert sum(own).tolist() == pane.counts.tolist()
    first = min(parts, key=lambda p: (p.start, p.subject))
    mine = [i for i, row in enumerate(rows[:600]) if row["country"] == first.subject.segment]
    assert (first.first_offset, first.last_offset, first.events) == (mine[0], mine[-1], len(mine))


def test_a_segments_pane_passes_through_the_panes_topic_and_through_states(profile):
    watched = model(profile)
    layouts = {watched.layout.profile_hash: watched.layout}
    [pane, *_] = [
        p for p in partials(watched, list(events(loans(600, 5), every_ms=EVERY)), 600)[0] if p.subject.segment
    ]
    again = decode_message(encode_message(pane, layouts), layouts)
    assert (again.subject, again.counts.tolist()) == (pane.subject, pane.counts.tolist())
    ingest = ingest_of([watched], SOURCE, decoder_of([watched], None))
    ingest.process(batch(list(events(loans(900, 5), every_ms=EVERY))))
    fresh = ingest_of([watched], SOURCE, decoder_of([watched], None))
    restore(fresh, snapshot(ingest))
    assert snapshot(fresh) == snapshot(ingest)
    assert {key[0].segment for key in fresh.open} == {"", "de", "es", "fr", "it", "pl"}
    fewer = model(profile, values=["de"])
    restore(other := ingest_of([fewer], SOURCE, decoder_of([fewer], None)), snapshot(ingest))
    assert {key[0].segment for key in other.open} == {"", "de"}


def test_open_panes_of_two_subjects_never_share_a_state_field(profile):
    stage = stage_of([model(profile)])
    layout = model(profile).layout
    subjects = [Subject("m", "1/x"), Subject("m", "1", "x"), Subject("m/1", "x")]
    for subject in subjects:
        [pane, *_], _ = partials(model(profile, limit=0), [event_of(row("de"), 0, every_ms=1)], 1)
        stage.merge.take(
            PartialPane(subject, layout.profile_hash, 0, MINUTE, SOURCE, pane.counts, 1, 0, 0, incomplete=False)
        )
    again = restore_merge(merge_fields(stage.merge), lambda *_: (layout, MINUTE))
    assert {subject for subject, _ in again.open} == set(subjects)


def test_a_null_storm_in_one_segment_is_found_there_under_its_name_and_nowhere_else(profile):
    rows = loans(ROWS, 2, null_from=BREAK)
    found, totals = alerts_of(model(profile), list(events(rows, every_ms=EVERY)))
    opened = [alert for alert in found if alert.event == "opened"]
    assert {(a.labels.segment, a.labels.feature, a.labels.series) for a in opened} == {
        ("pl", "job", "missing"),
        ("pl", "", "predicted_share"),
        # 4.5 % of all events.
        ("", "job", "missing"),
    }
    first = opened[0]
    assert first.labels.segment == "pl"
    assert first.annotations.summary.startswith("country pl: job missing 1.3 % → 91 % since 00:10")
    assert first.annotations.description.startswith("Model loans/1, country pl: share of events whose job is missing.")
    assert first.labels.model_dump(by_alias=True)["segment"] == "pl"
    assert (totals.panes, totals.outside_segments) == (20, 0)
    ids = {alert.event_id for alert in found}
    assert len(ids) == len(found)
    assert AlertEvent.model_validate_json(first.to_json()) == first


def test_a_quiet_stream_is_silent_whatever_segments_are_like(profile):
    found, totals = alerts_of(model(profile), list(events(loans(ROWS, 3), every_ms=EVERY)))
    assert found == []
    assert totals.events == ROWS


def test_segments_change_nothing_of_what_the_whole_raises_but_its_budget(profile):
    values = list(events(loans(ROWS, 2, null_from=BREAK), every_ms=EVERY))
    beside, _ = alerts_of(model(profile, limit=20), values)
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    alone, _ = alerts_of(model_of(profile, settings, pane_length=MINUTE, budget=0.5), values)
    assert [a.event_id for a in beside if not a.labels.segment] == [a.event_id for a in alone]


def test_a_restarted_stage_goes_on_with_its_segments_and_leaves_those_that_are_watched_no_more(profile):
    watched = model(profile)
    values = list(events(loans(ROWS, 2, null_from=BREAK), every_ms=EVERY))
    messages = [Sources((SOURCE,)), *partials_and_watermarks(watched, values)]
    straight, stage = stage_of([watched]), stage_of([watched])
    expected = [raised.transition for raised in straight.process(messages)]
    half = len(messages) // 2
    told = [raised.transition for raised in stage.process(messages[:half])]
    fields, _ = stage.changes()
    fresh = stage_of([watched])
    fresh.restore(fields)
    told += [raised.transition for raised in fresh.process(messages[half:])]
    assert [(t.series.key, t.event, t.at) for t in told] == [(t.series.key, t.event, t.at) for t in expected]
    fewer = stage_of([model(profile, values=["pl"])])
    fewer.restore(fields)
    _, gone = fewer.changes()
    assert gone
    assert all(any(f'"{name}"]' in field for name in ("de", "fr", "it", "es")) for field in gone)
    # Another cap gives every segment another budget, hence other thresholds than those of the state.
    with pytest.raises(StateError, match="loans/1"):
        stage_of([model(profile, limit=5)]).restore(fields)


def partials_and_watermarks(watched, values):
    ingest = ingest_of([watched], SOURCE, decoder_of([watched], None))
    done = [ingest.process(batch(values[i : i + 600], i)) for i in range(0, len(values), 600)]
    return [m for d in (*done, ingest.finish()) for m in d.messages]


def test_a_pane_of_a_segment_that_is_not_watched_is_foreign(profile):
    messages = partials_and_watermarks(model(profile), list(events(loans(1200, 5), every_ms=EVERY)))
    stage = stage_of([model(profile, values=["de", "fr"])])
    stage.process([Sources((SOURCE,)), *messages])
    assert stage.foreign == sum(
        isinstance(m, PartialPane) and m.subject.segment in {"it", "es", "pl"} for m in messages
    )


def two_profiles(profile):
    """Until ten minutes after the storm has begun, de and pl are watched, then de and fr by another profile."""
    later = built(loans(20_000, 9), every_ms=EVERY).profile
    return [model(profile, values=["de", "pl"]), model(later, values=["de", "fr"]).starting(SWITCH)]


SWITCH = START + (BREAK * EVERY // MINUTE + 10) * MINUTE


def test_segments_change_with_the_profile_and_what_is_open_in_them_ends_there(profile):
    models = two_profiles(profile)
    values = list(events(loans(2 * ROWS, 2, null_from=BREAK), every_ms=EVERY))
    found = messages_of(models, values)
    counted = {(p.subject.segment, p.start >= SWITCH) for p in found if isinstance(p, PartialPane)}
    assert counted == {("", False), ("de", False), ("pl", False), ("", True), ("de", True), ("fr", True)}
    assert [m for m in found if isinstance(m, ProfileChange)] == [
        ProfileChange("loans", "1", models[1].layout.profile_hash, SWITCH)
    ]
    stage, render = stage_of(models), renderer_of(models, Run(mode="backtest", run_id="test"))
    alerts = [render(raised) for raised in stage.process([Sources((SOURCE,)), *found])]
    of_pl = [alert for alert in alerts if alert.labels.segment == "pl"]
    assert {alert.labels.series for alert in of_pl if alert.event == "opened"} == {"missing", "predicted_share"}
    ended = [alert for alert in of_pl if alert.detail.reason == "profile_changed"]
    assert {alert.labels.series for alert in ended} == {"missing", "predicted_share"}
    assert max(alert.updatedAt for alert in of_pl) == ended[0].updatedAt
    assert not [field for field in stage.changes()[0] if '"pl"]' in field]


def test_a_restart_in_the_middle_of_a_change_of_segments_changes_nothing(profile):
    models = two_profiles(profile)
    values = list(events(loans(2 * ROWS, 2, null_from=BREAK), every_ms=EVERY))
    straight = [m for m in messages_of(models, values) if isinstance(m, PartialPane)]
    restarted = [m for m in messages_of(models, values, restart=True) if isinstance(m, PartialPane)]
    shown = [[(p.subject, p.start, p.profile, p.counts.tolist()) for p in part] for part in (straight, restarted)]
    assert shown[0] == shown[1]
    # What is watched may change under state, also after the profile did.
    ingest = ingest_of(models, SOURCE, decoder_of(models, None))
    ingest.process(batch(values))
    other = [models[0], model(models[1].profile, values=["it"]).starting(SWITCH)]
    restore(ingest_of(other, SOURCE, decoder_of(other, None)), snapshot(ingest))


def messages_of(models, values, *, restart=False):
    ingest, out = ingest_of(models, SOURCE, decoder_of(models, None)), []
    for at in range(0, len(values), 600):
        out += ingest.process(batch(values[at : at + 600], at)).messages
        if restart:
            fresh = ingest_of(models, SOURCE, decoder_of(models, None))
            restore(fresh, snapshot(ingest))
            ingest = fresh
    return out + ingest.finish().messages
