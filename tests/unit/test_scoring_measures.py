"""Recall, precision, rates, delays, time in alert, and the clocks beside them."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from scipy.stats import beta, chi2

from driftgauge.scoring.delays import MEDIAN, P90, Quantile, quantile
from driftgauge.scoring.intervals import binomial_interval, poisson_interval
from driftgauge.scoring.matching import Watch
from driftgauge.scoring.measures import MONTH as MEASURED_MONTH
from driftgauge.scoring.measures import measure
from driftgauge.scoring.score import score
from driftgauge.scoring.spans import length, overlap, rest, union
from scored import DAY, HOUR, MONTH, alert, incident, matched


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40, 1000])
def test_the_interval_of_a_rate_is_that_of_the_chi_squared_quantiles(count):
    low, high = poisson_interval(count, 3.0)
    assert low == pytest.approx(chi2.ppf(0.025, 2 * count) / 6 if count else 0.0)
    assert high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 6)


def test_intervals_of_rates_are_those_of_the_tables():
    assert poisson_interval(0, 1.0) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert poisson_interval(0, 1.0) == pytest.approx((0.0, -math.log(0.025)))
    assert poisson_interval(3, 2.0) == pytest.approx((0.6187 / 2, 8.7673 / 2), abs=1e-4)


@pytest.mark.parametrize(("count", "of"), [(0, 5), (1, 4), (3, 4), (5, 5), (500, 1000)])
def test_the_interval_of_a_share_is_that_of_the_beta_quantiles(count, of):
    low, high = binomial_interval(count, of)
    assert low == pytest.approx(beta.ppf(0.025, count, of - count + 1) if count else 0.0)
    assert high == pytest.approx(beta.ppf(0.975, count + 1, of - count) if count < of else 1.0)


@pytest.mark.parametrize(
    ("found", "missed", "median"),
    [
        ([5, 7, 9], [], Quantile(7, None)),
        ([5, 7, 9, 11], [], Quantile(7, None)),
        ([5], [10], Quantile(5, None)),
        ([5], [10, 20], Quantile(None, 20)),
        ([], [10, 20], Quantile(None, 20)),
        ([], [], Quantile(None, None)),
        ([5], [5], Quantile(5, None)),
        # The one watched for 4 only says nothing of what is after: half of the two left are found at 10.
        ([10, 20], [4, 4], Quantile(10, None)),
        ([10, 20], [30, 30], Quantile(20, None)),
    ],
)
def test_a_quantile_of_delays_counts_what_was_missed_as_longer_than_it_was_watched(found, missed, median):
    assert quantile(found, missed, MEDIAN) == median


def test_the_product_limit_estimate_is_that_of_the_classic_example():
    # Remission times of 21 patients on 6-MP (Freireich et al. 1963), the example of most textbooks: median 23.
    gone = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    left = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    assert quantile(gone, left, MEDIAN) == Quantile(23, None)
    assert quantile(gone, left, Fraction(1, 4)) == Quantile(13, None)
    assert quantile(gone, left, P90) == Quantile(None, 35)


def test_spans_are_joined_cut_and_measured():
    spans = [(5, 10), (8, 20), (20, 25), (40, 60), (90, 200), (7, 7)]
    assert union(spans, (0, 100)) == [(5, 25), (40, 60), (90, 100)]
    assert rest(spans, (0, 100)) == [(0, 5), (25, 40), (60, 90)]
    assert rest([], (0, 100)) == [(0, 100)]
    assert rest([(0, 100)], (0, 100)) == []
    assert overlap([(0, 10), (20, 30)], [(5, 25)]) == 10
    assert length(union(spans, (0, 100))) == 50


def test_recall_precision_and_false_alerts_are_counted_by_incidents():
    alerts = [alert(HOUR), alert(3 * DAY), alert(3 * DAY + HOUR), alert(5 * DAY, 5 * DAY + HOUR), alert(8 * DAY)]
    incidents = [incident(3 * DAY - HOUR, 4 * DAY), incident(9 * DAY, 10 * DAY)]
    found = measure(matched(alerts, incidents, end=MONTH, tolerance=HOUR), HOUR)
    assert (found.recall.found, found.recall.share, found.precision) == (1, 0.5, 1 / 4)
    assert found.verdicts == {"hit": 1, "duplicate": 1, "beside": 0, "false": 1, "open_before": 2, "outside": 0}
    assert found.false.count == 3
    # A false alert can come in quiet time only.
    assert found.false.quiet == MONTH - 26 * HOUR - 25 * HOUR
    assert found.false.per_month == pytest.approx(3 / (1 - 51 / 720))


def test_time_adds_up_over_models():
    calm = measure(matched([], [incident(0, DAY, model_id="loans")], end=MONTH, models=("loans", "fraud")), 0)
    assert calm.false.quiet == 2 * MONTH - DAY
    assert calm.false.per_month == 0


def test_time_in_alert_counts_once_what_several_alerts_cover_and_open_ones_to_the_end():
    alerts = [alert(0, 100), alert(50, 150, feature="age"), alert(900), alert(-50, 20)]
    found = measure(matched(alerts, [incident(120, 200)], end=1000), 0)
    assert found.in_alert == pytest.approx(0.25)
    assert found.in_alert_quiet == pytest.approx(220 / 920)


def test_without_quiet_time_there_is_no_rate():
    found = measure(matched([alert(150)], [incident(0)]), 0)
    assert (found.false.per_month, found.false.interval, found.in_alert_quiet) == (None, None, None)


def test_without_incidents_there_is_a_rate_and_nothing_else():
    found = measure(matched([alert(150)], []), 0)
    assert (found.recall.share, found.recall.interval, found.delays.mean, found.mean_time_ratio) == (None,) * 4
    assert (found.precision, found.false.count) == (0.0, 1)


def test_the_mean_time_ratio_is_unknown_without_a_false_alert_or_a_find():
    assert measure(matched([alert(150)], [incident(100, 200)]), 0).mean_time_ratio is None
    assert measure(matched([alert(50, 60)], [incident(100, 200)]), 0).mean_time_ratio is None
    both = measure(matched([alert(50, 60), alert(150)], [incident(100, 200), incident(300, 400)]), 0)
    assert both.mean_time_ratio == pytest.approx(800 / 50 / 2)


def test_kinds_and_sizes_have_groups_of_their_own_in_an_order_that_reads():
    sizes = ["10 %", "2 %", "1e2", "all", None]
    incidents = [incident(100 * i, 100 * i + 50, kind="null", size=size) for i, size in enumerate(sizes)]
    incidents += [incident(600, 650, kind="drop"), incident(700, 750)]
    found = score([alert(120), alert(620)], incidents, Watch(frozenset({"loans"}), -1, 1000), 0)
    assert [group.name for group in found.kinds] == ["drop", "null", None]
    drop, null, rest_of = found.kinds
    assert (drop.sizes, rest_of.sizes) == ([], [])
    assert [group.name for group in null.sizes] == ["2 %", "10 %", "1e2", "all", None]
    assert [group.recall.found for group in null.sizes] == [1, 0, 0, 0, 0]
    assert (null.recall.found, null.recall.incidents, drop.recall.found) == (1, 5, 1)


def test_a_clock_finds_all_within_its_interval_and_is_mostly_wrong():
    incidents = [incident(10 * DAY + HOUR // 2, 11 * DAY, feature="job")]
    rows = {row.name: row.measures for row in score([], incidents, Watch(frozenset({"loans"}), 0, MONTH), 0).comparison}
    assert list(rows) == ["never", "every hour", "every day"]
    hourly = rows["every hour"]
    assert (hourly.recall.share, hourly.delays.mean) == (1.0, HOUR / 2)
    assert hourly.verdicts["duplicate"] == 23
    assert hourly.false.per_month == pytest.approx(720, rel=0.01)
    never = rows["never"]
    assert (never.recall.share, never.false.count, never.precision) == (0.0, 0, None)


def test_one_clock_rings_as_often_as_there_were_alerts():
    alerts = [alert(day * DAY, day * DAY + HOUR) for day in range(1, 11)]
    found = score(alerts, [incident(100 * DAY)], Watch(frozenset({"loans"}), 0, MONTH), 0)
    assert (found.comparison[-1].name, found.comparison[-1].every) == ("as often, every 3 d", 3 * DAY)
    assert found.comparison[-1].measures.false.count == 10


def test_a_month_is_that_of_the_budget():
    assert MEASURED_MONTH == MONTH
