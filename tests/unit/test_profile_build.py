"""A profile says what the reference held: bins, categories, mean scores, metrics, movement from pane to pane."""

from __future__ import annotations

import math

import numpy as np
import pytest

from driftgauge.errors import InputError
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.notes import UNTIMED
from driftgauge.profiles.pane_length import suggest_pane
from driftgauge.profiles.profile import CategoricalField, NumericField, psi_noise_of
from driftgauge.profiles.reference import ColumnGatherer


def column(kind, values):
    gatherer = ColumnGatherer(kind)
    gatherer.extend(values)
    return gatherer.column()


def built(features, times=None, **outputs):
    rows = len(next(iter(features.values()))[1])
    reference = Reference(
        ["a.csv"],
        np.arange(rows) * 1000 if times is None else np.array(times),
        {name: column(kind, values) for name, (kind, values) in features.items()},
        **{name: column(kind, values) for name, (kind, values) in outputs.items()},
    )
    return build_profile(reference, model_id="m", model_version="1")


def field_of(kind, values):
    return built({"x": (kind, values)}).profile.features["x"]


def test_quantile_bins_hold_equal_shares_and_special_values_have_cells_of_their_own():
    field = field_of("numeric", [*range(1, 2001), None, float("nan"), math.inf, "text"])
    assert field.counts == [100] * 20 + [2, 2, 0, 0]
    assert (field.minimum, field.maximum, field.mean) == (1, 2000, 1000.5)
    assert (field.low, field.high) == pytest.approx((2000**-0.1, 2000 + 199.9))


def test_ties_collapse_bins_and_no_bin_is_empty():
    field = field_of("numeric", [0] * 900 + list(range(1, 101)))
    assert field.edges[0] == 0
    assert field.counts[0] == 900
    assert min(field.counts[: field.bins]) > 0
    assert field.edges[-1] < field.maximum


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0, 10], 0, 11),
        ([0, 0.5, 1], 0, 1),
        ([2, 100], 0, 100),
        ([1, 1000], 1000**-0.1, 1099.9),
        ([1e-300, 1e300], 0, 1.1e300),
        ([-1, 1], -1.2, 1.2),
        ([5, 5], 5, 5),
    ],
)
def test_natural_bounds_have_no_margin(values, low, high):
    field = field_of("numeric", values)
    assert (field.low, field.high) == pytest.approx((low, high))


def test_a_constant_column_has_one_bin_no_spread_and_a_warning():
    result = built({"x": ("numeric", [0.003467] * 1000)})
    field = result.profile.features["x"]
    assert (field.edges, field.sd, field.counts) == ([], 0.0, [1000, 0, 0, 0, 0])
    assert [note.level for note in result.notes] == ["warning", "hint"]
    assert result.notes[1] == UNTIMED
    assert "constant (0.003467)" in result.notes[0].text


def test_the_largest_doubles_give_a_finite_profile():
    field = field_of("numeric", [-1.7e308, 1.7e308, 5e-324, 0.0])
    assert isinstance(field, NumericField)
    assert math.isfinite(field.sd)


def test_categories_are_the_top_fifty_by_count_then_text_and_the_rest_is_other():
    values = ["b"] * 3 + ["a"] * 3 + [f"v{i:04d}" for i in range(1100)]
    field = field_of("string", values)
    assert field.categories[:3] == ["a", "b", "v0000"]
    assert len(field.categories) == 50
    assert field.known_other == sorted(field.known_other)
    assert len(field.known_other) == 1000
    assert field.other_open
    assert field.counts[50:] == [len(values) - 54, 0, 0, 0]


def test_categories_of_one_type_take_values_of_others_for_invalid():
    field = field_of("integer", [1, 1.0, True, "1", 1.5, None, 2])
    assert isinstance(field, CategoricalField)
    assert field.categories == [1, 2]
    assert field.counts == [2, 1, 0, 1, 3, 0]


def test_empty_columns_are_left_out_with_a_warning_and_nothing_left_is_an_error():
    result = built({"x": ("numeric", [1, 2]), "gone": ("numeric", [None, None])})
    assert list(result.profile.features) == ["x"]
    assert "empty in every row" in result.notes[0].text
    with pytest.raises(InputError, match="every feature column is empty"):
        built({"gone": ("numeric", [None, None])})


def test_hints_offer_categories_times_and_identifiers():
    rows = range(100)
    result = built(
        {
            "grade": ("numeric", [i % 5 for i in rows]),
            "flag": ("numeric", [i % 2 for i in rows]),
            "day": ("string", [f"2026-01-{i % 9 + 1:02d}" for i in rows]),
            "name": ("string", [f"n{i}" for i in rows]),
        }
    )
    assert [note.text for note in result.notes if note != UNTIMED] == [
        '"grade" has 5 distinct integers; --categorical grade treats it as categorical',
        '"day" looks like a time; --timestamp day reads it as the rows\' time',
        '"name" has 100 distinct values in 100 rows: if it is an identifier, --exclude name',
    ]


def test_mean_scores_stand_beside_each_cell():
    profile = built(
        {"x": ("string", ["a", "a", "b", None])},
        score=("numeric", [0.2, 0.4, None, 0.9]),
        prediction=("numeric", [0, 0, 1, 1]),
    ).profile
    assert profile.features["x"].score_means == [pytest.approx(0.3), None, None, 0.9, None, None]
    assert profile.prediction.label.categories == [0, 1]
    assert profile.prediction.label.score_means[:2] == [pytest.approx(0.3), 0.9]
    assert profile.prediction.scalar == "label"


