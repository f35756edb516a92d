"""Events of a model or version without a profile: counted, told of once, and the same however they come."""

from __future__ import annotations

import json

import pytest

from builders import MINUTE, small_profile
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.config import AlertsConfig, Config, LimitsConfig, PanesConfig
from driftgauge.engine.configured import models_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.engine.unprofiled import unprofiled_of
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.messages import PartialPane, Sources
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.subject import Subject

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
A, B = Source("in", 0), Source("in", 1)
RUN = Run(mode="backtest", run_id="test")
OURS = {"model_version": "7", "features": {"income": 1.0, "job": "a"}}


def model(version: str = "7", **limits):
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(**limits), {})
    return model_of(small_profile(version), settings, pane_length=MINUTE, budget=1.0)


def event(second: float, model_id: str = "loan-approval", **fields) -> bytes:
    return json.dumps({"model_id": model_id, "timestamp": START + int(second * 1000), **fields}).encode()


def batches(values: list[bytes], source: Source = A, size: int = 10_000) -> list[RecordBatch]:
    return [
        RecordBatch(source, range(i, i + len(part)), [0] * len(part), part)
        for i in range(0, len(values), size)
        for part in [values[i : i + size]]
    ]


def alerts(models, *logs: list[RecordBatch], unprofiled=None) -> list[AlertEvent]:
    render = renderer_of(models, RUN, unprofiled)
    sources = [
        ReplaySource(
            ingest_of(models, log[0].source, decoder_of(models, None, unprofiled=unprofiled), unprofiled=unprofiled),
            log,
        )
        for log in logs
    ]
    steps = replay(sources, stage_of(models, unprofiled), ReplayTotals())
    found = [render(raised) for step in steps for raised in step]
    # What the constant values of version 7 give is not the point here.
    return [e for e in found if e.labels.alertname == "BaselineMissing"]


def canary(minutes: int, *, first: int = 3, last: int = 10_000) -> list[bytes]:
    """Version 7 all the time, version 8 from minute `first` to before `last`, both every 10 s."""
    out = []
    for i in range(6 * minutes):
        out.append(event(10 * i, **OURS))
        if first <= i // 6 < last:
            out.append(event(10 * i, model_version=8))
    return out


def test_a_second_version_is_told_of_once_with_what_is_known():
    (found,) = alerts([model()], batches(canary(20)))
    assert (found.event, found.labels.alertname, found.labels.severity) == ("opened", "BaselineMissing", "warning")
    assert (found.labels.model_id, found.labels.model_version, found.labels.series) == ("loan-approval", "8", "volume")
    assert found.startsAt == "2026-01-01T00:04:00Z"
    assert found.detail.change_point.at == "2026-01-01T00:03:00Z"
    assert (found.detail.n_after, found.detail.profile) == (6, None)
    assert found.annotations.summary == (
        "events of loan-approval version 8 arrive, but there is no profile for it: nothing is watched "
        "(6 events since 00:03)"
    )
    assert "profile build" in found.annotations.description
    assert AlertEvent.model_validate_json(found.to_json()) == found


def test_it_is_repeated_while_events_flow_and_resolved_when_none_came_for_thirty_panes():
    found = alerts([model()], batches(canary(26 * 60, last=25 * 60)))
    assert [(e.event, e.updatedAt) for e in found] == [
        ("opened", "2026-01-01T00:04:00Z"),
        ("repeat", "2026-01-02T00:04:00Z"),
        ("resolved", "2026-01-02T01:30:00Z"),
    ]
    assert len({e.fingerprint for e in found}) == 1
    assert len({e.event_id for e in found}) == 3


def test_events_after_a_silence_are_another_story():
    log = [v for i, v in enumerate(canary(100, first=0)) if b'"model_version": 8' not in v or not 60 <= i < 700]
    assert [e.event for e in alerts([model()], batches(log))] == ["opened", "resolved", "opened"]


def test_the_end_of_a_file_resolves_nothing():
    assert [e.event for e in alerts([model()], batches(canary(20, last=5)))] == ["opened"]


@pytest.mark.parametrize("size", [1, 7, 50])
def test_batches_and_partitions_change_no_event_id(size):
    log = [*canary(90, last=20), event(5400, "churn"), event(5500, **OURS)]
    whole = alerts([model()], batches(log))
    assert [e.event for e in whole] == ["opened", "resolved", "opened"]
    cut = alerts([model()], batches(log, size=size))
    assert [e.to_json() for e in cut] == [e.to_json() for e in whole]
    shared = alerts([model()], batches(log[::2], A, size), batches(log[1::2], B, 3 * size))
    assert [e.event_id for e in shared] == [e.event_id for e in whole]


