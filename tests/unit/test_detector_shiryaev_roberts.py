from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector_streams import MINUTE, Feed, context, contrasts, draw
from driftgauge.detect.detectors.shiryaev_roberts import ShiryaevRoberts, grid
from driftgauge.detect.types import DetectorContext
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.profile import SeriesNoise
from driftgauge.profiles.series import Series

SERIES = contrasts(MINUTE)
MISSING = next(s for s in SERIES.series if s.feature == "amount" and s.name == "missing")


def rates_block(detector: ShiryaevRoberts, hits: np.ndarray, n: int, start: int = 0) -> PaneBlock:
    """`hits` [P, watched series]; all other columns empty."""
    shape = (len(hits), len(SERIES.series))
    all_n, all_hits = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    all_n[:, detector._series], all_hits[:, detector._series] = n, hits
    starts = MINUTE * np.arange(start, start + len(hits))
    none = np.empty((0, SERIES.layout.size), np.int64)
    return PaneBlock(
        starts, MINUTE, np.zeros((len(hits), SERIES.layout.size), np.int64), all_n, all_hits, np.full(shape, np.nan),
        np.empty(0, np.int64), none,
    )  # fmt: skip


def built(run_length: float) -> ShiryaevRoberts:
    """With a budget that makes the threshold `run_length` panes."""
    rates = sum(s.kind == "rate" for s in SERIES.series)
    return ShiryaevRoberts.build(
        DetectorContext(SERIES.series, MINUTE, 43_200, rates * 43_200 / (0.4 * run_length)), {}
    )


def test_the_threshold_spends_its_share_of_the_budget() -> None:
    detector = ShiryaevRoberts.build(context(SERIES, MINUTE), {})
    rates = sum(s.kind == "rate" for s in SERIES.series)
    assert detector.resolved["average_run_length"] == pytest.approx(rates * 43_200 / 0.4)
    assert ShiryaevRoberts.build(context(SERIES, MINUTE, budget=0.0), {}).resolved["average_run_length"] is None


@pytest.mark.parametrize("n", [1, 60])
def test_the_average_run_length_at_the_limit_is_at_least_the_threshold(n: int) -> None:
    """The theorem, at the edge of the null hypothesis: every rate exactly at reference + tolerance."""
    detector = built(40.0)
    rng = np.random.default_rng(11)
    panes = 6000
    hits = rng.binomial(n, np.broadcast_to(detector._limit, (panes, len(detector._limit))))
    alarms = len(detector.update(rates_block(detector, hits, n)))
    assert alarms > 100
    assert hits.size / alarms >= 40.0


