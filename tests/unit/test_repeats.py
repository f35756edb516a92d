"""Repeats: how many values of a small group are distinct, whatever the traffic, and a source that is stuck."""

from __future__ import annotations

import math

import numpy as np
import orjson
import pytest

from driftgauge.alerts.event import Run
from driftgauge.cli.smallest_changes import smallest_changes
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of
from driftgauge.engine.publish import renderer_of
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.panes.messages import PartialPane, Sources
from driftgauge.panes.sample import RowSample, SampleRecord, sample_of, sample_record
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.profile import features_with_repeats, repeat_noise_of
from driftgauge.profiles.reference import CodedColumn, NumericColumn
from driftgauge.profiles.repeats import GROUPS, ROWS, drawn, number_ids, repeats_in_a_pool, text_id
from repeating import (
    MINUTE,
    SOURCE,
    START,
    amount,
    client,
    event,
    ingest,
    noise,
    records,
    repeating_model,
    repeating_profile,
    taken,
)


def ids_of(pool: int, panes: int, rows: int, seed: int = 1):
    """Ids of `rows` values a pane, out of a pool."""
    ids = np.zeros((panes, ROWS), np.uint32)
    ids[:, :rows] = np.random.default_rng(seed).integers(1, pool + 1, (panes, rows))
    return ids


