"""Detectors on single events: what they are fed, where their alarms go, and what becomes of them."""

from __future__ import annotations

import copy
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from builders import small_profile
from detector_streams import MINUTE, Feed, context, contrasts, profile
from driftgauge.config import Config
from driftgauge.decode.columns import EventColumns
from driftgauge.detect import river_canary
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.detectors.ddm import DdmTest
from driftgauge.detect.detectors.kswin import KswinParameters
from driftgauge.detect.events.chosen import indicator_streams, misfits
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.reader import EventReader
from driftgauge.detect.events.streams import EventStream, Unit, value_streams
from driftgauge.detect.registry import build_detectors, switched_on
from driftgauge.engine.detect import stage_of
from driftgauge.engine.problems import problems_of
from driftgauge.engine.profiled import model_of
from driftgauge.errors import ConfigError, StateError
from driftgauge.ingest.observing import OnTime
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import PartialPane, Sources, Watermark
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.subject import Subject
from event_streams import EVERY, START, A, B, batch, drawn, event, ingest, model

SERIES = contrasts(MINUTE).series
LAYOUTS = {model().layout.profile_hash: model().layout}
KEYED = {series.key: series for series in SERIES}


def read(key: str, column: object, *, indicator: bool = False) -> list[float]:
    """What the stream of a series is fed of a column."""
    streams = indicator_streams(SERIES, [key]) if indicator else value_streams([KEYED[key]])
    values, counted = streams[0].read(np.asarray(column))
    assert counted is None or counted.sum() == len(values)
    return values.tolist()


def partials(reader, log, source=A) -> list[PartialPane]:
    messages = [*reader.process(batch(log, 0, source)).messages, *reader.finish().messages]
    return [message for message in messages if isinstance(message, PartialPane)]


def test_numbers_are_standardised_by_the_profile_and_clipped_at_four() -> None:
    column = [5.0, 8.0, 2.0, 1e300, -1e308, np.nan, np.inf, -np.inf, 17.0]
    assert read("amount|location|", column) == [0.0, 1.0, -1.0, 4.0, -4.0, 4.0]


def test_the_indicator_of_a_category_is_standardised_and_what_is_missing_or_invalid_left_out() -> None:
    # Cells: a b c, other, missing, invalid, unseen. The reference's share of c is .09.
    sd = KEYED["kind|share|c"].sd
    miss = -0.09 / sd
    assert read("kind|share|c", [2, 0, 3, 4, 5, 6]) == pytest.approx([(1 - 0.09) / sd, miss, miss, miss])
    assert read("kind|share|other", [3, 0]) == pytest.approx([4.0, -0.01 / KEYED["kind|share|other"].sd])


def test_rates_are_read_as_the_panes_count_them() -> None:
    """Hits and events of every rate and share, from the same column by the stream and by the counts."""
    of = model()
    log = [e for e in drawn(3, 400) if b'"prediction"' in e]
    parts = partials(ingest(of), log)
    n, hits, _ = of.contrasts.evaluate(sum(part.counts for part in parts)[np.newaxis])
    decoded = ingest(of)._decoder.decode(batch(log))
    late = sum(len(e.rows) for e in decoded.events) - sum(part.events for part in parts)
    events = [OnTime(e, np.ones(len(e.rows), bool)) for e in decoded.events]
    fed = {
        s.key: EventReader(events).of(EventStream.of(s, None)).values for s in of.contrasts.series if s.kind == "rate"
    }
    assert len(fed) == 12
    assert sum(len(values) for values in fed.values()) > 0
    for series in of.contrasts.series:
        if series.kind == "rate":
            assert 0 <= len(fed[series.key]) - n[0, series.index] <= late
            assert 0 <= fed[series.key].sum() - hits[0, series.index] <= late


