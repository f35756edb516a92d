from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, norm, wasserstein_distance

from driftgauge.detect.windows.cell_distances import hellinger, jensen_shannon, l_infinity, total_variation
from driftgauge.detect.windows.homogeneity import likelihood_ratio, pearson
from driftgauge.detect.windows.ordered_distances import kolmogorov_smirnov, quantile_wasserstein, wasserstein
from driftgauge.detect.windows.psi import psi
from driftgauge.profiles.mid_pit import mid_pit

STARTS = np.array([0, 4, 9])
FIELDS = [slice(0, 4), slice(4, 9), slice(9, 12)]
ONE = np.array([0])
EVERY = [jensen_shannon, hellinger, total_variation, l_infinity, kolmogorov_smirnov, quantile_wasserstein]
cells = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12).filter(
    lambda pairs: all(map(sum, zip(*pairs, strict=True)))
)


def drawn() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 20, (5, 12)), rng.integers(1, 50, 12)


def one(function, now, then) -> float:
    return float(function(np.array([now]), np.array(then), ONE)[0, 0])


def test_each_field_of_each_window_is_what_scipy_makes_of_it() -> None:
    counts, reference = drawn()
    positions = np.sort(np.random.default_rng(2).random(12))
    found_p, found_g = pearson(counts, reference, STARTS), likelihood_ratio(counts, reference, STARTS)
    for row, now in enumerate(counts):
        for field, part in enumerate(FIELDS):
            q, p, at = now[part], reference[part], positions[part]
            samples = np.repeat(at, q), np.repeat(at, p)
            values = {
                jensen_shannon: jensenshannon(q, p, 2),
                kolmogorov_smirnov: ks_2samp(*samples).statistic,
                total_variation: np.abs(q / q.sum() - p / p.sum()).sum() / 2,
                l_infinity: np.abs(q / q.sum() - p / p.sum()).max(),
            }
            for function, expected in values.items():
                assert function(counts, reference, STARTS)[row, field] == pytest.approx(expected, abs=1e-12)
            moved = wasserstein(counts, reference, STARTS, positions)[row, field]
            assert moved == pytest.approx(wasserstein_distance(*samples))
            at_u = mid_pit(p.tolist())
            moved = quantile_wasserstein(counts, reference, STARTS)[row, field]
            assert moved == pytest.approx(wasserstein_distance(np.repeat(at_u, q), np.repeat(at_u, p)))
            for test, variant in ((found_p, "pearson"), (found_g, "log-likelihood")):
                expected = chi2_contingency([q, p], correction=False, lambda_=variant)
                assert test.statistic[row, field] == pytest.approx(expected.statistic)
                assert test.dof[row, field] == expected.dof
                assert test.p_value[row, field] == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("side", ["window", "reference"])
def test_a_field_without_events_is_unknown_and_its_neighbours_are_not(side: str) -> None:
    counts, reference = drawn()
    whole = [function(counts, reference, STARTS) for function in EVERY]
    whole += [*pearson(counts, reference, STARTS), *likelihood_ratio(counts, reference, STARTS)]
    if side == "window":
        counts[:, FIELDS[1]] = 0
    else:
        reference[FIELDS[1]] = 0
    parts = [function(counts, reference, STARTS) for function in EVERY]
    parts += [*pearson(counts, reference, STARTS), *likelihood_ratio(counts, reference, STARTS)]
    for before, after in zip(whole, parts, strict=True):
        assert np.isnan(after[:, 1]).all()
        np.testing.assert_array_equal(after[:, [0, 2]], before[:, [0, 2]])


@given(cells)
def test_equal_shares_are_no_distance_and_sides_may_be_swapped(pairs: list[tuple[int, int]]) -> None:
    now, then = (list(side) for side in zip(*pairs, strict=True))
    for function in EVERY:
        assert one(function, now, [3 * count for count in now]) == pytest.approx(0.0, abs=1e-7)
        if function is not quantile_wasserstein:  # Its unit is the reference's quantiles.
            assert one(function, now, then) == pytest.approx(one(function, then, now), abs=1e-12)
    for test in (pearson, likelihood_ratio):
        same = test(np.array([now]), np.array(now), ONE)
        assert same.statistic[0, 0] == pytest.approx(0.0, abs=1e-9)
        assert same.p_value[0, 0] == pytest.approx(1.0)