@pytest.mark.parametrize("among", GROUPS)
@pytest.mark.parametrize("rows", [20, 37, 60])
def test_the_share_that_repeats_is_that_of_the_pool_however_many_rows_there_are(among, rows):
    found = drawn(ids_of(50, 5000, rows), among)
    assert (found.n == rows // among * among).all()
    expected = repeats_in_a_pool(50, among)
    assert found.repeats.sum() / found.n.sum() == pytest.approx(expected, rel=0.05)


def test_less_than_a_group_says_nothing_and_rows_without_a_value_are_passed_over():
    ids = np.zeros((2, ROWS), np.uint32)
    ids[0, :4] = 7
    ids[1, 10:60:10] = 7
    assert drawn(ids, 5) == (pytest.approx([0, 5]), pytest.approx([0, 4]))


def test_one_value_repeats_in_all_events_of_a_group_but_one():
    assert drawn(np.full((1, ROWS), 9, np.uint32), 20).repeats.tolist() == [3 * 19]


def test_numbers_are_told_apart_by_what_they_are():
    ids = number_ids(np.array([0.0, -0.0, 1.5, math.nextafter(1.5, 2), math.nan, math.inf, -math.inf]))
    assert ids[0] == ids[1] != 0
    assert len(set(ids[1:4].tolist())) == 3
    assert ids[4:].tolist() == [0, 0, 0]
    assert text_id("anna") == text_id("anna") != text_id("bert")


@pytest.mark.parametrize("plain", [True, False])
def test_values_of_one_cell_are_told_apart_typed_or_lenient(plain):
    profile = repeating_profile(client=client("string", noise()), code=client("integer", noise()))
    model = repeating_model(profile)
    names = ["anna", "bert", "anna", None, 5, "a"]
    codes = [7, 7.0, 8, None, 7.5, "7"]
    # An unknown field, and a type that the decoder doesn't expect, take the lenient way.
    extra = {} if plain else {"note": float("inf")}
    values = [event(0, client=n, code=c, **extra) for n, c in zip(names, codes, strict=True)]
    [found] = decoder_of([model], "predictions").decode(records(values)).events
    by_name, by_code = found.ids[0].tolist(), found.ids[1].tolist()
    assert by_name == [text_id("anna"), text_id("bert"), text_id("anna"), 0, 0, text_id("a")]
    assert by_code == [text_id("7"), text_id("7"), text_id("8"), 0, 0, 0]


def stored(sample: RowSample) -> SampleRecord:
    record = sample_record(sample)
    assert record is not None
    return record


def some_sample(model, rows: int = 10) -> RowSample:
    names = tuple(slot.name for slot in model.layout.repeats)
    ids = np.arange(1, 1 + rows * len(names), dtype=np.uint32).reshape(len(names), rows)
    return RowSample.lowest(names, np.arange(rows, dtype=np.uint32)[::-1], ids)


def test_a_sample_survives_the_way_there_and_back():
    model = repeating_model()
    sample = some_sample(model)
    back = sample_of(stored(sample), model.layout, 10)
    assert back is not None
    assert back.features == sample.features == ("amount", "client")
    assert np.array_equal(back.keys, sample.keys)
    assert np.array_equal(back.ids, sample.ids)


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (SampleRecord(b"123", {}), "3 bytes of keys"),
        (SampleRecord(bytes(4 * 11), {}), "10 events"),
        (SampleRecord(bytes(8), {"salary": bytes(8)}), "salary"),
        (SampleRecord(bytes(8), {"amount": bytes(4)}), "amount"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(record, named):
    with pytest.raises(StateError, match=named):
        sample_of(record, repeating_model().layout, 10)


def test_more_rows_than_are_looked_at_are_refused():
    with pytest.raises(StateError, match="bytes of keys"):
        sample_of(SampleRecord(bytes(4 * (ROWS + 1)), {}), repeating_model().layout, 1000)


def test_a_sample_written_while_other_features_were_watched_keeps_what_is_watched_now():
    both, one = repeating_model(), repeating_model(limit=1)
    kept = sample_of(stored(some_sample(both)), one.layout, 10)
    assert kept is not None
    assert kept.features == ("amount",)
    widened = sample_of(stored(some_sample(one)), both.layout, 10)
    assert widened is not None
    assert not widened.ids[1].any()
    assert sample_of(stored(some_sample(both)), repeating_model(limit=0).layout, 10) is None


def test_panes_are_as_ever_where_nothing_is_watched():
    """Without the section in the profile, and with it and the limit at 0: the same record, byte for byte."""
    values = [event(i * 1000, amount=i / 50, client=f"c{i}", age=1.0) for i in range(180)]
    off = repeating_model(limit=0)
    panes = [m for m in taken(ingest(off), values) if isinstance(m, PartialPane)]
    assert [pane.sample for pane in panes] == [None] * 3
    assert not any(series.name == "repeated" for series in off.contrasts.series)
    data = encode_message(panes[0], {off.layout.profile_hash: off.layout})
    assert "sample" not in orjson.loads(data)


def test_a_pane_record_carries_the_rows():
    model = repeating_model()
    layouts = {model.layout.profile_hash: model.layout}
    values = [event(i * 500, amount=i / 50, client=f"c{i}", age=1.0) for i in range(120)]
    [pane] = [m for m in taken(ingest(model), values) if isinstance(m, PartialPane)]
    assert pane.sample is not None
    assert pane.sample.ids.shape == (2, ROWS)
    back = decode_message(encode_message(pane, layouts), layouts)
    assert isinstance(back, PartialPane)
    assert back.sample is not None
    assert np.array_equal(back.sample.ids, pane.sample.ids)


def test_a_pane_record_without_a_profile_carries_no_rows():
    model = repeating_model()
    layouts = {model.layout.profile_hash: model.layout}
    [pane] = [m for m in taken(ingest(model), [event(0, amount=1.0)]) if isinstance(m, PartialPane)]
    record = orjson.loads(encode_message(pane, layouts))
    with pytest.raises(StateError, match="without a profile"):
        decode_message(orjson.dumps({**record, "profile": None, "features": {}}), layouts)


def test_events_that_bring_no_features_are_not_looked_at():
    model = repeating_model()
    bare = orjson.dumps({"model_id": "loans", "model_version": "1", "timestamp": START})
    values = [bare, event(0, amount=1.0), bare]
    [pane] = [m for m in taken(ingest(model), values) if isinstance(m, PartialPane)]
    assert pane.sample is not None
    assert pane.sample.ids.tolist() == [[int(number_ids(np.array([1.0]))[0])], [0]]


def test_open_panes_keep_their_rows_over_a_restart():
    model = repeating_model()
    values = [event(i * 500, amount=i / 50, client=f"c{i % 7}") for i in range(110)]
    whole, cut = ingest(model), ingest(model)
    cut.process(records(values[:50]))
    resumed = ingest(model)
    restore(resumed, snapshot(cut))
    messages = [*resumed.process(records(values[50:], 50)).messages, *resumed.finish().messages]
    [expected] = [m for m in taken(whole, values) if isinstance(m, PartialPane)]
    [found] = [m for m in messages if isinstance(m, PartialPane)]
    assert np.array_equal(found.sample.keys, expected.sample.keys)
    assert np.array_equal(found.sample.ids, expected.sample.ids)


def reference(values, times=None, *, timed=True, has_features=None, **others):
    rows = len(values)
    times = np.arange(rows, dtype=np.int64) * 1000 if times is None else times
    features = {"x": NumericColumn(np.asarray(values, np.float64)), **others}
    built = build_profile(
        Reference(["a.csv"], times, features, timed=timed, has_features=has_features),
        model_id="loans",
        model_version="1",
    ).profile
    return built.features


def rng():
    return np.random.default_rng(3)


def test_a_profile_says_how_often_values_repeat_in_panes_of_each_length():
    found = reference(rng().integers(0, 200, 20_000))["x"].repeats
    assert [(entry.length, entry.among) for entry in found] == [("10s", 10), ("1m", 20), ("5m", 20), ("15m", 20)]
    assert [entry.mean for entry in found] == pytest.approx(
        [repeats_in_a_pool(200, entry.among) for entry in found], abs=0.015
    )
    assert [entry.anywhere for entry in found] == pytest.approx([entry.mean for entry in found], abs=0.015)


def test_values_that_come_together_repeat_more_within_a_pane_than_anywhere():
    """Each client comes twice, in one second and the next."""
    found = reference(np.repeat(rng().random(5000), 2))["x"].repeats
    by_length = {entry.length: entry.mean for entry in found}
    # The other one of a pair is among the 59 others of its minute; a group holds 19 of them.
    assert by_length["1m"] == pytest.approx(19 / 59 / 2, rel=0.05)
    assert by_length["5m"] == pytest.approx(19 / 299 / 2, rel=0.2)
    assert max(entry.anywhere for entry in found) < 0.005


def test_no_repeats_are_told_of_values_that_repeat_anyway_of_rows_without_times_or_all_alike():
    assert reference(rng().integers(0, 12, 20_000))["x"].repeats == []
    assert reference(rng().random(20_000), timed=False)["x"].repeats == []
    days = np.arange(20_000) // 1000 * 86_400_000
    assert reference(rng().integers(0, 100, 20_000), days)["x"].repeats == []


def test_rows_that_bring_no_features_are_not_looked_at_in_a_reference_either():
    """As if they were not there: their empty columns would leave too few values for groups of twenty."""
    values = rng().random(8000)
    there = np.arange(8000) % 4 == 0
    times = np.arange(8000, dtype=np.int64) * 250
    expected = reference(values[there], times[there])["x"].repeats
    found = reference(np.where(there, values, np.nan), times, has_features=there)["x"].repeats
    assert [(entry.length, entry.among) for entry in found] == [("10s", 10), ("1m", 20)]
    assert found == expected


def test_categories_are_watched_where_there_are_too_many_to_list():
    rows = 4000
    many = CodedColumn("string", rng().integers(0, 3000, rows), [f"c{i}" for i in range(3000)])
    few = CodedColumn("string", rng().integers(0, 300, rows), [f"c{i}" for i in range(300)])
    found = reference(rng().random(rows), many=many, few=few)
    assert found["many"].other_open
    assert found["many"].repeats
    assert found["few"].repeats == []


def test_a_profile_without_the_section_has_the_hash_it_always_had():
    dumped = repeating_profile(amount=amount()).model_dump(mode="json")
    assert "repeats" not in dumped["features"]["amount"]
    with_it = repeating_profile(amount=amount(noise()))
    assert with_it.content_hash != repeating_profile(amount=amount()).content_hash


def test_the_features_that_repeat_least_are_watched_in_the_order_of_the_profile():
    profile = repeating_profile(
        a=amount(noise(0.1)), b=amount(noise(0.02)), c=amount(noise(0.02)), d=amount(noise(0.01)), e=amount()
    )
    assert features_with_repeats(profile, MINUTE, 8) == ("a", "b", "c", "d")
    assert features_with_repeats(profile, MINUTE, 2) == ("b", "d")
    assert features_with_repeats(profile, MINUTE, 0) == ()


def test_panes_are_held_against_the_longest_that_are_no_longer_and_never_against_longer_ones():
    field = amount(noise(0.2, length="1m"), noise(0.1, length="5m"))
    assert [repeat_noise_of(field, minutes * MINUTE) for minutes in (1, 2, 5, 60)] == [
        field.repeats[0],
        field.repeats[0],
        field.repeats[1],
        field.repeats[1],
    ]
    assert repeat_noise_of(field, 10_000) is None
    assert features_with_repeats(repeating_profile(x=field), 10_000, 8) == ()


def test_the_tolerance_is_a_pool_of_a_hundred_and_more_where_values_come_together():
    model = repeating_model(
        repeating_profile(
            alone=amount(noise(0.01, anywhere=0.01)),
            popular=amount(noise(0.2, anywhere=0.2)),
            bursts=amount(noise(0.05)),
        )
    )
    tolerance = {s.feature: s.tolerance for s in model.contrasts.series if s.name == "repeated"}
    pool = repeats_in_a_pool(100, 20)
    assert tolerance == pytest.approx({"alone": pool, "popular": pool, "bursts": 1 - 0.95**5 - 0.05})


def minutes(count, amounts, *, first=0, per_pane=60, seed=5):
    """Events of `count` minutes; `amounts` draws that many."""
    rng = np.random.default_rng(seed)
    n = count * per_pane
    values = amounts(rng, n)
    ages = rng.random(n) * 4
    step = MINUTE // per_pane
    return [
        event(
            (first * per_pane + i) * step,
            amount=float(values[i]),
            client=f"c{rng.integers(1 << 40)}",
            age=float(ages[i]),
        )
        for i in range(n)
    ]


def spread_evenly(rng, n):
    return rng.random(n) * 4


def out_of_fifty(rng, n):
    return (rng.integers(0, 50, n) + 0.5) / 50 * 4


def alerts_of(model, values):
    stage = stage_of([model])
    render = renderer_of([model], Run(mode="backtest", run_id="r"))
    raised = stage.process([Sources((SOURCE,)), *taken(ingest(model), values)])
    return [render(item) for item in raised]


def test_a_cache_that_repeats_fifty_values_is_told_within_the_hour_and_nothing_else():
    """Location, spread and distribution stay as they were."""
    values = [*minutes(180, spread_evenly), *minutes(60, out_of_fifty, first=180, seed=6)]
    opened, *later = alerts_of(repeating_model(), values)
    assert {alert.labels.series for alert in (opened, *later)} == {"repeated"}
    assert (opened.labels.alertname, opened.labels.severity, opened.labels.feature) == (
        "DataQuality",
        "warning",
        "amount",
    )
    assert opened.annotations.summary.startswith("amount: values repeat, 20 → 16.")
    assert opened.annotations.summary.endswith("since 03:00")
    assert "distinct values of amount among 20 events of a pane" in opened.annotations.description
    assert opened.detail.to == pytest.approx(repeats_in_a_pool(50, 20), abs=0.06)


def test_it_is_over_when_values_are_fresh_again():
    fault = minutes(60, out_of_fifty, first=60, seed=6)
    steps = alerts_of(repeating_model(), [*minutes(60, spread_evenly), *fault, *minutes(90, spread_evenly, first=120)])
    assert (steps[0].event, steps[-1].event) == ("opened", "resolved")
    assert steps[-1].annotations.summary.startswith("amount back to 19.1 distinct values in 20 events, lasted 1 h")


def test_a_stuck_category_that_none_of_its_cells_shows_is_told_too():
    rng = np.random.default_rng(8)
    pool = [f"c{i}" for i in range(20)]
    values = [
        event(i * 1000, amount=float(rng.random() * 4), client=pool[rng.integers(20)] if i > 3600 else f"x{i}")
        for i in range(7200)
    ]
    assert ("client", "repeated") in {
        (alert.labels.feature, alert.labels.series) for alert in alerts_of(repeating_model(), values)
    }


def test_the_smallest_change_is_told_in_distinct_values():
    [found] = [c for c in smallest_changes(repeating_model(), 60) if c.series.key == "amount|repeated|"]
    assert found.hour.text.startswith("a fall to 1")
    assert found.hour.text.endswith(" distinct values in 20 events")
    assert found.hour.reached > found.series.tolerance


def test_another_limit_does_not_take_over_the_past():
    fields, _ = stage_with_a_past(repeating_model()).changes()
    with pytest.raises(StateError, match=r"limits\.distinct_features"):
        stage_of([repeating_model(limit=1)]).restore(fields)
    stage_of([repeating_model()]).restore(fields)


def stage_with_a_past(model):
    stage = stage_of([model])
    stage.process([Sources((SOURCE,)), *taken(ingest(model), minutes(3, spread_evenly))])
    return stage


def test_open_panes_of_a_panes_partition_keep_their_rows_over_a_restart():
    model = repeating_model()
    messages = [m for m in taken(ingest(model), minutes(2, spread_evenly)) if isinstance(m, PartialPane)]
    stage = stage_of([model])
    stage.process([Sources((SOURCE,)), *messages])
    resumed = stage_of([model])
    resumed.restore(stage.changes()[0])
    for key, pane in stage.merge.open.items():
        assert np.array_equal(resumed.merge.open[key].sample.ids, pane.sample.ids)