def test_a_null_storm_is_found_in_its_first_pane() -> None:
    """0.8 % -> 93 % missing at 60 events a minute."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        feed = Feed(ShiryaevRoberts.build(context(SERIES, MINUTE), {}), SERIES, MINUTE)
        counts = draw(SERIES.layout, rng, 200, 60)
        slot = MISSING.slot
        storm = rng.binomial(60, 0.93, size=100)
        counts[100:, slot.start : slot.stop] = 0
        counts[100:, slot.start] = 60 - storm
        counts[100:, slot.cell("missing")] = storm
        feed.push(counts)
        first = feed.found[0]
        found.append((first[0], first[1].series, first[1].onset))
        assert {d.series for _, d in feed.found} == {MISSING.index}
        assert all(d.confirmed and d.direction == "up" and d.statistic >= d.threshold for _, d in feed.found)
    assert found == [(100, MISSING.index, 100 * MINUTE)] * 20


def test_a_moderate_rise_is_found_with_its_onset() -> None:
    """1 % -> 6 % takes more than one pane; the onset is near the change, not at the alarm."""
    detector = built(1e7)
    rng = np.random.default_rng(12)
    rates = np.zeros((600, len(detector._limit)))
    column = detector._series.tolist().index(MISSING.index)
    rates[:, column] = 0.008
    rates[400:, column] = 0.06
    found = detector.update(rates_block(detector, rng.binomial(60, rates), 60))
    assert {d.series for d in found} == {MISSING.index}
    assert 400 < found[0].pane < 420
    assert found[0].onset is not None
    assert abs(found[0].onset // MINUTE - 400) <= 5


def test_a_rise_within_the_tolerance_is_no_alarm() -> None:
    detector = built(1e6)
    rng = np.random.default_rng(13)
    rates = np.broadcast_to(detector._limit * 0.95, (3000, len(detector._limit)))
    assert detector.update(rates_block(detector, rng.binomial(60, rates), 60)) == []


def test_a_pane_without_a_hit_never_alarms() -> None:
    """The recursion adds 1 per pane, which alone would pass a low threshold."""
    detector = built(2.0)
    zeros = np.zeros((500, len(detector._limit)), np.int64)
    assert detector.update(rates_block(detector, zeros, 1)) == []


@given(limit=st.floats(1e-9, 1, exclude_max=True).filter(lambda x: x < 1 - 1e-9), points=st.integers(2, 20))
def test_alternatives_lie_between_the_limit_and_one(limit: float, points: int) -> None:
    rates = grid(limit, points)
    assert len(rates) == points
    assert limit < rates[0] < rates[-1] < 1
    assert (np.diff(rates) > 0).all()


def test_alternatives_are_those_of_the_design_where_the_limit_is_small() -> None:
    assert grid(0.002, 12)[[0, -1]] == pytest.approx([0.012, 0.98])
    assert grid(0.05, 12)[[0, -1]] == pytest.approx([0.1, 0.98])
    # A rise from .4 to .6 has to fit the lowest alternative better than the limit.
    lowest = grid(0.4, 12)[0]
    assert 0.6 * np.log(lowest / 0.4) + 0.4 * np.log((1 - lowest) / 0.6) > 0


def test_a_series_that_cannot_rise_is_not_watched() -> None:
    full = [replace(s, reference=0.995) if s.index == MISSING.index else s for s in SERIES.series]
    detector = ShiryaevRoberts.build(DetectorContext(full, MINUTE, 43_200, 1.0), {})
    assert MISSING.index not in detector._series
    unseen = [replace(s, reference_n=0) if s.index == MISSING.index else s for s in SERIES.series]
    assert MISSING.index not in ShiryaevRoberts.build(DetectorContext(unseen, MINUTE, 43_200, 1.0), {})._series


def test_a_rise_is_dated_to_its_beginning_also_with_one_event_a_pane() -> None:
    detector = built(10_000.0)
    rng = np.random.default_rng(3)
    position = detector._series.tolist().index(MISSING.index)
    hits = np.zeros((900, len(detector._series)), np.int64)
    hits[600:, position] = rng.random(300) < 0.5
    first = detector.update(rates_block(detector, hits, 1))[0]
    assert first.series == MISSING.index
    assert first.onset is not None
    assert 600 <= first.onset // MINUTE <= 605


DAY = 86_400_000
WATCHED = 50


def wandering(rng: np.random.Generator, panes: int, mean: float, sd: float) -> np.ndarray:
    """True rates [panes, WATCHED] that change from pane to pane: Beta with these moments."""
    size = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * size, (1 - mean) * size, (panes, WATCHED))


def measured(rates: np.ndarray, n: int) -> list[Series]:
    """Missing-rate series whose reference was measured on panes with these rates [panes]."""
    series = []
    for i, rate in enumerate(rates.T):
        mean = float(rate.mean())
        noise = SeriesNoise(panes=len(rate), mean=mean, variance=float(rate.var(ddof=1)), lag1=0.0, mean_n=float(n))
        sd = float(np.sqrt(mean * (1 - mean)))
        series.append(replace(MISSING, index=i, reference=mean, sd=sd, reference_n=n * len(rate), noise=noise))
    return series


def alarms_of(series: list[Series], hits: np.ndarray, n: int) -> list[int]:
    """Panes of a day in which anything alarms, at one false alarm a month for all series."""
    detector = ShiryaevRoberts.build(DetectorContext(series, DAY, 30.0, 1.0), {})
    starts, all_n = DAY * np.arange(len(hits)), np.full(hits.shape, n)
    none = np.empty((0, 1), np.int64)
    block = PaneBlock(
        starts, DAY, np.zeros((len(hits), 1), np.int64), all_n, hits, hits / n, np.empty(0, np.int64), none
    )
    return [found.pane for found in detector.update(block)]


@pytest.mark.parametrize("n", [150, 20_000])
def test_a_rate_that_changes_by_the_day_is_silent_on_a_normal_day(n: int) -> None:
    """5 % missing, give or take 2 points: as in the reference, so no alarm in a year; without measured noise, many."""
    rng = np.random.default_rng(3)
    series = measured(rng.binomial(n, wandering(rng, 300, 0.05, 0.02)) / n, n)
    year = rng.binomial(n, wandering(rng, 365, 0.05, 0.02))
    assert len(alarms_of(series, year, n)) <= 5  # 0.4 a month are allowed
    assert len(alarms_of([replace(s, noise=None) for s in series], year, n)) > 20


@pytest.mark.parametrize(("rate", "days"), [(0.93, 1), (0.3, 2), (0.15, 8)])
def test_a_rate_that_changes_by_the_day_still_tells_a_fault(rate: float, days: int) -> None:
    n = 150
    rng = np.random.default_rng(4)
    series = measured(rng.binomial(n, wandering(rng, 300, 0.05, 0.02)) / n, n)
    rates = wandering(rng, 40, 0.05, 0.02)
    rates[20:, 0] = rate
    found = alarms_of(series, rng.binomial(n, rates), n)
    assert found
    assert 20 <= found[0] < 20 + days
