from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import norm

from detector_streams import MINUTE
from driftgauge.detect.detectors.mosum import Mosum
from driftgauge.detect.scale_noise import noise_of_step
from driftgauge.detect.windows.cut import best_cut
from driftgauge.detect.windows.means import WindowNoise, p_value
from value_streams import DAY, SD, location, measured, measured_steps, wandering, white
from value_streams import detections as of_method

detections = partial(of_method, method=Mosum)
MEMORY = np.exp(-1 / 360)


def slow(seed: int, panes: int) -> np.ndarray:
    """Six hours' wander of .1 sd, in which an hour's level tells little."""
    rng = np.random.default_rng(seed)
    return white(rng, panes) + wandering(rng, panes, MEMORY, 0.1)


REFERENCE = slow(1, 14 * DAY)
WANDERING = location(measured(REFERENCE), steps=measured_steps(REFERENCE))


@pytest.mark.parametrize(("shift", "within"), [(1.0, 3), (-1.0, 3), (0.5, 30), (-0.5, 30)])
def test_a_step_is_found_soon_under_a_slow_wander(shift: float, within: int) -> None:
    values = slow(2, 400 + DAY)
    values[400:] += shift * SD
    first = detections(values, series=WANDERING)[0]
    assert 400 < first.pane < 400 + within
    assert first.confirmed
    assert first.direction == ("up" if shift > 0 else "down")
    assert first.statistic > first.threshold
    assert abs(first.onset // MINUTE - 400) <= 1


def test_the_level_alone_is_not_enough_there() -> None:
    values = slow(2, 430)
    values[400:] += 0.5 * SD
    assert of_method(values, series=WANDERING) == []


def test_it_is_silent_once_the_windows_lie_behind_the_step() -> None:
    values = slow(3, 1400)
    values[400:] += SD
    assert detections(values, series=WANDERING)[-1].pane < 400 + 240


def test_wander_as_in_the_reference_is_no_step() -> None:
    assert detections(slow(4, 28 * DAY), series=WANDERING) == []


def test_a_step_back_to_the_reference_is_none() -> None:
    values = slow(5, 1200)
    values[:600] += SD
    assert [d for d in detections(values, series=WANDERING) if d.pane >= 400] == []


def test_a_step_that_is_too_small_to_matter_is_passed_over_however_sure() -> None:
    values = 0.5 + 0 * white(np.random.default_rng(6), 800)
    values[400:] += 0.15 * SD
    assert detections(values, n=10**6) == []


def test_a_freak_pane_is_no_step_and_two_are() -> None:
    values = slow(7, 800)
    values[500] = 0.5 + 1.4 * SD
    assert detections(values, series=WANDERING) == []
    values[501] = 0.5 + 1.4 * SD
    assert detections(values, series=WANDERING)[0].pane == 501


def test_windows_with_a_long_silence_between_them_are_no_neighbours() -> None:
    values = slow(8, 800)
    values[400:] += 0.8 * SD
    starts = np.arange(800, dtype=np.int64) * MINUTE
    assert detections(values, series=WANDERING, starts=starts)[0].pane < 420
    starts[400:] += DAY * MINUTE
    found = detections(values, series=WANDERING, starts=starts)
    assert found == []


def test_without_measured_steps_nothing_is_judged() -> None:
    values = slow(9, 800)
    values[400:] += SD
    assert detections(values, series=location(measured(REFERENCE))) == []
    few = location(measured(REFERENCE[: 3 * 60]), steps=measured_steps(REFERENCE[: 3 * 60]))
    assert {d.window for d in detections(values, series=few)} <= {2 * MINUTE}


@pytest.mark.parametrize("step", [1, 7, 300])
def test_the_split_into_blocks_changes_nothing(step: int) -> None:
    values = slow(10, 700)
    values[400:] += 0.6 * SD
    assert detections(values, series=WANDERING, step=step) == detections(values, series=WANDERING)


def test_steps_of_a_slow_wander_are_smaller_than_its_levels() -> None:
    steps = {(s.length, s.before): s for s in WANDERING.noise.steps}
    quarter = steps["15m", "15m"]
    sampling = SD**2 / quarter.events
    # Of an Ornstein-Uhlenbeck process: two means over w lie 2 w / (3 memory) of its variance apart.
    expected = 0.01 * SD**2 * 4 * 15 / (3 * 360)
    assert quarter.variance - sampling == pytest.approx(expected, rel=0.3)
    assert quarter.events == pytest.approx(60 * 15 / 2)
    levels = {s.length: s for s in WANDERING.noise.scales}
    assert quarter.variance < 0.5 * levels["15m"].variance


def test_only_steps_of_the_very_same_lengths_count() -> None:
    assert noise_of_step(WANDERING, (15, 15), MINUTE, 20) is not None
    assert noise_of_step(WANDERING, (15, 15), 5 * MINUTE, 20) is None
    assert noise_of_step(WANDERING, (15, 15), MINUTE, 1_000_000) is None


def test_a_variance_without_a_known_part_gives_students_t() -> None:
    for dof in (2.0, 5.0, 30.0):
        noise = WindowNoise(*(np.array([x]) for x in (1.0, 1.0, dof, 0.0, 0.0, 0.0)))
        for x in (4.0, 8.0):
            claimed = p_value(np.array([x]), np.array([1.0]), noise, np.array([0.0]))[0]
            assert claimed == pytest.approx(max(2 * stdtr(dof, -x), 2 * np.exp(-(x**2) / 2)), rel=1e-3)


def test_what_is_known_of_a_variance_is_not_in_doubt() -> None:
    # All of the reference's variance was sampling, of which there is a tenth now.
    noise = WindowNoise(*(np.array([x]) for x in (1.0, 0.0, 150.0, 0.0, 0.1, 0.0)))
    distance = 8 * np.sqrt(0.1)
    claimed = p_value(np.array([distance]), np.array([1.0]), noise, np.array([0.0]))[0]
    by_simulation = 2 * norm.sf(distance / np.sqrt(0.1 + np.maximum(150 / _chi2(150) - 1, 0))).mean()
    assert claimed == pytest.approx(by_simulation, rel=0.2)


def _chi2(dof: int) -> np.ndarray:
    return np.random.default_rng(11).chisquare(dof, 2_000_000)


def test_the_best_cut_lies_where_the_mean_changes() -> None:
    n = np.array([5.0, 5.0, 5.0, 5.0, 5.0])
    assert best_cut(n, n * [0.1, 0.2, 0.1, 0.9, 0.8], 1, 1) == 3
    assert best_cut(n[:2], n[:2], 2, 1) is None
