from __future__ import annotations

import math

import numpy as np
import pytest

from detector_streams import MINUTE, QUARTER, Feed, context, contrasts, draw, profile
from driftgauge.detect.budget import RESERVED, SHARES, average_run_length, level
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.detectors.adwin import Adwin
from driftgauge.detect.detectors.page_hinkley import PageHinkley
from driftgauge.detect.normalise import Noise, NormalisedBlocks, block_length, noise_of
from driftgauge.detect.registry import build_detectors, registry
from driftgauge.detect.river_state import AdwinParameters, check_river
from driftgauge.detect.traffic.limits import TRAFFIC
from driftgauge.errors import ConfigError, StateError
from driftgauge.profiles.profile import SeriesNoise

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


def location(noise: SeriesNoise | None):
    return next(s for s in contrasts(of=profile(noise=noise)).series if s.name == "location" and s.feature == "amount")


def test_the_installed_river_is_understood() -> None:
    check_river()


def test_a_river_of_another_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = AdwinParameters.encode
    monkeypatch.setattr(AdwinParameters, "encode", lambda self, test: encode(self, test) + b"\0")
    with pytest.raises(StateError, match="river"):
        check_river()


def test_a_window_of_other_parameters_is_refused() -> None:
    parameters = AdwinParameters(1e-4, 1, 5, 5, 10)
    state = parameters.encode(parameters.fresh())
    for other in (parameters._replace(delta=2e-4), parameters._replace(max_buckets=6), parameters._replace(clock=2)):
        with pytest.raises(StateError):
            other.decode(state)


@pytest.mark.parametrize(
    ("pane", "noise", "panes"),
    [
        (10_000, Noise(0.0, 0.0, MINUTE), 30),
        (MINUTE, Noise(0.0, 0.0, MINUTE), 5),
        (MINUTE, None, 15),
        (MINUTE, Noise(1e-3, 0.9, MINUTE), 15),
        (5 * MINUTE, Noise(1e-3, 0.9, MINUTE), 15),
        (HOUR, Noise(0.0, 0.05, MINUTE), 1),
        (HOUR, Noise(1e-3, 0.9, MINUTE), 6),
        (HOUR, None, 1),
        (DAY, Noise(1e-3, 0.9, MINUTE), 1),
        (DAY, None, 1),
        (MINUTE, Noise(0.0, 0.0, QUARTER), 15),
        (MINUTE, Noise(1e-3, 0.9, HOUR), 60),
    ],
)
def test_blocks_are_long_in_minutes_and_never_shorter_than_measured(pane: int, noise: Noise | None, panes: int) -> None:
    assert block_length(pane, noise) == panes


def test_correlation_is_that_of_the_wander_not_of_the_diluted_panes() -> None:
    sampling = location(None).sd ** 2 / 60
    wander = sampling / 2
    diluted = SeriesNoise(panes=2000, mean=0.5, variance=wander + sampling, lag1=0.3, mean_n=60)
    found = noise_of(location(diluted))
    assert found is not None
    assert found.wander == pytest.approx(wander)
    assert found.correlation == pytest.approx(0.9)
    unsure = diluted.model_copy(update={"panes": 30})
    assert noise_of(location(unsure)) == Noise(pytest.approx(wander), 0.0, MINUTE)
    assert noise_of(location(diluted.model_copy(update={"panes": 19}))) is None


def test_z_has_unit_variance_where_the_series_moves_as_in_the_reference() -> None:
    """Sampling noise only, and a tolerance that is small beside it."""
    series = contrasts(MINUTE)
    blocks = NormalisedBlocks(context(series, MINUTE))
    blocks._wander[:] = 0.0
    evaluated = series.evaluate(draw(series.layout, np.random.default_rng(1), 15_000, 40))
    pushed = blocks.push(evaluated.n, evaluated.values)
    for position in range(len(blocks.series)):
        z = [value for pane in pushed for p, value in pane if p == position]
        assert len(z) == 1000
        assert np.std(z) == pytest.approx(1.0, abs=0.1)
        assert abs(np.mean(z)) < 0.2


def test_panes_without_events_do_not_fill_a_block() -> None:
    series = contrasts(MINUTE)
    blocks = NormalisedBlocks(context(series, MINUTE))
    evaluated = series.evaluate(draw(series.layout, np.random.default_rng(2), 30, 40))
    evaluated.n[::2], evaluated.values[::2] = 0, np.nan
    pushed = blocks.push(evaluated.n, evaluated.values)
    assert [len(pane) for pane in pushed] == [0] * 29 + [len(blocks.series)]