@pytest.mark.parametrize(
    ("key", "column", "values"),
    [
        ("amount|missing", [1.0, np.nan, np.inf, 11.0], [0, 1, 0, 0]),
        ("amount|invalid", [1.0, np.nan, np.inf, -np.inf], [0, 1, 1]),
        ("amount|out_of_range", [1.0, np.nan, np.inf, 10.1, -0.1, 10.0], [0, 1, 1, 0]),
        ("kind|missing", [0, 4, 5, 6], [0, 1, 0, 0]),
        ("kind|invalid", [0, 4, 5, 6], [0, 1, 0]),
        ("kind|unseen", [0, 3, 4, 5, 6], [0, 0, 1]),
        ("kind|share|b", [0, 1, 4, 5, 6], [0, 1, 0]),
    ],
)
def test_indicators_are_of_the_events_that_count_for_the_series(
    key: str, column: list[float], values: list[int]
) -> None:
    assert read(key, column, indicator=True) == values


def test_a_field_that_hardly_varies_has_a_unit_that_doubles_can_tell_apart() -> None:
    of = profile()
    amount = of.features["amount"].model_copy(update={"sd": 0.0})
    series = contrasts_of(Layout.of(of.model_copy(update={"features": {"amount": amount}})), MINUTE).series
    [stream] = [s for s in value_streams(series) if s.series.feature == "amount"]
    assert stream.unit == Unit(5.0, 1e-8)
    assert [s.series.key for s in value_streams(SERIES)] == [
        "amount|location|", "kind|share|a", "kind|share|b", "kind|share|c", "kind|share|other", "|predicted_share|1"
    ]  # fmt: skip


def test_events_that_come_in_two_parts_are_read_in_the_order_of_their_records() -> None:
    def part(rows, values, has):
        columns = [np.array(values), np.zeros(len(rows)), np.zeros(len(rows), np.int64), np.zeros(0, np.int64)]
        return EventColumns(Subject("m", "1"), np.array(rows), columns, np.array(has), np.zeros(len(rows), bool))

    parts = [
        OnTime(part([0, 3, 4], [5.0, 8.0, 2.0], [True, True, False]), np.array([True, True, True])),
        OnTime(part([1, 2], [11.0, 14.0], [True, True]), np.array([False, True])),
    ]
    [stream] = value_streams([KEYED["amount|location|"]])
    found = EventReader(parts).of(stream)
    assert (found.values.tolist(), found.rows.tolist()) == ([0.0, 3.0, 1.0], [0, 2, 3])
    outputs = EventReader(parts).of(EventStream.of(KEYED["|predicted_share|1"], None))
    assert len(outputs.values) == len(outputs.rows) == 0


def shifting(count: int = 600, at: int = 400, every_ms: int = 200) -> list[bytes]:
    rng = np.random.default_rng(2)
    return [event(i * every_ms, amount=float(rng.normal(5 + 9 * (i >= at), 1))) for i in range(count)]


def test_an_alarm_belongs_to_the_pane_of_its_event_and_names_its_record() -> None:
    found = partials(ingest(model(page_hinkley={"on": "event"})), shifting())
    assert [len(partial.alarms) > 0 for partial in found] == [False, True]
    [alarm] = found[1].alarms
    assert (alarm.detector, alarm.series, alarm.direction) == ("page_hinkley", "amount|location|", "up")
    assert 400 <= alarm.offset == alarm.position < 420
    assert alarm.at == START + alarm.offset * 200
    assert alarm.statistic > alarm.threshold == 30.0


def test_late_events_and_those_too_far_ahead_feed_nothing() -> None:
    of = model(adwin={"on": "event"})
    log = shifting()
    late, ahead = event(-3 * MINUTE, amount=1e9), event(400 * 86_400_000, amount=1e9)
    clean, dirty = ingest(of), ingest(of)
    clean.process(batch([*log[:300], *log[300:]]))
    for at, part in ((0, log[:300]), (300, [late] * 50), (350, [ahead]), (351, log[300:])):
        dirty.process(batch(part, at))
    assert clean.bank.snapshot(0) == dirty.bank.snapshot(0)


