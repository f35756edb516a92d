"""What `check` says would be found: it is, and half of it is not."""

from __future__ import annotations

import numpy as np
import pytest

from detector_streams import MINUTE, Feed, context, contrasts, draw, profile
from driftgauge.cli.smallest_changes import smallest_changes
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


def test_bisection_finds_the_edge_and_says_where_there_is_none() -> None:
    edges = np.array([0.25, 0.5, 2.0])
    found = smallest(lambda x: x >= edges, np.zeros(3), np.ones(3))
    assert found[:2] == pytest.approx(edges[:2])
    assert np.isnan(found[2])


@pytest.mark.parametrize(("part", "expected"), [(1.1, True), (0.5, False)])
def test_a_rate_that_is_told_to_be_found_within_the_hour_is(part: float, *, expected: bool) -> None:
    detector = ShiryaevRoberts.build(context(SERIES, MINUTE), {})
    missing = next(s for s in SERIES.series if s.feature == "amount" and s.name == "missing")
    told = next(s for s in detector.sensitivity(EVENTS) if s.series == missing.index)
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
    few, many = (next(s for s in detector.sensitivity(n) if s.series == location.index).reached for n in (0.5, 1000))
    assert few > many == location.tolerance


def test_texts_are_in_the_units_of_the_data() -> None:
    model = default_model(profile(noise=NOISE), pane="60s")
    texts = {(c.series.feature, c.series.name): (c.text, c.within) for c in smallest_changes(model, EVENTS)}
    text, within = texts["amount", "location"]
    assert text.startswith("a shift of 0.59")
    assert text.endswith("(0.20 sd)")
    assert within == "1h"
    assert texts["amount", "missing"][0].startswith("a rise to ")