@pytest.mark.parametrize("method", [Adwin, PageHinkley])
@pytest.mark.parametrize(("shift", "direction"), [(0.5, "up"), (-0.5, "down")])
def test_the_direction_is_that_of_the_mean(method: type[Adwin], shift: float, direction: str) -> None:
    series = contrasts(QUARTER)
    feed = Feed(method.build(context(series), {}), series)
    rng = np.random.default_rng(3)
    before, after = draw(series.layout, rng, 100, 200), draw(series.layout, rng, 60, 200)
    slot = series.layout.slots[0]
    after[:, slot.start + (9 if shift > 0 else 0)] += 100
    feed.push(np.concatenate([before, after]))
    wanted = [(p, d) for p, d in feed.found if series.series[d.series].name == "location"]
    assert wanted
    assert wanted[0][0] >= 100
    assert wanted[0][1].direction == direction
    assert not wanted[0][1].confirmed
    assert math.isfinite(wanted[0][1].statistic)


@pytest.mark.parametrize("method", [Adwin, PageHinkley])
def test_wander_as_in_the_reference_is_no_candidate(method: type[Adwin]) -> None:
    """AR(1) .98 of .2 sd from pane to pane for two weeks, and the profile knows it; a profile that doesn't, alarms."""
    rng = np.random.default_rng(4)
    panes, n = 14 * 1440, 60
    noise = rng.normal(0, 0.2 * math.sqrt(1 - 0.98**2), panes)
    mean = np.zeros(panes)
    for i in range(1, panes):
        mean[i] = 0.98 * mean[i - 1] + noise[i]
    sd = location(None).sd
    values = 0.5 + sd * (mean + rng.normal(0, 1 / math.sqrt(n), panes))
    lag1 = float(np.corrcoef(values[1:], values[:-1])[0, 1])
    measured = SeriesNoise(panes=panes, mean=0.5, variance=float(values.var()), lag1=lag1, mean_n=n)
    candidates = []
    for known in (measured, None):
        series = contrasts(MINUTE, profile(noise=known))
        feed = Feed(method.build(context(series, MINUTE), {}), series, MINUTE)
        block = feed.block(np.zeros((panes, series.layout.size), np.int64), list(range(0, panes * MINUTE, MINUTE)))
        index = location(None).index
        block.n[:, index], block.values[:, index] = n, values
        candidates.append(len(feed.detector.update(block)))
    assert candidates[0] <= 1
    assert candidates[1] > candidates[0]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("adwin", {"delta": 0}),
        ("adwin", {"clock": 0}),
        ("adwin", {"clock": 1.5}),
        ("adwin", {"delta": float("nan")}),
        ("page_hinkley", {"mode": "sideways"}),
        ("page_hinkley", {"alpha": 2}),
        ("page_hinkley", {"threshold": True}),
        ("psi", {"min_span": 2}),
        ("psi", {"measured_psi0": 10**400}),
        ("psi", {"min_per_cell": 10**400}),
        ("shiryaev_roberts", {"points": 0}),
    ],
)
def test_settings_out_of_range_are_refused_with_the_detectors_name(name: str, setting: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=rf"detectors\.{name}: .*{next(iter(setting))}"):
        build_detectors(DETECTORS, context(contrasts()), {name: setting})


def test_detectors_come_in_the_registrys_order() -> None:
    chosen = {"psi": {}, "adwin": {"delta": 0.002}}
    built = build_detectors(DETECTORS, context(contrasts()), chosen)
    assert [d.name for d in built] == ["adwin", "psi"]
    assert built[0].resolved["delta"] == 0.002
    with pytest.raises(ConfigError, match="known: shiryaev_roberts"):
        build_detectors(DETECTORS, context(contrasts()), {"kstest": {}})
    with pytest.raises(ValueError, match="same name"):
        registry(Adwin, Adwin)


def test_no_more_than_the_budget_is_shared_out() -> None:
    assert set(SHARES) == {*DETECTORS, TRAFFIC}
    assert sum(SHARES.values()) + RESERVED <= 1 + 1e-12
    assert average_run_length(0.4, 150, 43_200) == pytest.approx(150 * 43_200 / 0.4)
    assert level(0.2, 50, 43_200) == pytest.approx(0.2 / (50 * 43_200))
    assert level(1e9, 1, 1) == 0.5
    assert level(0.2, 0, 43_200) == 0.5