def test_a_pane_spans_the_records_of_all_its_parts_and_so_all_its_alarms() -> None:
    """Events that name one output only come in a part of their own, whose records lie between the others."""
    of, log = model(page_hinkley={"on": "event"}), shifting(600, 40)
    reader, whole = ingest(of), ingest(of)
    decoder = reader._decoder

    class InParts:
        def decode(self, records):
            decoded = decoder.decode(records)
            [events] = decoded.events
            inner = (events.rows > 5) & (events.rows < 20)
            return replace(decoded, events=[part(events, inner), part(events, ~inner), part(events, inner & False)])

    def part(events, chosen):
        columns = [column[chosen] for column in events.columns]
        present = (events.has_features[chosen], events.has_prediction[chosen])
        return EventColumns(events.subject, events.rows[chosen], columns, *present)

    reader._decoder = InParts()
    for one, other in zip(partials(reader, log), partials(whole, log), strict=True):
        assert encode_message(one, LAYOUTS) == encode_message(other, LAYOUTS)
        assert decode_message(encode_message(one, LAYOUTS), LAYOUTS).alarms == other.alarms
    assert sum(len(partial.alarms) for partial in partials(ingest(of), log)) == 1


def test_a_pane_holds_so_many_alarms_of_a_detector_on_a_series_and_counts_the_rest() -> None:
    whole = partials(ingest(model(limit=1000, **EVERY)), drawn(1, 3000, [700, 1500]))
    cut = partials(ingest(model(limit=1, **EVERY)), drawn(1, 3000, [700, 1500]))
    assert sum(len(partial.alarms) for partial in whole) > sum(len(partial.alarms) for partial in cut) > 0
    for one, other in zip(whole, cut, strict=True):
        assert one.alarms_beyond_limit == 0
        assert other.alarms_beyond_limit == len(one.alarms) - len(other.alarms)
        pairs = [(alarm.detector, alarm.series) for alarm in other.alarms]
        assert len(pairs) == len(set(pairs))
        assert [alarm.offset for alarm in other.alarms] == sorted(alarm.offset for alarm in other.alarms)
        assert set(other.alarms) <= set(one.alarms)


def test_without_detectors_on_events_there_is_no_bank_and_no_word_of_alarms() -> None:
    reader = ingest(model())
    assert reader.bank is None
    assert all(partial.alarms == () and not partial.alarms_beyond_limit for partial in partials(reader, shifting()))


def alarm(key: str, at: int = 0, offset: int = 0, direction: str = "up", detector: str = "ddm") -> EventAlarm:
    return EventAlarm(detector, key, at, offset, 0, 2.0 + offset, 1.0, direction)


def judged(detector: OnEvents, *panes: dict) -> list:
    feed = Feed(detector, contrasts(MINUTE), MINUTE)
    block = feed.block(
        np.zeros((len(panes), feed.series.layout.size), np.int64), [i * MINUTE for i in range(len(panes))]
    )
    return detector.update(replace(block, alarms=panes))


@pytest.mark.parametrize("confirm", [True, False])
def test_alarms_of_a_pane_are_one_detection_per_series_with_the_partitions(*, confirm: bool) -> None:
    detector = DETECTORS["ddm"].build(
        context(contrasts(MINUTE)), {"series": ["kind|missing", "kind|share|b"], "confirm": confirm}
    )
    share, missing = "kind|share|b", "kind|missing|"
    first, second = judged(
        detector,
        {},
        {B: [alarm(share, 5, 1), alarm(missing, 9, 2)], A: [alarm(share, 8, 7), alarm(share, 9, 8, "down")]},
    )
    assert (first.pane, first.series, first.statistic) == (1, KEYED[missing].index, 4.0)
    assert first.partitions == (str(B),)
    # The numbers are those of the earliest event.
    assert (second.pane, second.series, second.statistic, second.direction) == (1, KEYED[share].index, 3.0, "up")
    assert second.partitions == (str(A), str(B))
    assert first.confirmed == second.confirmed == (not confirm)


