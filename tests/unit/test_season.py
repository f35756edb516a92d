from __future__ import annotations

import numpy as np
import pytest

from driftgauge.profiles.season import CELLS, DAY, HOUR, cells_of, held_out_levels, season_at, season_of

MONDAY = 1_767_571_200_000  # 2026-01-05T00:00:00Z
SD = 0.29
EVENTS = 100.0


def panes(days: int, length: int = 15 * 60_000) -> np.ndarray:
    return MONDAY + length * np.arange(days * DAY // length, dtype=np.int64)


def daily(starts: np.ndarray, size: float = 0.1) -> np.ndarray:
    return size * np.sin(2 * np.pi * (starts % DAY) / DAY)


def measured(starts: np.ndarray, shift: np.ndarray, seed: int = 1) -> np.ndarray:
    values = 0.5 + shift + SD / np.sqrt(EVENTS) * np.random.default_rng(seed).standard_normal(len(starts))
    found = season_of(starts, EVENTS * values[:, None], np.full((len(starts), 1), EVENTS), np.array([SD]))
    return found[:, 0]


def test_cells_are_hours_of_working_days_and_of_weekends() -> None:
    times = MONDAY + np.array([0, 3 * HOUR + 1, 4 * DAY + 23 * HOUR, 5 * DAY, 6 * DAY + 7 * HOUR, 7 * DAY])
    assert cells_of(times).tolist() == [0, 3, 23, 24, 31, 0]
    assert cells_of(times, weekends=False).tolist() == [0, 3, 23, 0, 7, 0]


def test_a_daily_season_is_found_with_its_size() -> None:
    starts = panes(14)
    season = measured(starts, daily(starts))
    hours = 0.1 * np.sin(2 * np.pi * (np.arange(24) + 0.375) / 24)
    assert season == pytest.approx(np.tile(hours, 2), abs=0.02)


def test_a_weekend_is_told_apart_in_two_weeks_and_not_in_one() -> None:
    for days, step in ((14, 0.1), (7, 0.0)):
        starts = panes(days)
        weekend = 0.1 * (cells_of(starts) >= 24)
        season = measured(starts, daily(starts) + weekend)
        assert season[24:].mean() - season[:24].mean() == pytest.approx(step, abs=0.01)


@pytest.mark.parametrize("seed", range(10))
def test_chance_is_no_season(seed: int) -> None:
    starts = panes(14)
    assert not measured(starts, np.zeros(len(starts)), seed).any()


def test_wander_that_does_not_repeat_is_no_season() -> None:
    starts = panes(14)
    steps = np.random.default_rng(5).standard_normal(len(starts) // 24 + 1).repeat(24)[: len(starts)]
    assert not measured(starts, 0.05 * steps).any()


def test_a_few_days_tell_nothing() -> None:
    starts = panes(4)
    assert not measured(starts, daily(starts)).any()


def test_panes_of_six_hours_fill_the_hours_they_cover() -> None:
    starts = panes(28, 6 * HOUR)
    shift = np.where(starts % DAY == 6 * HOUR, 0.2, -0.2 / 3)
    season = measured(starts, shift)
    assert season[6:12] == pytest.approx(np.full(6, 0.2), abs=0.03)
    assert season[:6] == pytest.approx(np.full(6, -0.2 / 3), abs=0.03)
    at = season_at(season[:, np.newaxis], starts[:4], 6 * HOUR)[:, 0]
    assert at == pytest.approx([-0.2 / 3, 0.2, -0.2 / 3, -0.2 / 3], abs=0.03)


def test_a_pane_of_a_day_takes_the_mean_of_its_hours() -> None:
    season = np.concatenate([np.linspace(-1, 1, 24), np.full(24, 0.5)])[:, np.newaxis]
    at = season_at(season, MONDAY + DAY * np.arange(7, dtype=np.int64), DAY)[:, 0]
    assert at == pytest.approx([0, 0, 0, 0, 0, 0.5, 0.5])


def test_held_out_levels_are_those_of_the_other_blocks() -> None:
    starts = np.concatenate([panes(1, HOUR), panes(1, HOUR) + 7 * DAY])
    blocks = np.repeat([0, 1], 24)
    hour = np.tile(np.arange(24.0), 2)
    values = hour + 100.0 * blocks
    both, ones = np.stack([values, values], axis=1), np.ones((48, 2))
    levels = held_out_levels(starts, both, ones, blocks, seasonal=np.array([True, False]))
    assert levels[:, 0].tolist() == [*hour[:24] + 100, *hour[:24]]
    assert levels[:, 1].tolist() == [111.5] * 24 + [11.5] * 24


def test_a_season_has_an_offset_for_every_cell() -> None:
    starts = panes(14)
    assert len(measured(starts, daily(starts))) == CELLS


def test_a_row_ages_away_takes_no_memory_for_the_weeks_between() -> None:
    starts = np.append(panes(2, HOUR), MONDAY + 400_000 * 7 * DAY)
    blocks, ones = (starts - MONDAY) // (7 * DAY), np.ones((len(starts), 500))
    levels = held_out_levels(starts, ones, ones, blocks, seasonal=np.ones(500, np.bool_))
    assert levels[:, 0].tolist() == [1.0] * len(starts)