def test_restarts_of_both_stages_change_nothing():
    log, models = canary(90, last=20), [model()]
    render, layouts = renderer_of(models, RUN), {models[0].layout.profile_hash: models[0].layout}
    decoder, found = decoder_of(models, None), []
    state, fields = None, None
    for batch in batches(log, size=13):
        ingest, stage = ingest_of(models, A, decoder), stage_of(models)
        if state is not None and fields is not None:
            restore(ingest, state)
            stage.restore(fields)
        messages = [decode_message(encode_message(m, layouts), layouts) for m in ingest.process(batch).messages]
        raised = stage.process([Sources((A,)), *messages])
        found += [e for e in map(render, raised) if e.labels.alertname == "BaselineMissing"]
        state, changed = snapshot(ingest), stage.changes()[0]
        kept = {name: data for name, data in (fields or {}).items() if not name.startswith("open/")}
        fields = kept | changed
    assert [e.to_json() for e in found] == [e.to_json() for e in alerts(models, batches(log))]


def test_a_subject_that_has_a_profile_now_ends_its_story():
    before, after = [model()], [model(), model("8")]
    ingest, stage = ingest_of(before, A, decoder_of(before, None)), stage_of(before)
    stage.process([Sources((A,)), *ingest.process(batches(canary(20))[0]).messages])
    fields = stage.changes()[0]
    later = stage_of(after)
    (raised,) = later.restore(fields)
    found = renderer_of(after, RUN)(raised)
    assert (found.event, found.annotations.summary) == ("resolved", "loan-approval version 8 has a profile now")
    assert stage_of(after).restore(later.changes()[0]) == []


def test_millions_of_names_take_no_more_than_the_limit():
    values = [event(i / 100, f"m{i}") for i in range(6000)] + [event(200, **OURS)]
    models = [model(unknown_subjects=5)]
    ingest = ingest_of(models, A, decoder_of(models, None))
    done = [ingest.process(batch) for batch in batches(values, size=700)]
    partials = [m for d in done for m in d.messages if isinstance(m, PartialPane)]
    assert [p.subject.model_id for p in partials] == [f"m{i}" for i in range(5)]
    assert sum(d.beyond_limit for d in done) == 6000 - 5
    assert len(alerts(models, batches(values))) == 5
    assert alerts([model(unknown_subjects=0)], batches(values)) == []


def test_names_from_outside_are_cut_and_cannot_command_a_terminal():
    odd = "\x1b[2J" + "x" * 400
    (found,) = alerts([model()], batches([event(1, odd), event(2, **OURS), event(200, **OURS)]))
    assert len(found.labels.model_id) == 256
    assert found.labels.model_version == ""
    assert "\x1b" not in found.annotations.summary + found.annotations.description
    assert "(no version said)" in found.annotations.summary


def test_labels_of_unknown_models_are_no_events_of_them():
    log = [event(1, "churn", event_type="label"), event(2, **OURS), event(200, **OURS)]
    assert alerts([model()], batches(log)) == []


def config(*entries: dict) -> Config:
    kafka, topics = {"bootstrap_servers": ["localhost:9092"]}, {"predictions": "in"}
    return Config.model_validate({"kafka": kafka, "topics": topics, "models": list(entries)})


def test_a_configured_version_without_a_profile_is_told_of_and_an_absent_version_means_it():
    settings = config({"model_id": "churn", "model_version": "3"})
    models = models_of(settings, [None])
    assert models == []
    log = batches([event(1, "churn"), event(200, "churn", model_version=3)])
    (found,) = alerts(models, log, unprofiled=unprofiled_of(settings, models))
    assert (found.labels.model_id, found.labels.model_version) == ("churn", "3")


def test_beside_a_version_without_a_profile_an_absent_version_is_nobodys():
    watched = {"model_id": "loan-approval", "model_version": "7", "profile": "7.json"}
    settings = config(watched, {"model_id": "loan-approval", "model_version": "8"})
    models = models_of(settings, [small_profile(), None])
    unprofiled = unprofiled_of(settings, models)
    decoded = decoder_of(models, None, unprofiled=unprofiled).decode(batches([event(1), event(2, model_version=8)])[0])
    assert decoded.events == []
    assert decoded.unprofiled is not None
    assert list(decoded.unprofiled.subjects) == [Subject("loan-approval", ""), Subject("loan-approval", "8")]


def test_damaged_stories_are_refused():
    stage = stage_of([model()])
    fields = stage.changes()[0]
    with pytest.raises(StateError, match="missing profiles can't be read"):
        stage.restore({**fields, "unprofiled": b"?"})


def test_names_that_look_alike_when_joined_stay_apart_in_the_state():
    models = [model()]
    ingest, stage = ingest_of(models, A, decoder_of(models, None)), stage_of(models)
    log = [event(1, "a/b"), event(2, "a", model_version="b"), event(61, **OURS)]
    stage.process([Sources((A, B)), *ingest.process(batches([*log, event(100, **OURS)])[0]).messages])
    again = stage_of(models)
    again.restore(stage.changes()[0])
    assert {subject for subject, _ in again.merge.open} >= {Subject("a/b", ""), Subject("a", "b")}
