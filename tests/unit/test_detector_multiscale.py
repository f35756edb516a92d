from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from detector_streams import MINUTE
from driftgauge.detect.scale_noise import noise_at
from driftgauge.detect.windows.means import WindowNoise, p_value
from driftgauge.profiles.profile import ScaleNoise
from value_streams import DAY, SD, detections, location, measured, wandering, white


@pytest.mark.parametrize(("shift", "within"), [(1.0, 3), (0.5, 60), (0.25, DAY), (-0.5, 60)])
def test_large_shifts_are_found_in_panes_and_small_ones_in_hours(shift: float, within: int) -> None:
    values = white(np.random.default_rng(2), 400 + DAY)
    values[400:] += shift * SD
    found = detections(values)
    assert 400 <= found[0].pane < 400 + within
    assert found[0].confirmed
    assert found[0].direction == ("up" if shift > 0 else "down")
    assert found[0].statistic > found[0].threshold
    assert found[-1].pane == len(values) - 1


def test_what_is_too_small_to_matter_is_passed_over_however_sure() -> None:
    assert detections(0.5 + 0.15 * SD + 0 * white(np.random.default_rng(3), 800), n=10**6) == []


def test_the_end_of_a_shift_is_the_end_of_the_detections() -> None:
    values = white(np.random.default_rng(4), 1600)
    values[400:900] += SD
    assert 900 <= detections(values)[-1].pane + 1 <= 900 + 30


def test_a_freak_pane_is_no_drift_and_two_are() -> None:
    one = white(np.random.default_rng(5), 800)
    one[500] = 0.5 + 1.2 * SD
    assert detections(one) == []
    two = one.copy()
    two[501] = 0.5 + 1.2 * SD
    assert detections(two)[0].pane == 501


def test_a_pane_whose_events_are_all_others_is_told_of_at_once() -> None:
    one = white(np.random.default_rng(5), 800)
    one[500] = 1.0
    assert [d.pane for d in detections(one)] == [500]


def test_limits_go_by_the_events_of_now() -> None:
    """Four of a thousand values are left: their mean is anywhere, and that is no drift."""
    rng = np.random.default_rng(6)
    n = np.where(np.arange(1200) < 600, 1000, 4)
    values = 0.5 + SD * rng.normal(0, 1, 1200) / np.sqrt(n)
    known = location(measured(0.5 + SD * rng.normal(0, 1, 14 * DAY) / math.sqrt(1000), 1000))
    assert detections(np.clip(values, 0, 1), n, known) == []


def test_wander_of_the_reference_is_no_drift_and_unknown_wander_is() -> None:
    rng = np.random.default_rng(7)
    values = white(rng, 21 * DAY) + wandering(rng, 21 * DAY, 0.98, 0.2)
    assert detections(values[14 * DAY :], series=location(measured(values[: 14 * DAY]))) == []
    assert detections(values[14 * DAY :]) != []


def test_a_ring_that_is_shorter_than_a_window_leaves_it_out_whatever_the_blocks() -> None:
    values = white(np.random.default_rng(8), 1400)
    values[400:] += 0.21 * SD
    # What .21 sd needs is six hours; they are there in one block, but not in the ring.
    assert detections(values) != []
    kept = [detections(values, keep=70, step=step) for step in (1, 256)]
    assert kept[0] == kept[1]
    assert len(kept[0]) < len(detections(values))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
@pytest.mark.parametrize("n", [1, 5, 30, 900])
def test_the_tail_is_never_below_the_exact_one_of_a_share(share: float, n: int) -> None:
    hits = np.arange(math.floor(n * share) + 1, n + 1)
    distance = hits / n - share
    zero, one = np.zeros(len(hits)), np.ones(len(hits))
    noise = WindowNoise(zero, zero, 1e6 * one, zero, share * (1 - share) * one, zero)
    claimed = p_value(distance, np.full(len(hits), float(n)), noise, (1 - share) * one)
    assert (claimed >= binom.sf(hits - 1, n, share)).all()


def test_noise_comes_from_the_longest_scale_that_is_not_longer() -> None:
    scales = [
        ScaleNoise(length=length, windows=windows, variance=variance, events=1000, dof=windows - 1)
        for length, windows, variance in (("1m", 2000, 0.004), ("15m", 100, 0.003), ("1h", 19, 0.002))
    ]
    series = location(scales)
    for panes, variance in ((1, 0.004), (14, 0.004), (15, 0.003), (360, 0.003)):
        at = noise_at(series, panes, MINUTE, 20)
        assert at is not None
        assert at.measured == variance
    assert noise_at(series, 1, MINUTE // 6, 20) is None


def test_a_variance_of_single_panes_serves_for_those() -> None:
    bare = location([])
    at = noise_at(bare, 1, MINUTE, 20)
    assert at is not None
    assert (at.measured, at.tau2) == pytest.approx((SD**2 / 60, 0.0), abs=1e-12)
    assert noise_at(bare, 15, MINUTE, 20) is None
    assert noise_at(location([], panes=19), 1, MINUTE, 20) is None
    assert noise_at(location([], length="15m"), 1, MINUTE, 20) is None


def test_scales_tell_sampling_from_wander_and_what_the_windows_are_worth() -> None:
    rng = np.random.default_rng(9)
    quiet = measured(white(rng, 14 * DAY))
    assert [(s.length, s.windows) for s in quiet] == [("1m", 20160), ("15m", 1344), ("1h", 336), ("6h", 56)]
    for scale in quiet[:3]:
        assert scale.variance == pytest.approx(SD**2 / scale.events, rel=0.2)
        assert scale.dof > 0.5 * scale.windows
    slow = measured(white(rng, 14 * DAY) + wandering(rng, 14 * DAY, 0.998, 0.2))
    assert slow[2].variance > 0.5 * (0.2 * SD) ** 2
    assert slow[0].dof < 1000


def test_levels_are_held_out_by_week() -> None:
    """Two weeks that differ by d are d away from each other, not d / 2 from their mean."""
    values = 0.5 + 0.1 * (np.arange(14 * DAY) >= 7 * DAY)
    for scale in measured(values):
        assert scale.variance == pytest.approx(0.01, rel=0.02)


def test_heavy_tails_are_noticed() -> None:
    rng = np.random.default_rng(10)
    assert measured(white(rng, 14 * DAY))[0].kurtosis < 0.2
    assert measured(white(rng, 14 * DAY) + 0.05 * rng.standard_t(3, 14 * DAY))[0].kurtosis > 0.5
