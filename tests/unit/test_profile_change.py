"""A version that changes its profile: at a pane boundary in event time, with the old profile's alerts ended there."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from builders import MINUTE
from changing_profile import (
    CHANGED,
    END,
    MOVED,
    SOURCES,
    START,
    Line,
    batches,
    log,
    model,
    old_then_new,
    profile,
    replayed,
)
from driftgauge.decode.columns import Decoded
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of
from driftgauge.errors import ConfigError, StateError
from driftgauge.panes.messages import END_OF_TIME, PartialPane, ProfileChange, Sources, Watermark
from driftgauge.panes.schedule import ALWAYS, first_pane
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.records import RecordBatch

OLD, NEW = profile(0).content_hash, profile(MOVED).content_hash
SWITCH = START + CHANGED * MINUTE


def line_of(models, values, sizes=()):
    line = Line(models)
    for batch in batches(values, sizes, SOURCES[0]):
        line.take(batch)
    return line


def test_the_old_profile_judges_up_to_the_change_and_the_new_one_after_it():
    alerts = replayed(old_then_new(), batches(log(), [], SOURCES[0]))
    at_change = [a for a in alerts if a.updatedAt == "2026-01-01T00:40:00Z" and a.detail.reason]
    assert {(a.event, a.status, a.detail.reason, a.detail.profile) for a in at_change} == {
        ("resolved", "resolved", "profile_changed", OLD)
    }
    # Whatever was open is ended, and nothing else.
    open_before = {a.fingerprint for a in alerts if a.updatedAt <= "2026-01-01T00:40:00Z" and a.status == "firing"}
    ended = {a.fingerprint for a in alerts if a.updatedAt <= "2026-01-01T00:40:00Z" and a.status == "resolved"}
    assert open_before == ended
    assert {a.labels.series for a in at_change} >= {"location", "unseen", "out_of_range"}
    assert alerts.index(at_change[-1]) - alerts.index(at_change[0]) == len(at_change) - 1
    after = alerts[alerts.index(at_change[-1]) + 1 :]
    assert [(a.event, a.labels.feature, a.labels.series, a.detail.profile) for a in after] == [
        ("opened", "job", "missing", NEW)
    ]
    # As if there had been no other one: up to the change by the old one alone, after it by the new one alone.
    alone = [*replayed([model(0)], batches(log(range(CHANGED)), [], SOURCES[0]))]
    assert [a.event_id for a in alerts[: len(alone)]] == [a.event_id for a in alone]
    fresh = replayed([model(MOVED)], batches(log(range(CHANGED, END)), [], SOURCES[0]))
    assert [a.event_id for a in after] == [a.event_id for a in fresh]


def test_a_resolved_alert_says_why_and_does_not_say_that_it_is_over():
    alerts = replayed(old_then_new(), batches(log(), [], SOURCES[0]))
    (found,) = [a for a in alerts if a.detail.reason and a.labels.series == "location"]
    assert found.annotations.summary == (
        "age median 0.014 → above 1.661 (+1.73 sd) since 00:20; ends with the profile that it was judged by"
    )
    assert "another profile holds from now on" in found.annotations.description
    assert found.endsAt == found.updatedAt
    assert json.loads(found.to_json())["detail"]["reason"] == "profile_changed"
    assert found.source.offsets == {}


@pytest.mark.parametrize("sizes", [[], [1000, 1, 7, 199, 3], [7] * 400])
def test_every_event_is_counted_once_with_the_profile_of_its_time(sizes):
    values = log()
    line = line_of(old_then_new(), values, sizes)
    assert {(p.start < SWITCH, p.profile) for p in line.partials} == {(True, OLD), (False, NEW)}
    assert [p.events for p in line.partials] == [30] * len(line.partials)
    whole = {p.start: p.counts.tolist() for p in line_of(old_then_new(), values).partials}
    assert {p.start: p.counts.tolist() for p in line.partials} == whole
    only_old, only_new = (
        {p.start: p.counts.tolist() for p in line_of([m], values).partials} for m in (model(0), model(MOVED))
    )
    assert whole == {s: (only_old if s < SWITCH else only_new)[s] for s in whole}
    changes = [m for m in line.messages if isinstance(m, ProfileChange)]
    assert changes == [ProfileChange("loans", "1", NEW, SWITCH)]
    first_new = next(m for m in line.messages if isinstance(m, PartialPane) and m.profile == NEW)
    assert line.messages.index(changes[0]) < line.messages.index(first_new)


def test_a_batch_that_spans_the_change_is_right_to_the_event_however_it_is_ordered():
    decoder = decoder_of(old_then_new(), None)
    values = [json.loads(value) for value in log(range(CHANGED - 1, CHANGED + 1))]
    for i, value in enumerate(values):
        value["timestamp"] = SWITCH - 1 if i % 3 else SWITCH
    values[5]["features"]["job"] = 7  # the lenient way
    values[6]["timestamp"] = "soon"  # no event
    values[7]["timestamp"] = None  # the record's own time
    encoded = [json.dumps(value).encode() for value in values]
    stamps = [SWITCH + 5] * len(encoded)

    def decode(rows: list[int]) -> Decoded:
        part = RecordBatch(SOURCES[0], rows, [stamps[i] for i in rows], [encoded[i] for i in rows])
        return decoder.decode(part)

    found = decode(list(range(len(encoded))))
    by_since = {events.since: events for events in found.events}
    new = [i for i in range(len(encoded)) if (i % 3 == 0 and i != 6) or i == 7]
    old = [i for i in range(len(encoded)) if i % 3 and i != 7]
    assert by_since[SWITCH].rows.tolist() == new
    assert by_since[ALWAYS].rows.tolist() == old
    assert [r.row for r in found.rejects] == [6]
    # The same one by one.
    for rows, since in ((new, SWITCH), (old, ALWAYS)):
        for slot in range(3):
            single = [decode([i]).events[0].columns[slot][0] for i in rows]
            assert np.array_equal(by_since[since].columns[slot], np.array(single), equal_nan=slot == 0)


def test_the_change_waits_for_a_boundary_of_both_lengths():
    assert first_pane(START, 60_000, 60_000) == START
    assert first_pane(START + 1, 60_000, 60_000) == START + 60_000
    assert first_pane(START + 1, 60_000, 300_000) == START + 300_000
    assert first_pane(START + 1, 40_000, 60_000) - START <= 120_000
    models = [model(0), model(MOVED, since=CHANGED, pane=5 * MINUTE)]
    line = line_of(models, log())
    assert {(p.length, p.profile) for p in line.partials} == {(MINUTE, OLD), (5 * MINUTE, NEW)}
    assert sum(p.events for p in line.partials if p.start >= SWITCH) == 30 * 30
    assert max(p.end for p in line.partials if p.profile == OLD) == SWITCH


def test_a_late_event_is_late_for_the_profile_of_its_time():
    early = log(range(CHANGED + 5))
    late = json.loads(early[-1]) | {"timestamp": SWITCH - 1}
    line = line_of(old_then_new(), [*early, json.dumps(late).encode()])
    assert line.ingests[SOURCES[0]].late == 1


def test_before_the_first_profile_of_a_version_nothing_of_it_is_watched():
    models = [model(MOVED, since=CHANGED)]
    alerts = replayed(models, batches(log(), [], SOURCES[0]))
    assert [(a.event, a.labels.alertname, a.updatedAt[11:16]) for a in alerts] == [
        ("opened", "BaselineMissing", "00:01"),
        ("resolved", "BaselineMissing", "00:40"),
        ("opened", "DataQuality", "01:01"),
    ]
    assert alerts[1].annotations.summary == "loans version 1 has a profile now"
    line = line_of(models, log(), [13] * 100)
    assert [a.event_id for a in line.alerts] == [a.event_id for a in alerts]
    assert {(p.start < SWITCH, p.profile) for p in line.partials} == {(True, NO_PROFILE), (False, NEW)}


def test_a_version_that_fell_silent_before_it_has_a_profile_is_told_of_as_silent():
    models = [model(MOVED, since=CHANGED)]
    values = log([*range(5), *range(CHANGED, END)])
    assert [(a.event, a.updatedAt[11:16]) for a in replayed(models, batches(values, [], SOURCES[0]))][:2] == [
        ("opened", "00:01"),
        ("resolved", "00:15"),
    ]


def test_the_end_of_a_file_changes_no_profile():
    alerts = replayed(old_then_new(), batches(log(range(CHANGED)), [], SOURCES[0]))
    assert [a for a in alerts if a.detail.reason] == []
    only_unprofiled = replayed([model(MOVED, since=CHANGED)], batches(log(range(CHANGED)), [], SOURCES[0]))
    assert [a.event for a in only_unprofiled] == ["opened"]


def test_an_entry_may_be_added_ahead_of_time_and_the_old_one_be_taken_away_afterwards():
    values = log()
    whole = line_of(old_then_new(), values)
    line = Line([model(0)])
    # Cut in minutes 30, 50 and 55; the change is in minute 40.
    for batch in batches(values, [30 * 30, 20 * 30, 5 * 30], SOURCES[0]):
        line.take(batch)
        reached = batch.offsets[-1] // 30
        line.restart(old_then_new() if reached < 54 else [model(MOVED)])
    assert [a.event_id for a in line.alerts] == [a.event_id for a in whole.alerts]
    assert line.fields == whole.fields


def test_what_was_stored_of_the_old_profile_is_deleted_with_it():
    line = line_of(old_then_new(), log(), [30 * 20] * 3)
    rows = [name for name in line.fields if "row/" in name or "counts/" in name]
    assert min(int(name.rpartition("/")[2]) for name in rows) == SWITCH
    assert line.fields['["loans","1",""]plan'].startswith(f"{NEW} 60000".encode())


@pytest.mark.parametrize("models", [old_then_new(), [model(MOVED, since=CHANGED)]], ids=["changed", "first"])
def test_a_change_at_or_before_what_is_counted_is_refused_with_the_way_out(models):
    before = [model(0)] if len(models) > 1 else [model(0, since=10_000)]
    line = line_of(before, log(range(CHANGED + 1)))
    line.fields = {}
    with pytest.raises(StateError) as caught:
        line.restart(models)
    assert str(caught.value) == (
        "the profile of loans/1 is to change at 2026-01-01T00:40:00Z, but events up to 2026-01-01T00:41:00Z have been "
        "taken with what was there before; choose an effective_from some minutes after that, as other partitions may "
        "have come further"
    )
    # Seen and still open is enough; the minute before is not.
    early = line_of(before, log(range(CHANGED)))
    early.restart(models)


def test_detect_refuses_a_change_at_or_before_a_closed_pane():
    for before, message in (
        ([model(0)], "is to change at 2026-01-01T00:40:00Z, but events up to 2026-01-01T00:4"),
        ([model(0, since=10_000)], "is to change at 2026-01-01T00:40:00Z, but events up to 2026-01-01T00:4"),
    ):
        line = line_of(before, log(range(CHANGED + 5)))
        line.states = {}
        line.fields = {name: data for name, data in line.fields.items() if not name.startswith("open/")}
        with pytest.raises(StateError, match=message):
            line.restart(old_then_new() if len(line.alerts) > 1 else [model(MOVED, since=CHANGED)])


def test_a_profile_that_is_replaced_without_a_time_is_refused_as_before():
    line = line_of([model(0)], log(range(10)))
    with pytest.raises(StateError, match="was counted with profile"):
        line.restart([model(MOVED)])
    # Also where nothing is open, and where the new one was already in force.
    done = line_of(old_then_new(), log())
    with pytest.raises(StateError, match="was counted with profile"):
        done.restart([model(0)])
    with pytest.raises(StateError, match="is configured to have none yet"):
        done.restart([model(MOVED, since=10_000)])


def test_partials_of_the_wrong_profile_for_their_time_are_foreign():
    line = Line(old_then_new())
    old, new = (m.layout for m in line.models)
    for layout, start in ((new, SWITCH - MINUTE), (old, SWITCH)):
        counts = np.zeros(layout.size, np.int64)
        line.stage.process(
            [PartialPane(line.models[0].subject, layout.profile_hash, start, MINUTE, SOURCES[0], counts, 0, 0, 0)]
        )
    assert line.stage.foreign == 2
    assert line.stage.merge.open == {}


def test_episodes_end_when_all_partitions_have_passed_the_change_whether_or_not_an_event_comes():
    line = line_of(old_then_new(), log(range(CHANGED)))
    assert not [a for a in line.alerts if a.detail.reason]
    raised = line.stage.process([Watermark(SOURCES[0], SWITCH, 2000, 2000, 0)])
    ended = [line.render(r) for r in raised]
    assert {a.updatedAt for a in ended if a.detail.reason} == {"2026-01-01T00:40:00Z"}
    assert line.stage.process([Sources(SOURCES[:1])]) == []


def test_a_version_twice_from_the_same_time_on_is_an_error():
    with pytest.raises(ConfigError, match="loans/1 is configured twice"):
        decoder_of([model(0), model(MOVED)], None)


def test_a_budget_may_change_without_the_profile():
    models = [model(0), replace(model(0, since=CHANGED), budget=50.0)]
    alerts = replayed(models, batches(log(), [], SOURCES[0]))
    ended = {a.fingerprint for a in alerts if a.detail.reason}
    assert ended
    again = [a for a in alerts if a.updatedAt > "2026-01-01T00:40:00Z" and a.event == "opened"]
    # What is off by the same profile is off again, under the new settings and with ids of its own.
    assert ended <= {a.fingerprint for a in again}
    line = Line(models)
    for batch in batches(log(), [37 * 30, 5 * 30, 11], SOURCES[0]):
        line.take(batch)
        line.restart(models)
    assert [a.event_id for a in line.alerts] == [a.event_id for a in alerts]


def test_a_replay_that_ended_before_the_change_can_be_taken_over_after_its_end():
    models = old_then_new()
    line = line_of(models, log(range(CHANGED - 5)))
    stage = stage_of(models)
    stage.process([Sources((SOURCES[0],)), *line.messages, Watermark(SOURCES[0], END_OF_TIME, 0, 0, 0)])
    fields, _ = stage.changes()
    again = stage_of(models)
    again.restore(fields)
    assert again.merge.low_watermark == END_OF_TIME
    assert again.changes()[0].keys() >= {name for name in fields if "row/" not in name and "counts/" not in name}
