"""Which series a field has, what they say of a pane, and the smallest change that counts."""

from __future__ import annotations

import numpy as np
import pytest

from driftgauge.detect.history import History
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
    SeriesNoise,
)

MINUTE = 60_000


def categorical(shares, *, other=0, categories=None, **changes):
    return CategoricalField(
        value_type="string",
        categories=categories or [f"c{i}" for i in range(len(shares))],
        known_other=["rare"] if other else [],
        counts=[*shares, other, 0, 0, 0],
        **changes,
    )


def contrasts(fields, label=None):
    profile = Profile(
        model_id="m",
        model_version="1",
        reference=ReferenceSpan(files=["r.csv"], rows=1, first_ms=0, last_ms=2 * 86_400_000),
        suggested_pane="1m",
        features=fields,
        prediction=PredictionProfile(scalar="label", label=label) if label else None,
    )
    return contrasts_of(Layout.of(profile), MINUTE)


def shares_of(field):
    return [series.category for series in contrasts({"x": field}).series if series.name == "share"]


def series_of(made):
    return {series.key: series for series in made.series}


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (categorical([500, 300, 200]), ["c0", "c1", "c2"]),
        (categorical([60, 10, 50, 20, 40, 30, 5]), ["c0", "c2", "c4", "c5", "c3"]),
        (categorical([60, 10, 50, 20, 40, 30, 5], other=1), ["c0", "c2", "c4", "c5", "c3", "other"]),
        (categorical([700, 300]), ["c1"]),
        (categorical([300, 700]), ["c0"]),
        (categorical([300, 700], other=20), ["c0", "other"]),
        (categorical([500, 500]), ["c1"]),
        (categorical([1000]), []),
        (categorical([990], other=10), ["other"]),
        (categorical([4, 3, 2], categories=["other", "(other)", "b"], other=1), ["other", "(other)", "b", "((other))"]),
        (CategoricalField(value_type="boolean", categories=[False, True], counts=[900, 100, 0, 0, 0, 0]), ["true"]),
        (
            CategoricalField(value_type="integer", categories=[7, 8, 9], counts=[5, 3, 2, 0, 0, 0, 0]),
            ["7", "8", "9"],
        ),
    ],
)
def test_the_most_frequent_categories_and_the_rest_have_shares(field, shown):
    assert shares_of(field) == shown


def test_shares_are_of_the_present_and_valid_events():
    made = contrasts({"job": categorical([500, 300, 150], other=50)})
    # 3 of c0, 4 of c1, none of c2, 2 rarer ones, 5 missing, 6 invalid, 1 unseen.
    values = made.evaluate(np.array([[3, 4, 0, 2, 5, 6, 1], [0, 0, 0, 0, 7, 2, 0]]))
    found = {key: (int(values.n[0, s.index]), values.values[0, s.index]) for key, s in series_of(made).items()}
    assert found["job|share|c0"] == (10, 0.3)
    assert found["job|share|c1"] == (10, 0.4)
    assert found["job|share|c2"] == (10, 0.0)
    assert found["job|share|other"] == (10, 0.2)
    assert found["job|unseen|"] == (10, 0.1)
    assert found["job|invalid|"] == (16, 6 / 16)
    assert found["job|missing|"] == (21, 5 / 21)
    c1 = series_of(made)["job|share|c1"].index
    assert values.hits[:, c1].tolist() == [4, 0]
    assert values.n[1, c1] == 0
    assert np.isnan(values.values[1, c1])


def test_numbers_have_location_spread_and_both_sides_of_their_range():
    amount = NumericField(
        edges=[1.0, 2.0, 3.0], low=0, high=4, minimum=0, maximum=4, mean=2, sd=1, counts=[1, 1, 1, 1, 0, 0, 0, 0]
    )
    made = contrasts({"amount": amount})
    # 2 in the first bin, 1 in the third, 4 missing, 5 invalid, 1 below, 2 above. u = 1/8, 5/8, 0 and 1.
    values = made.evaluate(np.array([[2, 0, 1, 0, 4, 5, 1, 2]]))
    found = {key: (int(values.n[0, s.index]), values.values[0, s.index]) for key, s in series_of(made).items()}
    assert found["amount|out_of_range|"] == (6, 0.5)
    assert found["amount|location|"] == (6, pytest.approx((2 / 8 + 5 / 8 + 2) / 6, abs=1e-7))
    assert found["amount|spread|"] == (6, pytest.approx((2 * 0.75 + 0.25 + 3) / 6, abs=1e-7))
    assert found["amount|missing|"] == (15, 4 / 15)
    location = series_of(made)["amount|location|"]
    assert (location.reference, location.sd) == (0.5, pytest.approx(np.sqrt((1 - 1 / 16) / 12)))


@pytest.mark.parametrize(
    ("share", "tolerance"),
    [(0.5, 0.1), (0.35, 0.0954), (0.04, 0.0392), (0.01, 0.0199), (0.0025, 0.01), (0.001, 0.01), (0.0001, 0.01)],
)
def test_a_features_share_counts_from_a_fifth_of_an_sd_and_a_point(share, tolerance):
    rows = 1_000_000
    rare = round(share * rows)
    field = categorical([rows - rare, rare] if share < 0.5 else [rare, rare])
    entry = series_of(contrasts({"x": field}))["x|share|c1"]
    assert (entry.reference, entry.reference_n) == (share, rows)
    assert entry.tolerance == pytest.approx(tolerance, abs=1e-4)


def test_a_rare_predicted_class_counts_below_a_point():
    label = categorical([9990, 10])
    entry = series_of(contrasts({}, label))["|predicted_share|c1"]
    assert entry.tolerance == pytest.approx(0.2 * np.sqrt(0.001 * 0.999))


def test_shares_take_the_noise_that_was_measured_of_them():
    noise = SeriesNoise(panes=50, mean=0.3, variance=0.01, lag1=0.5, mean_n=10)
    field = categorical([500, 300, 200], noise={"share|c1": noise})
    made = series_of(contrasts({"x": field}))
    assert made["x|share|c1"].noise == noise
    assert made["x|share|c0"].noise is None


def test_bars_in_names_keep_their_series_apart():
    three = categorical([5, 3, 2], categories=["a", "b", "y|share|z"])
    other = categorical([5, 3, 2], categories=["a", "b", "z"])
    made = contrasts({"x": three, "x|share|y": other})
    assert len({series.key for series in made.series}) == len(made.series)


def test_a_series_more_takes_twelve_bytes_per_pane_of_history():
    def size(categories):
        made = contrasts({"x": categorical([1] * categories)})
        history = History(keep=2880, window=60, series=len(made.series), cells=made.layout.size)
        rows = len(made.series) * history.values.rows().itemsize, len(made.series) * history.n.rows().itemsize
        return len(made.series), sum(rows)

    (few, small), (many, large) = size(3), size(5)
    assert many - few == 2
    assert large - small == 2 * 12
    # The sixth category and later ones take cells only.
    assert size(50)[0] == many