def test_alarms_that_are_not_ours_and_falls_of_a_rate_are_no_detections() -> None:
    detector = DETECTORS["ddm"].build(context(contrasts(MINUTE)), {"series": ["kind|missing", "kind|share|b"]})
    foreign = [alarm("kind|share|b", detector="eddm"), alarm("kind|share|a"), alarm("nothing")]
    assert judged(detector, {A: [*foreign, alarm("kind|missing|", direction="down")]}) == []
    assert len(judged(detector, {A: [alarm("kind|share|b", direction="down")]})) == 1


def test_a_shift_that_one_partition_shows_is_told_with_that_partition() -> None:
    """And without confirmation it opens in the pane of the alarm."""
    off = {name: {"enabled": False} for name in ("shiryaev_roberts", "multiscale", "mosum", "psi", "page_hinkley")}
    of = model(**off, adwin={"on": "event", "confirm": False})
    stage, raised = stage_of([of]), []
    stage.process([Sources((A, B))])
    calm = [event(i * 200, amount=5.0 + (i % 7 - 3)) for i in range(1500)]
    for source, log in ((A, [*calm[:900], *shifting(600, 0)]), (B, calm)):
        fixed = [*log[:900], *(event(i * 200, amount=13.0) for i in range(900, 1500))] if source == A else log
        raised += stage.process(ingest_messages(of, fixed, source))
    assert [(r.transition.event, r.transition.series.key) for r in raised][:1] == [("opened", "amount|location|")]
    [evidence] = raised[0].transition.evidence.detectors
    assert (evidence.name, evidence.partitions) == ("adwin", (str(A),))
    assert raised[0].transition.opened_pane_end == START + 4 * MINUTE


def ingest_messages(of, log, source):
    reader = ingest(of, source)
    return [*reader.process(batch(log, 0, source)).messages, *reader.finish().messages]


def test_the_state_of_a_source_with_other_settings_is_refused_by_name() -> None:
    stored = ingest(model(adwin={"on": "event"}))
    stored.process(batch(shifting()))
    other = ingest(model(adwin={"on": "event", "delta": 0.01}))
    with pytest.raises(StateError, match=r"m/1: adwin: .*other parameters"):
        restore(other, snapshot(stored))
    assert (other.position, other.open) == (0, {})


