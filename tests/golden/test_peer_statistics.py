"""Distances and test statistics that other projects pin in their own tests, through this project's functions of counts.

`COPIED` are inputs of theirs, counted into cells as they count them, with the values that they expect. The whole set of
cases is read where it is at hand. Where a definition differs from ours, the conversion stands here in one place:

- Logarithms: ours of Jensen-Shannon are to base 2, as NannyML's; frouros takes natural ones.
- Empty cells: PSI adds half an event to every cell here; Evidently fills empty cells with .0001, frouros with the
  smallest positive float, others leave them out. A PSI against an empty cell is worth what that constant is worth.
- Chi-squared: Evidently takes the reference's shares as exact (one sample); ours is of two samples, so that a small
  reference rejects less. With many reference rows of the same shares both are the same.
- Bins: all of them count before they compare; edges are theirs in these cases, and quantiles of the reference in ours.
  frouros' Jensen-Shannon is not of counts: it reads both samples' own histograms off at 10 points. Those shares go in.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rv_histogram

from driftgauge.detect.windows.cell_distances import hellinger, jensen_shannon, l_infinity, total_variation
from driftgauge.detect.windows.homogeneity import likelihood_ratio, pearson
from driftgauge.detect.windows.ordered_distances import kolmogorov_smirnov, wasserstein
from driftgauge.detect.windows.psi import psi

CASES = Path(__file__).resolve().parents[3] / "shared" / "peer_cases" / "stat_cases.json.gz"
STARTS = np.array([0])
Counts = NDArray[np.int64]


class Cells(NamedTuple):
    """Counts of the same cells: `now` and `then` int64 [K]; `at` float64 [K], the value of each cell if it is one."""

    now: Counts
    then: Counts
    at: NDArray[np.float64] | None = None


def _of(function: Callable[..., NDArray[np.float64]]) -> Callable[[Cells], float]:
    return lambda cells: float(function(cells.now[np.newaxis], cells.then, STARTS)[0, 0])


def _psi(pseudo: float) -> Callable[[Cells], float]:
    return lambda cells: float(psi(cells.now[np.newaxis], cells.then, STARTS, pseudo)[0, 0])


def _earth_mover(cells: Cells) -> float:
    assert cells.at is not None
    return float(wasserstein(cells.now[np.newaxis], cells.then, STARTS, cells.at)[0, 0])


def _two_samples(cells: Cells) -> list[float]:
    found = pearson(cells.now[np.newaxis], cells.then, STARTS)
    return [float(found.statistic[0, 0]), float(found.p_value[0, 0])]


def _exactly_known(cells: Cells) -> Cells:
    return cells._replace(then=cells.then * 10**9)


def _one_sample(cells: Cells) -> float:
    return _two_samples(_exactly_known(cells))[1]


def _one_sample_g(cells: Cells) -> float:
    known = _exactly_known(cells)
    return float(likelihood_ratio(known.now[np.newaxis], known.then, STARTS).p_value[0, 0])


def _natural_jensen_shannon(cells: Cells) -> float:
    return math.sqrt(math.log(2)) * _of(jensen_shannon)(cells)


def _bhattacharyya(cells: Cells) -> float:
    return -math.log(1 - _of(hellinger)(cells) ** 2)


def _scaled_earth_mover(cells: Cells) -> float:
    assert cells.at is not None
    return _earth_mover(cells) / float(cells.at[-1] - cells.at[0])


def _cramers_v(cells: Cells) -> float:
    """With Bergsma's bias correction (2013), of the 2 x K table."""
    total, k = int(cells.now.sum() + cells.then.sum()), len(cells.now)
    phi = max(0.0, _two_samples(cells)[0] / total - (k - 1) / (total - 1))
    rows, columns = 2 - 1 / (total - 1), k - (k - 1) ** 2 / (total - 1)
    return math.sqrt(phi / (min(rows, columns) - 1))


