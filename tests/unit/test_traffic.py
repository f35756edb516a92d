"""Volume and silences: what is an alert, when, what it says, when it is over, and what is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from driftgauge.alerts.event import AlertEvent
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.detect.budget import share_of
from driftgauge.detect.traffic.grid import Grid
from driftgauge.detect.traffic.noise import wander_of
from driftgauge.detect.traffic.silence import Silence
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY, HOUR
from traffic import MONDAY, alerts, minute, steady, told, traffic_model, watch_of

MODEL = traffic_model()


def test_steady_traffic_with_a_season_is_quiet():
    watch = watch_of(MODEL)
    assert alerts(MODEL, steady(16), watch=watch) == []
    assert watch.level is not None
    assert watch.level.days == 16


def test_silence_is_told_of_within_two_panes_and_how_much_is_missing_when_it_ends():
    n = steady(8)
    n[minute(7, 10, 3) : minute(7, 11, 3)] = 0
    opened, resolved = alerts(MODEL, n)
    assert told([opened, resolved]) == [
        ("opened", "staleness", "01-12T10:05"),
        ("resolved", "staleness", "01-12T11:04"),
    ]
    assert (opened.labels.alertname, opened.labels.severity) == ("TrafficAnomaly", "critical")
    assert opened.annotations.summary.startswith("no event since 10:03 (usually 9")
    assert opened.source.offsets == {}
    detail = opened.detail
    assert (detail.direction, detail.to, detail.unit, detail.n_after) == ("down", 0.0, "events/min", 0)
    assert detail.from_ == pytest.approx(97, abs=3)
    assert (detail.change_point.at, detail.change_point.earliest) == ("2026-01-12T10:03:00Z", "2026-01-12T10:02:00Z")
    assert detail.detectors[0].name == "gap"
    assert detail.detectors[0].statistic > detail.detectors[0].threshold
    assert resolved.annotations.summary.startswith("events again, after 1 h 1 min: about 5,")
    assert resolved.source.offsets == {"0": [minute(7, 11, 3)] * 2}
    assert resolved.fingerprint == opened.fingerprint
    assert all(AlertEvent.model_validate_json(e.to_json()) == e for e in (opened, resolved))


def test_silence_goes_on_being_told_of_every_day():
    n = steady(10)
    n[minute(7, 10, 3) :] = 0
    assert [e[0] for e in told(alerts(MODEL, n))] == ["opened", "repeat", "repeat"]


def test_silence_is_an_alert_from_one_day_on_at_the_lowest_rate_of_an_hour():
    n = steady(3)
    n[minute(0, 20) : minute(0, 21)] = 0
    assert alerts(MODEL, n[: minute(1, 12)]) == []
    n = steady(3)
    n[minute(1, 10) : minute(1, 11)] = 0
    assert told(alerts(MODEL, n))[0] == ("opened", "staleness", "01-06T10:02")


def test_an_hour_without_events_on_the_first_day_keeps_silence_from_being_judged_until_hours_are_known():
    n = steady(8)
    for day in range(8):
        n[minute(day, 3) : minute(day, 5)] = 0
    # An outage that could not be told of does not hide the next one either.
    n[minute(2, 10) : minute(2, 12)] = 0
    n[minute(7, 10) : minute(7, 12)] = 0
    assert told(alerts(MODEL, n))[0] == ("opened", "staleness", "01-12T10:02")


def test_nights_without_traffic_are_no_silence_and_do_not_hide_one_by_day():
    office = np.tile(np.repeat([0, 60, 0], [8 * 60, 10 * 60, 6 * 60]), 12)
    office[5 * 1440 : 7 * 1440] = 0
    n = np.random.default_rng(2).poisson(office)
    assert alerts(MODEL, n) == []
    n[minute(10, 14) : minute(10, 15)] = 0
    assert told(alerts(MODEL, n))[0] == ("opened", "staleness", "01-15T14:02")


def test_what_falls_silent_every_night_at_the_same_time_is_no_news():
    n = steady(20)
    for day in range(20):
        n[minute(day, 2) : minute(day, 2, 30)] = 0
    assert alerts(MODEL, n) == []


def test_sparse_traffic_is_silent_after_as_many_missing_events_as_chance_allows():
    n = np.random.default_rng(3).poisson(np.ones(9 * 1440))
    n[minute(8, 10) :] = 0
    ((event, series, at),) = told(alerts(MODEL, n))
    assert (event, series) == ("opened", "staleness")
    assert "01-13T10:13" <= at <= "01-13T10:22"


def test_an_event_every_few_panes_is_too_little_to_call_a_fall():
    for every in (1, 2, 4, 7):
        n = np.zeros(9 * 1440, np.int64)
        n[::every] = 1
        assert told(alerts(MODEL, n)) == []


def test_features_that_stop_while_predictions_go_on_are_a_broken_pipeline():
    n = steady(8)
    features = n.copy()
    features[minute(7, 10) : minute(7, 11)] = 0
    opened, resolved = alerts(MODEL, features, n)
    assert told([opened, resolved]) == [
        ("opened", "staleness_features", "01-12T10:02"),
        ("resolved", "staleness_features", "01-12T11:01"),
    ]
    assert opened.labels.alertname == "FeaturePipelineBroken"
    assert opened.annotations.summary.startswith("no event with features since 10:00 (usually 9")
    assert opened.source.offsets == {"0": [minute(7, 10, 1)] * 2}


def test_predictions_that_stop_while_features_go_on_are_a_traffic_anomaly():
    n = steady(8)
    predictions = n.copy()
    predictions[minute(7, 10) :] = 0
    found = alerts(MODEL, n, predictions)
    assert told(found) == [("opened", "staleness_prediction", "01-12T10:02")]
    assert found[0].labels.alertname == "TrafficAnomaly"


def test_a_part_that_never_came_is_not_missed():
    n = steady(8)
    assert alerts(MODEL, n, np.zeros_like(n)) == []


def test_both_parts_silent_are_one_alert():
    n = steady(8)
    n[minute(7, 10) :] = 0
    assert told(alerts(MODEL, n, n.copy())) == [("opened", "staleness", "01-12T10:02")]


def test_a_third_of_the_traffic_is_critical_with_its_onset_and_over_when_it_is_back():
    n = steady(9)
    low = slice(minute(7, 10, 3), minute(7, 15))
    n[low] = np.random.default_rng(5).binomial(n[low], 0.3)
    found = alerts(MODEL, n)
    assert [(e.event, e.labels.series, e.labels.severity) for e in found] == [
        ("opened", "volume", "critical"),
        ("resolved", "volume", "critical"),
    ]
    opened, resolved = found
    assert opened.updatedAt <= "2026-01-12T10:06:00Z"
    assert opened.detail.change_point.at == "2026-01-12T10:03:00Z"
    assert opened.detail.direction == "down"
    assert opened.detail.from_ == pytest.approx(97, abs=5)
    assert opened.detail.to == pytest.approx(29, abs=10)
    assert opened.annotations.summary.startswith("volume 9")
    assert " events a minute since 10:03" in opened.annotations.summary
    assert [d.name for d in opened.detail.detectors] == ["multiscale"]
    assert resolved.updatedAt[:13] == "2026-01-12T15"
    assert resolved.annotations.summary.startswith("volume back to ")


def test_half_as_many_again_is_a_warning_that_becomes_critical_with_three_times_as_many():
    n = steady(8)
    n[minute(7, 10) : minute(7, 12)] *= 2
    n[minute(7, 12) :] *= 4
    found = alerts(MODEL, n)
    assert [(e.event, e.labels.severity, e.detail.superseded_by) for e in found] == [
        ("opened", "warning", None),
        ("resolved", "warning", "critical"),
        ("escalated", "critical", None),
    ]
    assert found[1].annotations.summary.endswith("; goes on as critical")
    assert len({e.event_id for e in found}) == 3


def test_a_sixth_more_is_no_alert():
    n = steady(9)
    n[minute(7, 10) :] = (n[minute(7, 10) :] * 7 / 6).astype(int)
    assert alerts(MODEL, n) == []


def test_volume_is_not_judged_before_five_days():
    n = steady(6)
    n[minute(3, 10) : minute(3, 14)] *= 3
    assert alerts(MODEL, n) == []


def test_the_first_weekend_is_no_fall_of_traffic():
    n = np.random.default_rng(4).poisson(np.tile(np.repeat([60, 15], [5 * 1440, 2 * 1440]), 5))
    assert alerts(MODEL, n) == []


def test_a_steep_rise_every_morning_is_no_news():
    hours = np.arange(16 * 1440) % 1440 / 60
    n = np.random.default_rng(4).poisson(10 + 90 * np.clip((hours - 7.9) * 4, 0, 1) * np.clip((19.2 - hours) * 2, 0, 1))
    assert alerts(MODEL, n) == []


def test_one_freak_pane_is_no_volume():
    n = steady(8)
    n[minute(7, 10)] = 5000
    assert alerts(MODEL, n) == []


def test_where_single_panes_are_wild_two_of_them_are_no_volume():
    rng = np.random.default_rng(21)
    noise = np.exp(np.clip(0.15 * rng.standard_t(3, 9 * 1440), -2, 2))
    n = rng.poisson(60 * noise)
    watch = watch_of(MODEL)
    n[minute(8, 10) : minute(8, 10, 2)] = 220
    assert alerts(MODEL, n, watch=watch) == []
    assert watch.level is not None
    assert watch.level.tails > 2
    n[minute(8, 10) : minute(8, 11)] = 180
    assert told(alerts(MODEL, n))[0][:2] == ("opened", "volume")


def test_panes_that_are_cut_have_no_volume():
    n = steady(8)
    cut = range(minute(7, 10), minute(7, 11))
    n[cut] //= 10
    assert alerts(MODEL, n, cut=cut) == []


def test_after_a_silence_the_volume_is_judged_by_what_comes_then():
    n = steady(9)
    n[minute(7, 10) : minute(7, 15)] = 0
    assert [e.labels.series for e in alerts(MODEL, n)] == ["staleness", "staleness"]


def test_a_day_with_an_alert_teaches_nothing():
    n = steady(9)
    n[minute(7, 10) : minute(7, 11)] = 0
    watch = watch_of(MODEL)
    alerts(MODEL, n, watch=watch)
    assert watch.level is not None
    assert watch.level.days == 8


def test_slow_growth_is_learned():
    n = np.random.default_rng(6).poisson(60 * 1.1 ** (np.arange(60 * 96) / 96 / 7) * 15)
    assert alerts(traffic_model("15m"), n) == []


def test_what_has_lasted_for_four_weeks_is_no_news_any_more():
    n = np.random.default_rng(7).poisson(np.full(50 * 96, 900))
    n[10 * 96 :] *= 2
    found = alerts(traffic_model("15m"), n)
    assert {e.event for e in found[1:-1]} == {"repeat"}
    assert found[-1].event == "resolved"
    assert found[-1].updatedAt == "2026-02-12T00:00:00Z"
    assert "learned anew" in found[-1].annotations.summary


def test_a_subject_that_has_been_silent_for_four_weeks_is_forgotten_in_few_steps():
    watch, model = watch_of(MODEL), MODEL
    n = steady(8)
    assert alerts(model, n, watch=watch) == []
    steps = watch.be_silent(MONDAY + 20_000 * DAY)
    assert [s.event for s in steps].count("opened") == 1
    assert (steps[-1].event, steps[-1].reason) == ("resolved", "level_expired")
    assert watch.level is None
    fields, gone = watch.changes()
    assert list(fields) == ["traffic"]
    assert "traffic_level" not in fields
    assert gone == [] or all(name.startswith("traffic") for name in gone)


def test_long_panes_are_judged_before_they_teach():
    n = np.random.default_rng(8).poisson(np.full(30, 150))
    n[23:] //= 3
    found = alerts(traffic_model("1d"), n)
    assert told(found)[0] == ("opened", "volume", "01-30T00:00")
    assert found[0].detail.unit == "events/d"
    assert "events a day since 2026-01-28" in found[0].annotations.summary


def test_without_panes_only_the_coming_of_event_time_tells_of_a_silence():
    n = steady(8)
    n[minute(7, 10) :] = 0
    watch = watch_of(MODEL)
    assert alerts(MODEL, n[: minute(7, 10)], watch=watch) == []
    assert len(watch.be_silent(MONDAY + 8 * DAY)) == 1


def test_an_open_alert_ends_with_the_profile_that_its_panes_were_counted_by():
    n = steady(8)
    n[minute(7, 10) :] = 0
    watch = watch_of(MODEL)
    assert told(alerts(MODEL, n, watch=watch)) == [("opened", "staleness", "01-12T10:02")]
    (step,) = watch.end(MONDAY + 8 * DAY)
    assert (step.event, step.reason, step.at) == ("resolved", "profile_changed", MONDAY + 8 * DAY)


@pytest.mark.parametrize(("size", "hazard", "panes"), [(0, 10, 11), (95, 10, 2), (101, 0, 2), (0, 0, None)])
def test_a_silence_is_due_when_it_exceeds_its_limit_and_two_panes(size, hazard, panes):
    assert Silence(0, 0, 0, size).due(hazard, 100) == panes


def test_wander_is_measured_out_of_sample():
    rng, grid = np.random.default_rng(9), Grid(60_000)
    starts = MONDAY + np.arange(28 * 24) * HOUR
    panes = np.full(len(starts), 60)
    quiet = wander_of(starts, rng.poisson(np.full(len(starts), 3600)), panes, grid)
    moved = np.repeat(np.exp(0.1 * rng.standard_normal(28)), 24)
    loud = wander_of(starts, rng.poisson(3600 * moved), panes, grid)
    assert quiet[0] is not None
    assert loud[0] is not None
    assert quiet[0].tau2 ** 0.5 < 0.012
    assert 0.08 < loud[0].tau2 ** 0.5 < 0.15
    assert 3 * loud[0].dof < quiet[0].dof


def test_the_shares_of_silence_and_volume_are_those_of_the_budget():
    limits = MODEL.traffic
    assert limits is not None
    looks = 30 * 1440
    assert 3 * looks * limits.alpha == pytest.approx(share_of("traffic", 1.0) / 3)
    expected = [looks, looks, looks / 2, looks / 12]
    assert sum(n * p for n, p in zip(expected, limits.levels, strict=True)) == pytest.approx(
        share_of("traffic", 1) * 2 / 3
    )


def test_traffic_can_be_switched_off_and_is_part_of_the_analysis_hash():
    off = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {"traffic": {"enabled": False}})
    without = replace(MODEL, settings=replace(MODEL.settings, traffic=None))
    assert off.traffic is None
    assert without.traffic is None
    assert without.analysis != MODEL.analysis
    assert "traffic" in MODEL.resolved
    assert "traffic" not in without.resolved


def stored(days: float = 7.5) -> dict[str, bytes]:
    n = steady(days)
    n[minute(7, 10) :] = 0
    watch = watch_of(MODEL)
    alerts(MODEL, n, watch=watch)
    return watch.changes()[0]


def test_state_of_another_shape_is_refused():
    fields = stored()
    day = next(name for name in fields if name.startswith("traffic/"))
    for name in ("traffic", "traffic_level", day):
        with pytest.raises(StateError):
            watch_of(MODEL).restore({**fields, name: b"\x93\x01\x02\x03"})
        with pytest.raises(StateError):
            watch_of(MODEL).restore({**fields, name: b""})
    with pytest.raises(StateError, match="what was expected"):
        watch_of(MODEL).restore({name: data for name, data in fields.items() if name != "traffic_level"})
    with pytest.raises(StateError):
        watch_of(traffic_model("7s")).restore(fields)
