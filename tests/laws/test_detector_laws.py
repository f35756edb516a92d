"""Laws of every registered detector: splits, restarts, odd numbers and damaged state break nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import driftgauge.detect.detectors as folder
from detector_streams import MINUTE, QUARTER, Feed, context, contrasts, draw, profile
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.envelope import seal
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.types import Detector
from driftgauge.errors import StateError
from driftgauge.profiles.profile import ScaleNoise, SeriesNoise, StepNoise

# Without a measurement of noise neither means nor steps are watched.
MEASURED = SeriesNoise(
    panes=2000,
    mean=0.5,
    variance=0.0004,
    lag1=0.0,
    mean_n=300,
    scales=[
        ScaleNoise(length="15m", windows=2000, variance=0.0004, events=300, dof=1999),
        ScaleNoise(length="4h", windows=120, variance=0.0001, events=4500, dof=80),
    ],
    steps=[
        StepNoise(length="30m", before="225m", windows=900, variance=0.0002, events=500, dof=899),
        StepNoise(length="225m", before="225m", windows=120, variance=0.0001, events=2250, dof=119),
    ],
)
SERIES = contrasts(of=profile(noise=MEASURED))
CONTEXT = context(SERIES, budget=1000.0)
# Those on single events have laws of their own, and nothing to look at in a block of panes.
on_panes = [name for name, method in DETECTORS.items() if not issubclass(method, OnEvents)]
every_detector = pytest.mark.parametrize("name", on_panes)
law = settings(max_examples=25)


# Half a millisecond per value: one series has to do.
SLOW = {"kswin": replace(CONTEXT, series=[s for s in CONTEXT.series if s.name == "location"][:1])}


def fresh(name: str) -> Detector:
    return DETECTORS[name].build(SLOW.get(name, CONTEXT), {})


@st.composite
def streams(draw_: st.DrawFn) -> NDArray[np.int64]:
    """Panes of a few regimes, some of them empty of one field."""
    rng = np.random.default_rng(draw_(st.integers(0, 2**32)))
    regimes = draw_(st.lists(st.tuples(st.integers(1, 50), st.sampled_from([0.0, 0.05, 0.6])), min_size=2, max_size=4))
    counts = np.concatenate([draw(SERIES.layout, rng, panes, 300, shift) for panes, shift in regimes])
    counts[rng.random(len(counts)) < 0.05, : SERIES.layout.slots[0].stop] = 0
    return counts


@every_detector
@law
@given(counts=streams(), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_one_block_and_its_splits_give_the_same(name: str, counts: NDArray[np.int64], cuts: list[int]) -> None:
    whole, parts = Feed(fresh(name), SERIES), Feed(fresh(name), SERIES)
    whole.push(counts)
    parts.push_split(counts, [c for c in cuts if c < len(counts)])
    assert parts.alarms() == whole.alarms()
    assert parts.detector.snapshot() == whole.detector.snapshot()
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.n, whole.n)


@every_detector
def test_a_lasting_shift_is_found(name: str) -> None:
    """Keeps the laws above from holding because nothing is ever detected."""
    rng = np.random.default_rng(3)
    feed = Feed(fresh(name), SERIES)
    shifted = draw(SERIES.layout, rng, 60, 300, 0.6)
    if name == "shiryaev_roberts":
        shifted[:, SERIES.layout.slots[0].cell("missing")] += 300
    feed.push(np.concatenate([draw(SERIES.layout, rng, 60, 300), shifted]))
    assert feed.found
    assert min(pane for pane, _ in feed.found) >= 60


@every_detector
@law
@given(counts=streams(), data=st.data())
def test_a_restored_detector_goes_on_exactly(name: str, counts: NDArray[np.int64], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(counts) - 1))
    straight, broken = Feed(fresh(name), SERIES), Feed(fresh(name), SERIES)
    straight.push(counts)
    if cut:
        broken.push(counts[:cut])
    state = broken.detector.snapshot()
    broken.detector = fresh(name)
    broken.detector.restore(state)
    assert broken.detector.snapshot() == state
    broken.push(counts[cut:])
    assert broken.alarms() == straight.alarms()
    assert broken.detector.snapshot() == straight.detector.snapshot()


ODD = st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, 1.0, 5e-324])
COUNT = st.sampled_from([0, 1, 60, 2**40, 2**62])


@every_detector
@law
@given(odd=st.lists(st.tuples(ODD, COUNT, COUNT), min_size=1, max_size=60))
def test_no_number_makes_it_raise_or_deaf(name: str, odd: list[tuple[float, int, int]]) -> None:
    feed = Feed(fresh(name), SERIES)
    rng = np.random.default_rng(1)
    counts = draw(SERIES.layout, rng, len(odd), 10)
    block = feed.block(counts, [QUARTER * i for i in range(len(odd))])
    for i, (value, n, hits) in enumerate(odd):
        block.values[i], block.n[i], block.hits[i] = value, n, hits
        block.counts[i, :: 1 + i % 3] = min(n, 2**50)
    for found in feed.detector.update(block):
        assert np.isfinite([found.statistic, found.threshold]).all()
    state = feed.detector.snapshot()
    feed.detector = fresh(name)
    feed.detector.restore(state)
    feed.starts = [QUARTER * i for i in range(len(odd))]
    feed.rows = [np.zeros_like(row) for row in counts]
    if name != "shiryaev_roberts":
        feed.push(np.concatenate([draw(SERIES.layout, rng, 300, 300), draw(SERIES.layout, rng, 300, 300, 0.9)]))
        assert any(pane > len(odd) for pane, _ in feed.found)


@every_detector
def test_series_without_events_leave_the_state_as_it_is(name: str) -> None:
    feed = Feed(fresh(name), SERIES)
    feed.push(draw(SERIES.layout, np.random.default_rng(2), 7, 300))
    before = feed.detector.snapshot()
    assert feed.push(np.zeros((3, SERIES.layout.size), np.int64)) == []
    assert feed.detector.snapshot() == before


def snapshot_of(name: str, panes: int = 90) -> bytes:
    feed = Feed(fresh(name), SERIES)
    feed.push(draw(SERIES.layout, np.random.default_rng(4), panes, 300))
    return feed.detector.snapshot()


@every_detector
@law
@given(data=st.data())
def test_damaged_state_is_refused(name: str, data: st.DataObject) -> None:
    state = snapshot_of(name)
    damaged = data.draw(
        st.one_of(
            st.integers(0, len(state) - 1).map(lambda size: state[:size]),
            st.binary(min_size=1, max_size=9).map(lambda more: state + more),
            st.tuples(st.integers(0, len(state) - 1), st.integers(1, 255)).map(
                lambda x: state[: x[0]] + bytes([state[x[0]] ^ x[1]]) + state[x[0] + 1 :]
            ),
            st.binary(max_size=80),
        )
    )
    with pytest.raises(StateError):
        fresh(name).restore(damaged)


@every_detector
@settings(max_examples=120)
@given(data=st.data())
def test_forged_state_is_refused_or_harmless(name: str, data: st.DataObject) -> None:
    """A valid checksum over changed content: refused, or taken and never an error later, nor a panic of river's."""
    detector = fresh(name)
    payload = bytearray(snapshot_of(name)[28:])
    for _ in range(data.draw(st.integers(1, 4))):
        if payload:
            at = data.draw(st.integers(0, len(payload) - 1))
            with_ = data.draw(
                st.sampled_from([b"\0", b"\1", b"\x7f", b"\xff", b"\xff" * 8, b"\0" * 8, b"\1" + b"\0" * 7])
            )
            payload[at : at + len(with_)] = with_
    mark = detector._mark  # type: ignore[attr-defined]
    try:
        detector.restore(seal(mark, bytes(payload)))
    except StateError:
        return
    feed = Feed(detector, SERIES)
    rng = np.random.default_rng(5)
    feed.push(np.concatenate([draw(SERIES.layout, rng, 80, 300), draw(SERIES.layout, rng, 80, 300, 0.5)]))
    fresh(name).restore(feed.detector.snapshot())