def test_a_detector_switched_on_begins_fresh_and_one_switched_off_leaves_nothing() -> None:
    both = {"adwin": {"on": "event"}, "ddm": {"series": ["kind|missing"]}}
    stored = ingest(model(adwin={"on": "event"}))
    stored.process(batch(shifting()))
    state = snapshot(stored)
    more, fewer, none = ingest(model(**both)), ingest(model(ddm=both["ddm"])), ingest(model())
    for reader in (more, fewer, none):
        restore(reader, state)
        assert reader.position == stored.position
    assert len(more.bank.snapshot(0)) > len(stored.bank.snapshot(0))
    assert fewer.bank.snapshot(0) == ingest(model(ddm=both["ddm"])).bank.snapshot(0)
    assert snapshot(none)
    restore(ingest(model(**both)), snapshot(none))


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x92\x01\x90\x00", b"\x92\x07\x90"])
def test_a_bank_that_cannot_be_read_is_refused(damage: bytes) -> None:
    bank = ingest(model(**EVERY)).bank
    before = bank.snapshot(0)
    with pytest.raises(StateError):
        bank.restore(damage, 0)
    with pytest.raises(StateError):
        bank.restore(before[: len(before) // 2], 0)
    assert bank.snapshot(0) == before


def test_merging_keeps_each_partitions_alarms_and_drops_those_of_duplicates() -> None:
    merge = PaneMerge(sources=(A, B))
    of = model()
    counts = np.zeros(of.layout.size, np.int64)
    for source, found in ((B, (alarm("kind|share|b", 1, 3),)), (A, (alarm("kind|share|b", 2, 4),))):
        for _ in range(2):
            merge.take(
                PartialPane(of.subject, of.layout.profile_hash, 0, MINUTE, source, counts, 1, 3, 4, False, found, 2)
            )
    for source in (A, B):
        merge.take(Watermark(source, MINUTE, 5, 5, 0))
    [[pane]] = merge.close().values()
    assert {source: [a.offset for a in found] for source, found in pane.alarms.items()} == {A: [4], B: [3]}
    assert pane.alarms_beyond_limit == 4


def test_methods_that_are_not_on_by_default_are_on_when_named() -> None:
    assert list(switched_on(DETECTORS, {})) == [
        "shiryaev_roberts",
        "adwin",
        "page_hinkley",
        "multiscale",
        "mosum",
        "psi",
    ]
    named = {
        "kswin": {},
        "ddm": {"series": ["kind|missing"], "enabled": True},
        "eddm": {"enabled": False},
        "psi": {"enabled": False},
    }
    assert switched_on(DETECTORS, named) == {
        "shiryaev_roberts": {}, "adwin": {}, "page_hinkley": {}, "multiscale": {}, "mosum": {}, "kswin": {},
        "ddm": {"series": ["kind|missing"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("adwin", {"on": "record"}, "on must be pane or event"),
        ("adwin", {"on": ["event"]}, "on must be pane or event"),
        ("adwin", {"confirm": False}, "confirm goes with on: event"),
        ("adwin", {"on": "event", "clock": 0}, "clock must lie in"),
        ("page_hinkley", {"on": "event", "confirm": "no"}, "'confirm' must be true or false"),
        ("page_hinkley", {"on": "event", "mode": "sideways"}, "mode must be"),
        ("ddm", {}, "series must name"),
        ("ddm", {"series": []}, "series must name"),
        ("ddm", {"series": "kind|missing"}, "'series' must be a list of texts"),
        ("ddm", {"series": [1]}, "'series' must be a list of texts"),
        ("ddm", {"series": ["kind|missing"], "on": "pane"}, "on must be event"),
        ("ddm", {"series": ["kind|missing"], "warm_start": 0}, "warm_start must lie in"),
        ("eddm", {"series": ["kind|missing"], "beta": 1.0}, "beta must lie between"),
        ("hddm_a", {"series": ["kind|missing"], "drift_confidence": 0.0}, "drift_confidence must lie between"),
        ("hddm_w", {"series": ["kind|missing"], "lambda_val": 1.5}, "lambda_val must be above 0"),
        ("fhddm", {"series": ["kind|missing"], "short_window_size": 101}, "short_window_size must be 0"),
        ("kswin", {"stat_size": 51}, "stat_size must lie in"),
        ("kswin", {"on": "event"}, "unknown setting 'on'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(name: str, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"detectors\.{name}: .*{message}"):
        build_detectors(DETECTORS, context(contrasts(MINUTE)), {name: settings})


def test_a_series_is_named_by_its_key_or_as_one_types_it() -> None:
    typed = ["kind|missing", "|predicted_share|1", "predicted_share|1", "kind|share|b", "kind|missing|"]
    assert [stream.series.key for stream in indicator_streams(SERIES, typed)] == [
        "kind|missing|", "kind|share|b", "|predicted_share|1"
    ]  # fmt: skip
    assert misfits(SERIES, typed) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kind|share|B", "'kind|share|B' is no series of any model; there are kind|share|"),
        ("predicted_share|0", "is no series of any model; there are predicted_share|1, "),
        ("amount|location", "'amount|location' is no rate or share, so an event gives it no 0 or 1; there are "),
        ("", "'' is no series of any model; there are amount|missing, "),
    ],
)
def test_a_series_that_does_not_fit_is_shown_those_that_do(name: str, message: str) -> None:
    [(at, text)] = misfits(SERIES, ["kind|missing", name])
    assert at == 1
    assert message in text
    assert text.endswith(" more")


def test_only_the_classes_in_use_are_proved_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    river_canary.check_classes(DETECTORS)
    monkeypatch.setattr(DdmTest, "attributes", frozenset({"_p"}))
    river_canary.check_classes(name for name in DETECTORS if name != "ddm")
    with pytest.raises(StateError, match="DDM isn't the one known here"):
        river_canary.check_classes(["ddm"])
    monkeypatch.setattr(KswinParameters, "encode", lambda self, test: test._gone)
    with pytest.raises(StateError, match="unknown way"):
        river_canary.check_classes(["kswin"])
    stage_of([model()])


def test_a_random_generator_that_draws_zeros_for_ever_is_refused() -> None:
    parameters = KswinParameters(1e-4, 20, 6, 1)
    state = bytearray(parameters.encode(parameters.fresh()))
    state[9 : 9 + 4 * 624] = bytes(4 * 624)
    with pytest.raises(StateError, match="generator"):
        parameters.decode(bytes(state))


def open_pane_fields() -> dict[str, bytes]:
    of = model(page_hinkley={"on": "event", "threshold": 2.0})
    stage = stage_of([of])
    stage.process([Sources((A, B)), *ingest_messages(of, drawn(4, 900), A)])
    return stage.changes()[0]


def test_open_panes_keep_their_alarms_over_a_restart() -> None:
    fields = open_pane_fields()
    stage = stage_of([model(page_hinkley={"on": "event", "threshold": 2.0})])
    stage.restore(fields)
    assert sum(len(found) for pane in stage.merge.open.values() for found in pane.alarms.values()) > 3
    assert {name: stage.changes()[0][name] for name in fields} == fields


def test_open_panes_whose_alarms_do_not_fit_are_refused() -> None:
    fields = open_pane_fields()
    name = next(name for name, data in fields.items() if name.startswith("open/") and b"page_hinkley" in data)
    stored = msgspec.msgpack.decode(fields[name])
    stage = stage_of([model(page_hinkley={"on": "event", "threshold": 2.0})])
    for change in (
        lambda pane: pane[-3][0][2][0].update(at=0),
        lambda pane: pane[-3][0][2][0].update(statistic=float("nan")),
        lambda pane: pane[-3][0].__setitem__(1, 7),
        lambda pane: pane.__setitem__(-2, -1),
    ):
        damaged = copy.deepcopy(stored)
        change(damaged)
        with pytest.raises(StateError, match=r"alarm|open panes"):
            stage.restore({**fields, name: msgspec.msgpack.encode(damaged)})


def test_the_alerts_of_other_settings_have_other_ids() -> None:
    analyses = [
        model().analysis,
        model(adwin={"on": "event"}).analysis,
        model(adwin={"on": "event", "confirm": False}).analysis,
        model(ddm={"series": ["kind|missing"]}).analysis,
        model(ddm={"series": ["kind|missing", "kind|share|a"]}).analysis,
    ]
    assert len(set(analyses)) == len(analyses)
    # As typed or by its key, and however many alarms a pane may carry.
    assert model(ddm={"series": ["kind|missing|"]}).analysis == analyses[3]
    assert model(limit=9).analysis == analyses[0]


def test_a_series_may_be_one_that_only_some_models_have_but_not_one_that_none_has() -> None:
    models = [{"model_id": "m", "model_version": "1"}, {"model_id": "loan-approval", "model_version": "7"}]
    wanted = {"ddm": {"series": ["kind|missing", "job|missing", "nothing|missing", "amount|location"]}}

    def problems(detectors):
        settings = {"kafka": {"bootstrap_servers": ["k:9092"]}, "topics": {"predictions": "p"}, "models": models}
        config = Config.model_validate({**settings, "detectors": detectors})
        return [(path, text.partition(";")[0]) for path, text in problems_of(config, [profile(), small_profile()])]

    assert problems(wanted) == [
        (("detectors", "ddm", "series", 2), "'nothing|missing' is no series of any model"),
        (("detectors", "ddm", "series", 3), "'amount|location' is no rate or share, so an event gives it no 0 or 1"),
    ]
    assert problems({"ddm": {**wanted["ddm"], "enabled": False}}) == []
    assert {path for path, _ in problems({"ddm": {"series": []}})} == {("detectors", "ddm", "series")}
    watched = [model(**wanted).detectors()[-1].resolved["series"], model_of(
        small_profile(), model(**wanted).settings, pane_length=MINUTE, budget=1.0
    ).detectors()[-1].resolved["series"]]  # fmt: skip
    assert watched == [["kind|missing|"], ["job|missing|"]]
