"""What `check` says would be found: it is, and half of it is not."""

from __future__ import annotations

import numpy as np
import pytest

from detector_streams import MINUTE, Feed, context, contrasts, draw, profile
from driftgauge.cli.smallest_changes import as_json, smallest_changes, spans
from driftgauge.detect.detectors.multiscale import MultiScale
from driftgauge.detect.detectors.shiryaev_roberts import ShiryaevRoberts
from driftgauge.detect.sensitivity import smallest
from driftgauge.engine.profiled import default_model
from driftgauge.profiles.profile import ScaleNoise, SeriesNoise

EVENTS = 60
SD = 12**-0.5
NOISE = SeriesNoise(
    panes=20_000,
    mean=0.5,
    variance=SD**2 / EVENTS,
    lag1=0.0,
    mean_n=EVENTS,
    scales=[
        ScaleNoise(length=f"{w}m", windows=20_000 // w, variance=SD**2 / EVENTS / w, events=EVENTS * w, dof=20_000 / w)
        for w in (1, 15, 60, 360)
    ],
)
SERIES = contrasts(MINUTE, profile(noise=NOISE))


RING = 1440


def test_bisection_finds_the_edge_and_says_where_there_is_none() -> None:
    edges = np.array([0.25, 0.5, 2.0])
    found = smallest(lambda x: x >= edges, np.zeros(3), np.ones(3))
    assert found[:2] == pytest.approx(edges[:2])
    assert np.isnan(found[2])


@pytest.mark.parametrize(("part", "expected"), [(1.1, True), (0.5, False)])
def test_a_rate_that_is_told_to_be_found_within_the_hour_is(part: float, *, expected: bool) -> None:
    detector = ShiryaevRoberts.build(context(SERIES, MINUTE), {})
    missing = next(s for s in SERIES.series if s.feature == "amount" and s.name == "missing")
    told = next(s for s in detector.sensitivity(EVENTS, 60, RING) if s.series == missing.index)
    assert told.panes == 60
    assert missing.reference + missing.tolerance < told.reached < 0.1
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        feed = Feed(ShiryaevRoberts.build(context(SERIES, MINUTE), {}), SERIES, MINUTE)
        counts = draw(SERIES.layout, rng, 60, EVENTS)
        slot, hits = missing.slot, rng.binomial(EVENTS, part * told.reached, 60)
        counts[:, slot.start : slot.stop] = 0
        counts[:, slot.start], counts[:, slot.cell("missing")] = EVENTS - hits, hits
        feed.push(counts)
        found += any(d.series == missing.index for _, d in feed.found)
    assert (found >= 12) is expected


def test_a_shift_that_is_told_to_be_found_is_beyond_the_tolerance_and_shrinks_with_the_events() -> None:
    detector = MultiScale.build(context(SERIES, MINUTE), {})
    location = next(s for s in SERIES.series if s.feature == "amount" and s.name == "location")
    few, many = (told_of(location, detector, events=n).reached for n in (0.5, 1000))
    assert few > many == location.tolerance


def told_of(series, detector, *, events=EVENTS, panes=60, remembered=RING):
    return next(s for s in detector.sensitivity(events, panes, remembered) if s.series == series.index)


def test_longer_means_find_smaller_shifts_and_what_needs_no_longer_one_is_found_sooner() -> None:
    few, detector = 2.0, MultiScale.build(context(SERIES, MINUTE), {})
    location = next(s for s in SERIES.series if s.feature == "amount" and s.name == "location")
    hour, day = (told_of(location, detector, events=few, panes=panes) for panes in (60, 1440))
    assert (hour.panes, day.panes) == (60, 360)
    assert location.tolerance < day.reached < hour.reached
    assert told_of(location, detector, events=1000, panes=1440) == (
        location.index,
        "multiscale",
        15,
        location.tolerance,
    )
    assert told_of(location, detector, events=few, panes=1440, remembered=100) == hour
    assert told_of(location, detector, panes=2).panes == 2


@pytest.mark.parametrize(("part", "expected"), [(1.15, True), (0.6, False)])
def test_a_shift_that_is_told_to_be_found_within_the_day_is(part: float, *, expected: bool) -> None:
    few, panes, found = 2.0, 360, 0
    location = next(s for s in SERIES.series if s.feature == "amount" and s.name == "location")
    told = told_of(location, MultiScale.build(context(SERIES, MINUTE), {}), events=few, panes=1440)
    for seed in range(20):
        feed = Feed(MultiScale.build(context(SERIES, MINUTE), {}), SERIES, MINUTE)
        starts = list(range(0, panes * MINUTE, MINUTE))
        block = feed.block(np.zeros((panes, SERIES.layout.size), np.int64), starts)
        noise = np.random.default_rng(seed).normal(0, SD / few**0.5, panes)
        block.n[:, location.index] = int(few)
        block.values[:, location.index] = location.reference + part * told.reached + noise
        found += bool(feed.detector.update(block))
    assert (found >= 12) is expected


def test_texts_are_in_the_units_of_the_data() -> None:
    model = default_model(profile(noise=NOISE), pane="60s")
    found = {(c.series.feature, c.series.name): c for c in smallest_changes(model, EVENTS)}
    location, missing = found["amount", "location"], found["amount", "missing"]
    assert location.hour == location.day
    assert location.hour.text.startswith("a shift of 0.59")
    assert location.hour.text.endswith("(0.20 sd)")
    assert location.hour.within == "1h"
    assert missing.hour.text.startswith("a rise to ")
    assert (missing.hour.within, missing.day.within) == ("1h", "1d")
    assert missing.day.reached < missing.hour.reached


@pytest.mark.parametrize(
    ("pane", "expected"), [("10s", ("1h", "1d")), ("60s", ("1h", "1d")), ("1h", ("2h", "1d")), ("1d", ("2d", "2d"))]
)
def test_an_hour_and_a_day_are_two_panes_at_least(pane: str, expected: tuple[str, str]) -> None:
    assert spans(default_model(profile(noise=NOISE), pane=pane)) == expected


def test_what_the_reference_was_measured_too_coarsely_for_within_an_hour_is_told_within_the_day() -> None:
    noise = NOISE.model_copy(update={"length": "6h", "panes": 30, "scales": [NOISE.scales[-1]]})
    model = default_model(profile(noise=noise), pane="60s")
    found = next(c for c in smallest_changes(model, EVENTS) if c.series.key == "amount|location|")
    assert found.hour is None
    assert found.day.within == "6h"
    shown = as_json([found])[0]
    assert (shown["smallest"], shown["within"], shown["within_a_day"]["within"]) == (None, None, "6h")