def test_a_prediction_of_many_numbers_is_a_score_and_cannot_stand_beside_one():
    amounts = ("numeric", [i / 7 for i in range(100)])
    assert built({"x": ("numeric", range(100))}, prediction=amounts).profile.prediction.scalar == "score"
    with pytest.raises(InputError, match="must be a class"):
        built({"x": ("numeric", range(100))}, prediction=amounts, score=amounts)


def test_offline_metrics_of_a_hand_computed_confusion():
    metrics = built(
        {"x": ("numeric", range(6))},
        prediction=("integer", [1, 1, 0, 0, 1, 0]),
        score=("numeric", [0.9, 0.8, 0.4, 0.3, 0.4, 0.1]),
        actual=("numeric", [1, 0, 1, 0, 1, None]),
    ).profile.offline_metrics
    assert metrics["prevalence"] == pytest.approx(3 / 5)
    assert metrics["accuracy"] == pytest.approx(3 / 5)
    assert metrics["precision"] == metrics["recall"] == metrics["f1"] == pytest.approx(2 / 3)
    assert metrics["auc"] == pytest.approx((2 + 1 + 1) / 6)
    assert metrics["brier"] == pytest.approx((0.1**2 + 0.8**2 + 0.6**2 + 0.3**2 + 0.6**2) / 5)
    assert metrics["log_loss"] == pytest.approx(-sum(map(math.log, (0.9, 0.2, 0.4, 0.7, 0.4))) / 5)


def test_auc_counts_ties_half():
    metrics = built(
        {"x": ("numeric", range(4))}, score=("numeric", [0.5] * 4), actual=("numeric", [0, 1, 0, 1])
    ).profile.offline_metrics
    assert metrics["auc"] == 0.5


def test_regression_is_measured_by_absolute_and_squared_error():
    metrics = built(
        {"x": ("numeric", range(30))},
        prediction=("numeric", [i + 0.5 for i in range(30)]),
        actual=("numeric", [i + 1.5 - 2 * (i % 2) for i in range(30)]),
    ).profile.offline_metrics
    assert metrics == {"mae": pytest.approx(1.0), "rmse": pytest.approx(1.0)}


@pytest.mark.parametrize(
    ("times", "pane"),
    [
        (np.arange(10_000) * 50, 10_000),
        (np.arange(10_000) * 1000, 300_000),
        (np.arange(10_000) * 1_800_000, 86_400_000),
        (np.array([0]), 86_400_000),
        # Two bursts a day apart: hours would be 8 % covered, quarters of a day 40 %.
        (np.arange(1000) * 10 + (np.arange(1000) // 500) * 86_400_000, 21_600_000),
    ],
)
def test_the_pane_is_the_shortest_that_is_dense_and_full_enough(times, pane):
    assert suggest_pane(times) == pane


def test_noise_is_the_movement_of_the_series_between_panes():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(40, 300))
    values[20:] += 1.0
    profile = built({"x": ("numeric", values.ravel().tolist())}).profile
    assert profile.suggested_pane == "5m"
    field = profile.features["x"]
    noise = field.noise["location"]
    layout = Layout.of(profile)
    cells = np.searchsorted(field.edges, values)
    counts = np.zeros((40, layout.size), np.int64)
    for pane in range(40):
        counts[pane] = np.bincount(cells[pane], minlength=layout.size)
    contrasts = contrasts_of(layout, 300_000)
    location = next(s.index for s in contrasts.series if s.name == "location")
    expected = contrasts.evaluate(counts).values[:, location]
    assert (noise.panes, noise.mean_n) == (40, 300)
    assert noise.mean == pytest.approx(expected.mean())
    assert noise.mean == pytest.approx(0.5)
    assert noise.variance == pytest.approx(expected.var(ddof=1))
    assert noise.lag1 > 0.9
    assert "psi_2h" not in field.noise


def test_noise_needs_eight_panes_and_psi_twenty_windows():
    few = built({"x": ("numeric", list(range(400)))}).profile.features["x"]
    assert few.noise == {}
    assert few.psi == []


def test_noise_is_that_of_shorter_panes_where_few_of_the_suggested_ones_are_there():
    values = np.random.default_rng(1).normal(size=600)
    profile = built({"x": ("numeric", values.tolist())}, times=np.arange(600) * 300_000).profile
    assert profile.suggested_pane == "1d"
    noise = profile.features["x"].noise["location"]
    assert (noise.length, noise.panes) == ("5m", 600)


def test_psi_of_steady_windows_is_that_of_sampling():
    rng = np.random.default_rng(1)
    days, per_day = 25, 2400
    values = rng.normal(size=days * per_day)
    profile = built({"x": ("numeric", values.tolist())}, times=np.arange(days * per_day) * 36_000).profile
    assert profile.suggested_pane == "1h"
    psi = psi_noise_of(profile.features["x"], "1d")
    assert psi.windows == days
    # Shorter windows are measured too, as panes may be shorter than the suggested ones.
    assert [noise.length for noise in profile.features["x"].psi] == ["1h", "2h", "6h", "1d", "6d"]
    # A chi-squared of 19 degrees of freedom times 1/n + 1/m.
    scale = 1 / per_day + 1 / ((days - 1) * per_day)
    assert psi.mean == pytest.approx(19 * scale, rel=0.2)
    assert psi.variance == pytest.approx(2 * 19 * scale**2, rel=0.8)


def test_metrics_need_both_sides():
    assert built({"x": ("numeric", [1, 2])}, actual=("numeric", [0, 1])).profile.offline_metrics == {}