COMPUTED: dict[str, Callable[[Cells], float | list[float]]] = {
    "hellinger": _of(hellinger),
    "hellinger_cat": _of(hellinger),
    "hellinger_cont": _of(hellinger),
    "hellinger_10bins": _of(hellinger),
    "bhattacharyya_10bins": _bhattacharyya,
    "jensen_shannon_cat": _of(jensen_shannon),
    "jensen_shannon_cont": _of(jensen_shannon),
    "jensen_shannon_10bins_range_union": _natural_jensen_shannon,
    "l_infinity": _of(l_infinity),
    "tvd": _of(total_variation),
    "hi_normalized_complement_10bins": _of(total_variation),
    "psi": _psi(0.0003),  # Of 3 events: shares of .0001.
    "psi_10bins": _psi(100 * sys.float_info.min),  # Of 100 events: shares of the smallest float.
    "kld_symmetric": _psi(0.0),
    "chisquare_p_value": _one_sample,
    "g_test_p": _one_sample_g,
    "chi2_contingency_stat_and_p": _two_samples,
    "cramers_v_bias_corrected": _cramers_v,
    "ks_statistic": _of(kolmogorov_smirnov),
    "streaming_ks_window10_last[stat,p]": _of(kolmogorov_smirnov),
    "wasserstein": _earth_mover,
    "emd_scaled_0_1": _scaled_earth_mover,
}
# Metrics that aren't functions of counts of cells, or that this project doesn't have.
NOT_OURS = {
    "z_test_p_value": "leaves NULL out and says no drift where half of the reference is NULL; series `missing` here",
    "anderson_darling_ksamp_p": "of ranks of raw values",
    "ttest_p": "of raw values",
    "cramervonmises_2samp_p": "of ranks of raw values",
    "mannwhitney_p": "of ranks of raw values",
    "epps_singleton_p": "of raw values",
    "fisher_exact_p": "exact test of 2 x 2 tables; rates have a sequential test here",
    "energy_distance": "of raw values",
    "cramers_v_balanced": "gives every class the same weight",
}
UNLIKE = {
    "mlrun2_kld_symmetric": "has empty cells, whose part mlrun caps in a way of its own; without that it is infinite",
}
# Their "continuous" cases with few distinct values go by value.
BY_VALUE = {"nml_js_quasi", "nml_hell_quasi", "wl_hell_0_5", "wl_hell_5_5", "wl_hell_0_0"}


def _cells(case: dict[str, Any]) -> Cells:
    """A case's samples as its project counts them."""
    then, now, metric = case["reference"], case["current"], case["metric"]
    if metric.startswith("streaming_ks_window10"):
        now = now[-10:]
    if case["kind"] == "hist":
        return _shares(np.array(now), np.array(then))
    if case["kind"] == "num" and case["id"] not in BY_VALUE:
        if metric.startswith("jensen_shannon_10bins"):
            at = np.linspace(min(*then, *now), max(*then, *now), 10)
            return _shares(*(np.diff(rv_histogram(np.histogram(sample, "auto")).cdf(at)) for sample in (now, then)))
        if "10bins" in metric:
            return _histogram(now, then, np.histogram_bin_edges([*then, *now], 10))
        if metric.endswith("_cont"):
            return _histogram(now, then, np.histogram_bin_edges(then, "doane"))
    values = sorted({*then, *now}, key=lambda v: (v is None, v if v is not None else 0))
    numeric = all(isinstance(value, int | float) for value in values)
    place = {value: i for i, value in enumerate(values)}
    counts = [np.bincount([place[v] for v in sample], minlength=len(values)) for sample in (now, then)]
    return Cells(*counts, np.array(values, float) if numeric else None)


def _shares(now: NDArray[np.float64], then: NDArray[np.float64]) -> Cells:
    return Cells(*(np.rint(shares * 1e9).astype(np.int64) for shares in (now, then)))


def _histogram(now: list[float], then: list[float], edges: NDArray[np.float64]) -> Cells:
    counts = [np.histogram(sample, edges)[0] for sample in (now, then)]
    outside = [len(sample) - int(c.sum()) for sample, c in zip((now, then), counts, strict=True)]
    return Cells(*(np.append(c, rest) if any(outside) else c for c, rest in zip(counts, outside, strict=True)))


class Copied(NamedTuple):
    """A case as counts of cells: `source` is the project, the commit and the test."""

    metric: str
    then: list[int]
    now: list[int]
    expected: float | list[float]
    tolerance: float
    source: str