@every_detector
def test_state_of_other_parameters_is_refused(name: str) -> None:
    state = snapshot_of(name)
    other = contrasts(MINUTE)
    with pytest.raises(StateError):
        DETECTORS[name].build(context(other, MINUTE), {}).restore(state)
    with pytest.raises(StateError):
        fresh(next(n for n in on_panes if n != name)).restore(state)
    other_reference = [replace(s, tolerance=2 * s.tolerance) for s in CONTEXT.series]
    with pytest.raises(StateError):
        DETECTORS[name].build(replace(CONTEXT, series=other_reference), {}).restore(state)


@every_detector
def test_an_unknown_setting_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="treshold"):
        DETECTORS[name].build(CONTEXT, {"treshold": 1})


@every_detector
def test_a_subject_without_series_is_quiet(name: str) -> None:
    detector = DETECTORS[name].build(replace(CONTEXT, series=[]), {})
    feed = Feed(detector, SERIES)
    assert feed.push(draw(SERIES.layout, np.random.default_rng(6), 3, 300)) == []
    detector.restore(detector.snapshot())


@every_detector
def test_the_unit_of_a_feature_changes_nothing(name: str) -> None:
    scaled = contrasts(of=profile(scale=1000.0, noise=MEASURED))
    counts = draw(SERIES.layout, np.random.default_rng(7), 80, 300, 0.3)
    wanted = [scaled.series[s.index] for s in SLOW.get(name, CONTEXT).series]
    same = DETECTORS[name].build(replace(context(scaled, budget=1000.0), series=wanted), {})
    one, other = Feed(fresh(name), SERIES), Feed(same, scaled)
    one.push(counts)
    other.push(counts)
    assert one.alarms() == other.alarms()
    assert one.detector.snapshot() == other.detector.snapshot()


def test_every_file_in_the_folder_is_registered() -> None:
    files = {path.stem for path in Path(folder.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(DETECTORS)
