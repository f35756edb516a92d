from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f

from detector_streams import BINS, MINUTE, Feed, context, contrasts, draw, profile
from driftgauge.detect.detectors.psi import Psi
from driftgauge.detect.windows.psi import (
    NullNoise,
    Wander,
    debiased,
    null_noise,
    p_value,
    psi,
    sampling_scale,
    wander_of,
)
from driftgauge.profiles.profile import PsiNoise

SERIES = contrasts(MINUTE)
AMOUNT = next(s for s in SERIES.series if s.feature == "amount" and s.kind == "window")
KIND = next(s for s in SERIES.series if s.feature == "kind" and s.kind == "window")
CONSTANT = next(s for s in SERIES.series if s.feature == "constant" and s.kind == "window")
ONE_FIELD = np.array([0])


def built(**settings: object) -> Feed:
    return Feed(Psi.build(context(SERIES, MINUTE), settings), SERIES, MINUTE)


def test_it_is_the_textbook_sum() -> None:
    counts, reference = np.array([[10, 30, 60]]), np.array([20, 30, 50])
    expected = (0.1 - 0.2) * np.log(0.1 / 0.2) + (0.6 - 0.5) * np.log(0.6 / 0.5)
    assert psi(counts, reference, ONE_FIELD, pseudo=0.0) == pytest.approx(np.array([[expected]]))


def test_a_cell_that_is_empty_on_both_sides_adds_nothing() -> None:
    assert psi(np.array([[50, 50, 0]]), np.array([5000, 5000, 0]), ONE_FIELD)[0, 0] < 1e-4


def test_an_empty_window_is_a_number() -> None:
    assert np.isfinite(psi(np.zeros((1, 3), np.int64), np.array([20, 30, 50]), ONE_FIELD)).all()


@pytest.mark.parametrize(
    ("n", "mean", "above"), [(50, 0.166, 0.87), (100, 0.088, 0.40), (200, 0.045, 0.025), (500, 0.019, 0.0)]
)
def test_undrifted_psi_depends_on_n_as_tabled(n: int, mean: float, above: float) -> None:
    """10 cells, 10,000 reference events: mean PSI, and how often PSI without pseudo-counts passes the customary .1."""
    rng = np.random.default_rng(n)
    share = np.full(10, 0.1)
    smoothed, bare = [], []
    for _ in range(40):
        counts, reference = rng.multinomial(n, share, size=100), rng.multinomial(10_000, share)
        smoothed.append(psi(counts, reference, ONE_FIELD))
        bare.append(psi(counts, reference, ONE_FIELD, pseudo=1e-4))
    assert np.mean(smoothed) == pytest.approx(mean, rel=0.06)
    assert (np.array(bare) > 0.1).mean() == pytest.approx(above, abs=0.035)


@pytest.mark.parametrize("n", [200, 2000, 20_000])
def test_the_test_keeps_its_size_at_the_boundary(n: int) -> None:
    """True PSI exactly psi0 = .1: a nominal 1 % is at most about that, at any n."""
    rng = np.random.default_rng(n)
    p = np.full(20, 0.05)
    tilt = np.linspace(-1, 1, 20)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        q = p * (1 + middle * tilt)
        low, high = (middle, high) if ((q - p) * np.log(q / p)).sum() < 0.1 else (low, middle)
    reference = rng.multinomial(10_000, p, size=50)
    rejected = []
    for row in reference:
        counts = rng.multinomial(n, q, size=80).astype(np.int64)
        scale = sampling_scale(np.full((80, 1), float(n)), np.array([10_000.0]))
        noise = NullNoise(scale, np.full((80, 1), 19.0))
        rejected.append(p_value(psi(counts, row, ONE_FIELD), noise, np.array([0.1])) < 0.01)
    assert np.mean(rejected) <= 0.015


def test_without_wander_the_noise_is_the_multinomial_one() -> None:
    noise = null_noise(np.array([0.01]), np.array([19.0]), Wander(np.zeros(1), np.zeros(1)))
    assert noise.scale == pytest.approx([0.01])
    assert noise.dof == pytest.approx([19.0])
    assert debiased(np.array([0.1]), noise) == pytest.approx([0.0])


def test_wander_is_what_reference_windows_show_beyond_sampling() -> None:
    """Windows that vary only by sampling have none; the noise at their own n has the measured moments again."""
    scale, dof = np.array([0.001]), np.array([19.0])
    none = wander_of(scale * dof, 2 * scale**2 * dof, scale, dof)
    assert none.mean[0] == pytest.approx(0.0, abs=1e-12)
    found = wander_of(np.array([0.05]), np.array([0.002]), scale, dof)
    noise = null_noise(scale, dof, found)
    assert noise.scale * noise.dof == pytest.approx([0.05])
    assert 2 * noise.scale**2 * noise.dof == pytest.approx([0.002])
    fewer_events = null_noise(10 * scale, dof, found)
    assert fewer_events.scale * fewer_events.dof == pytest.approx(0.05 + 9 * scale * dof)


def test_the_window_is_an_hour_and_slides_by_a_pane() -> None:
    rng = np.random.default_rng(1)
    counts = draw(SERIES.layout, rng, 200, 60)
    feed = built()
    feed.push_split(counts, [3, 70, 71, 180])
    cells = slice(AMOUNT.slot.start, AMOUNT.slot.start + BINS)
    for last in (59, 60, 130, 199):
        window = counts[last - 59 : last + 1, cells].sum(axis=0, keepdims=True)
        raw = psi(window, np.array(AMOUNT.slot.spec.counts[:BINS]), ONE_FIELD)[0, 0]
        n = window.sum()
        assert feed.n[last][AMOUNT.index] == n
        expected = max(0.0, raw - 9 * (1 / n + 1 / AMOUNT.reference_n))
        assert feed.values[last][AMOUNT.index] == pytest.approx(expected, abs=1e-12)