EVIDENTLY = "evidentlyai/evidently@a4aa4c2 tests/stattests/test_stattests.py"
NANNYML = "NannyML/nannyml@4c86ee3 tests/drift/test_univariate_drift_methods.py"
FROUROS = "IFCA-Advanced-Computing/frouros@c69d139 frouros/tests/integration/test_data_drift.py"
MLRUN = "mlrun/mlrun@c43870f tests/model_monitoring/test_metrics.py"
DEEPCHECKS = "deepchecks/deepchecks@9d6820f tests/utils/drift_test.py"
SIX = [16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]
FOUR = [2456, 2485, 2550, 2509, 0], [213, 287, 247, 0, 253]
FAR = [12, 47, 26, 12, 3, 0, 0, 0, 0, 0], [0, 3, 6, 10, 28, 25, 11, 8, 6, 3]
NEAR = [11, 32, 58, 97, 114, 82, 59, 34, 10, 3], [7, 30, 55, 95, 99, 102, 65, 34, 10, 3]
HISTOGRAMS = (
    [7101131, 25138296, 3700347, 6843929, 11482246, 13393930, 5034260, 5639414, 13406714, 8259733],
    [17719221, 9494230, 2982267, 19927063, 19288318, 137802, 7398598, 5829106, 6771774, 10451622],
)
REVERSED = [0, 16666667, 33333333, 50000000], [50000000, 33333333, 16666667, 0]
COPIED = [
    Copied("chisquare_p_value", *SIX, 0.67309, 1e-5, f"{EVIDENTLY}::test_freq_obs_eq_freq_exp"),
    Copied("hellinger", *SIX, 0.06812, 1e-5, f"{EVIDENTLY}::test_freq_obs_eq_freq_exp"),
    Copied("chisquare_p_value", [10, 10, 10], [10, 10, 10], 1.0, 1e-5, f"{EVIDENTLY}::test_cat_feature_with_nans"),
    Copied("g_test_p", [5, 5, 8], [4, 6, 8], 0.8176, 1e-3, f"{EVIDENTLY}::test_g_test"),
    Copied("psi", [0, 2, 1], [1, 1, 1], 2.93, 0.01, "evidently@a4aa4c2 tests/multitest/metrics/data_drift.py"),
    Copied("jensen_shannon_cat", *FOUR, 0.5, 0.005, f"{NANNYML}::test_js_for_categorical"),
    Copied("hellinger_cat", *FOUR, 0.5, 0.005, f"{NANNYML}::test_hellinger_for_categorical"),
    Copied("l_infinity", [2, 2, 2, 0], [2, 2, 2, 1], 0.14, 0.005, f"{NANNYML}::test_l_infinity_for_new_category"),
    Copied("l_infinity", [2, 2, 2], [0, 5, 0], 0.67, 0.005, f"{NANNYML}::test_l_infinity_for_total_change"),
    Copied("psi_10bins", *FAR, 461.20379435, 1e-5, f"{FROUROS}::univariate_different"),
    Copied("hellinger_10bins", *FAR, 0.74509099, 1e-6, f"{FROUROS}::univariate_different"),
    Copied("bhattacharyya_10bins", *FAR, 0.810041883, 1e-6, f"{FROUROS}::univariate_different"),
    Copied("hi_normalized_complement_10bins", *FAR, 0.78, 1e-6, f"{FROUROS}::univariate_different"),
    Copied("hellinger_10bins", *NEAR, 0.04792538, 1e-6, f"{FROUROS}::same_distribution"),
    Copied("bhattacharyya_10bins", *NEAR, 0.00229948, 1e-6, f"{FROUROS}::same_distribution"),
    Copied(
        "chi2_contingency_stat_and_p",
        [4, 2, 0],
        [1, 1, 4],
        [6.13333333, 0.04657615],
        1e-6,
        f"{FROUROS}::test_batch_distance_based_categorical",
    ),
    Copied("tvd", *HISTOGRAMS, 0.3625321, 1e-5, MLRUN),
    Copied("hellinger", *HISTOGRAMS, 0.338189, 1e-5, MLRUN),
    Copied("kld_symmetric", *HISTOGRAMS, 1.097619, 1e-5, MLRUN),
    Copied("tvd", *REVERSED, 0.666666, 1e-5, MLRUN),
    Copied("hellinger", *REVERSED, 0.727045, 1e-5, MLRUN),
    Copied("cramers_v_bias_corrected", [200, 800], [400, 600], 0.21, 0.01, f"{DEEPCHECKS}::test_cramers_v"),
    Copied("cramers_v_bias_corrected", [200, 800, 100], [400, 600, 0], 0.3, 0.01, f"{DEEPCHECKS}::..._with_nones"),
    Copied(
        "ks_statistic",
        [0, 1, 2, 0, 0, 1, 0, 1, 0],
        [1, 0, 0, 1, 1, 0, 1, 0, 1],
        0.4,
        1e-9,
        "trustyai-explainability/trustyai-service@45603ec tests/core/metrics/drift/test_kolmogorov_smirnov.py",
    ),
]


@pytest.mark.parametrize("case", COPIED, ids=lambda case: f"{case.metric}-{case.source.rpartition('::')[2]}")
def test_copied_cases_come_out_as_there(case: Copied) -> None:
    cells = Cells(np.array(case.now), np.array(case.then))
    assert COMPUTED[case.metric](cells) == pytest.approx(case.expected, abs=case.tolerance, rel=0)


def test_the_earth_mover_comes_out_as_there() -> None:
    """deepchecks/deepchecks@9d6820f tests/utils/drift_test.py::test_emd: all at 0 against all at 1, scaled, is 1."""
    assert _scaled_earth_mover(Cells(np.array([0, 100]), np.array([100, 0]), np.array([0.0, 1.0]))) == 1.0


@pytest.mark.realdata
def test_all_cases_at_hand_come_out_as_there() -> None:
    """Every case is compared, or named with the reason why it can't be."""
    if not CASES.exists():
        pytest.skip("the other projects' cases are not at hand")
    cases = json.loads(gzip.decompress(CASES.read_bytes()))
    wrong, compared = [], 0
    for case in cases:
        if case["metric"] in NOT_OURS or case["id"] in UNLIKE:
            continue
        found, expected = COMPUTED[case["metric"]](_cells(case)), case["expected"]
        if case["metric"].startswith("streaming_ks"):
            expected = expected[0]
        if found != pytest.approx(expected, abs=case["abs_tol"], rel=0):
            wrong.append((case["id"], found, expected))
        compared += 1
    assert wrong == []
    assert compared == 44