@given(cells)
def test_known_inequalities_hold(pairs: list[tuple[int, int]]) -> None:
    now, then = (list(side) for side in zip(*pairs, strict=True))
    js, hell, tv, largest, ks, w1 = (one(function, now, then) for function in EVERY)
    tiny = 1e-9
    assert all(0 <= value <= 1 + tiny for value in (js, hell, tv, largest, ks, 2 * w1))
    assert hell**2 <= tv + tiny
    assert tv <= hell * np.sqrt(2) + tiny
    assert js**2 <= tv + tiny
    assert largest <= tv + tiny
    assert ks <= tv + tiny
    assert w1 <= ks + tiny
    u = mid_pit(then)
    location = float((np.array(now) * u).sum() / sum(now))
    assert w1 >= abs(location - 0.5) - tiny


@given(cells)
def test_merged_cells_are_never_further_apart(pairs: list[tuple[int, int]]) -> None:
    now, then = (np.array(side) for side in zip(*pairs, strict=True))
    at = np.arange(0, len(now), 2)
    for function in (jensen_shannon, hellinger, total_variation, kolmogorov_smirnov):
        merged = one(function, np.add.reduceat(now, at), np.add.reduceat(then, at))
        assert merged <= one(function, now, then) + 1e-12


def test_only_ordered_distances_ask_for_the_order() -> None:
    now, then, order = [50, 30, 10, 10], [20, 20, 30, 30], [2, 0, 3, 1]
    shuffled = [now[i] for i in order], [then[i] for i in order]
    for function in (jensen_shannon, hellinger, total_variation, l_infinity, psi):
        assert one(function, *shuffled) == pytest.approx(one(function, now, then))
    assert one(kolmogorov_smirnov, *shuffled) < one(kolmogorov_smirnov, now, then)
    assert one(quantile_wasserstein, *shuffled) < one(quantile_wasserstein, now, then)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        # psi, js, ks, w1 / sd of a uniform, l_inf, as a share of 20 cells of a normal.
        (0.1, [0.010, 0.04, 0.04, 0.10, 0.01]),
        (0.5, [0.245, 0.21, 0.20, 0.48, 0.08]),
        (1.0, [0.960, 0.40, 0.38, 0.90, 0.21]),
    ],
)
def test_shifts_of_a_normal_are_as_large_as_tabled(shift: float, expected: list[float]) -> None:
    """Population values of 20 quantile cells, to read the numbers of an alert by."""
    edges = norm.ppf(np.linspace(0, 1, 21))
    now = np.rint(np.diff(norm.cdf(edges - shift)) * 1e7).astype(np.int64)
    then = np.full(20, 500_000)
    found = [one(function, now, then) for function in (psi, jensen_shannon, kolmogorov_smirnov)]
    found += [one(quantile_wasserstein, now, then) * np.sqrt(12), one(l_infinity, now, then)]
    assert found == pytest.approx(expected, abs=0.0075)


def test_one_cell_can_not_differ() -> None:
    for test in (pearson, likelihood_ratio):
        found = test(np.array([[7, 0]]), np.array([1000, 0]), ONE)
        assert (found.statistic[0, 0], found.dof[0, 0], found.p_value[0, 0]) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("test", [pearson, likelihood_ratio])
def test_without_a_difference_the_p_value_is_uniform(test) -> None:
    rng = np.random.default_rng(5)
    share = np.linspace(1, 3, 10) / 20
    counts, reference = rng.multinomial(500, share, size=4000), rng.multinomial(2000, share, size=4000)
    # One window against each of its own references: the fields of one long row.
    starts = np.arange(0, 40_000, 10)
    p = test(counts.reshape(1, -1), reference.reshape(-1), starts).p_value[0]
    for level in (0.01, 0.1, 0.5):
        assert (p < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level / 4000))