def test_there_is_no_verdict_before_half_a_window_or_with_few_events() -> None:
    feed = built()
    feed.push(draw(SERIES.layout, np.random.default_rng(2), 40, 60))
    judged = [~np.isnan(row[AMOUNT.index]) for row in feed.values]
    assert judged == [False] * 29 + [True] * 11
    few = built()
    few.push(draw(SERIES.layout, np.random.default_rng(2), 100, 1))
    judged = [~np.isnan(row[AMOUNT.index]) for row in few.values]
    enough = [row[AMOUNT.index] >= 5 * BINS for row in few.n]
    assert judged == enough
    assert any(judged)
    assert not all(judged)


def test_after_a_silence_the_first_minutes_are_not_judged() -> None:
    feed = built()
    counts = draw(SERIES.layout, np.random.default_rng(3), 90, 60)
    feed.push(counts, [MINUTE * (i if i < 60 else i + 600) for i in range(90)])
    assert np.isnan([row[AMOUNT.index] for row in feed.values[60:89]]).all()
    assert feed.n[89][AMOUNT.index] == counts[60:, AMOUNT.slot.start : AMOUNT.slot.start + BINS].sum()


def test_missing_values_are_no_drift_of_the_value() -> None:
    feed = built()
    counts = draw(SERIES.layout, np.random.default_rng(4), 200, 60)
    for special in ("missing", "invalid", "below", "above"):
        counts[100:, AMOUNT.slot.cell(special)] += 50
    feed.push(counts)
    assert feed.found == []


def test_other_takes_part_where_the_reference_has_it() -> None:
    feed = built()
    counts = draw(SERIES.layout, np.random.default_rng(5), 200, 60)
    counts[100:, KIND.slot.cell("other")] += 30
    feed.push(counts)
    assert {d.series for _, d in feed.found} == {KIND.index}


def test_of_two_classes_the_share_tells_all_and_psi_is_left_out() -> None:
    assert {s.name for s in SERIES.series if s.slot.role == "label" and s.kind != "rate"} == {"predicted_share"}


def test_a_constant_field_has_no_verdict() -> None:
    feed = built()
    feed.push(draw(SERIES.layout, np.random.default_rng(6), 70, 60))
    assert np.isnan([row[CONSTANT.index] for row in feed.values]).all()


def test_a_shift_is_confirmed_while_it_lasts_and_no_longer() -> None:
    feed = built()
    rng = np.random.default_rng(7)
    parts = [
        draw(SERIES.layout, rng, 100, 60),
        draw(SERIES.layout, rng, 100, 60, 0.3),
        draw(SERIES.layout, rng, 100, 60),
    ]
    feed.push(np.concatenate(parts))
    panes = [pane for pane, d in feed.found if d.series == AMOUNT.index]
    assert 100 <= panes[0] <= 140
    assert set(range(140, 200)) <= set(panes)
    assert panes[-1] < 260
    for _, d in feed.found:
        assert d.confirmed
        assert d.direction == "up"
        assert d.p_value is not None
        assert d.p_value < feed.detector.resolved["alpha"]
        assert d.statistic > d.threshold


def test_measured_reference_windows_make_it_finer_or_calmer() -> None:
    """Quiet windows: PSI .04 is found, which the unmeasured tolerance of .1 passes over. Restless ones: it is not."""

    def with_noise(mean: float, variance: float, windows: int = 160) -> Feed:
        base = profile()
        noise = PsiNoise(length="1h", windows=windows, mean=mean, variance=variance)
        amount = base.features["amount"].model_copy(update={"psi": [noise]})
        series = contrasts(MINUTE, base.model_copy(update={"features": {**base.features, "amount": amount}}))
        return Feed(Psi.build(context(series, MINUTE), {}), series, MINUTE)

    counts = draw(SERIES.layout, np.random.default_rng(8), 150, 600, 0.075)
    scale = 160 / AMOUNT.reference_n + 1 / AMOUNT.reference_n
    quiet, restless = with_noise(9 * scale, 18 * scale**2), with_noise(9 * scale + 0.05, 0.004)
    unmeasured, too_few = built(), with_noise(9 * scale, 18 * scale**2, windows=19)
    found = []
    for feed in (quiet, restless, unmeasured, too_few):
        feed.push(counts)
        found.append(any(d.series == AMOUNT.index for _, d in feed.found))
    assert found == [True, False, False, False]


@pytest.mark.parametrize("days", [14, 27])
def test_of_noise_that_a_few_days_told_the_tail_is_that_of_f(days: int) -> None:
    """Of one squared normal against the mean of so many: F(1, days), within the factor 2 of one tail for two."""
    noise, none = NullNoise(np.array([0.01]), np.array([1.0])), np.array([0.0])
    for ratio in (5.0, 20.0, 45.0):
        found = float(p_value(np.array([ratio * 0.01]), noise, none, np.array([float(days)]))[0])
        assert 0.4 < found / f.sf(ratio, 1, days) < 1.1
        assert found > p_value(np.array([ratio * 0.01]), noise, none)[0]


def test_far_beyond_any_noise_the_tail_is_nothing() -> None:
    noise = NullNoise(np.array([1e-6]), np.array([9.0]))
    assert p_value(np.array([1.0]), noise, np.array([0.05]), np.array([14.0]))[0] == 0.0
