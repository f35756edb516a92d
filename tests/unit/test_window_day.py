from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector_streams import BINS, MINUTE, QUARTER, Feed, context, contrasts, draw
from driftgauge.alerts.lifecycle import Lifecycle, LifecycleSettings
from driftgauge.detect.detectors.psi import Psi
from driftgauge.detect.history import History
from driftgauge.detect.hours import Hours, completed_hours
from driftgauge.detect.subject import SubjectDetection
from driftgauge.detect.windows.psi import psi
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.profiles.windows import DAY, HOUR, window_lengths, window_of
from driftgauge.subject import Subject

SERIES = contrasts(QUARTER)
LONG = next(s for s in SERIES.series if s.feature == "amount" and s.name == "psi_1d")
CELLS = slice(LONG.slot.start, LONG.slot.start + BINS)


def engine() -> SubjectDetection:
    return SubjectDetection(SERIES, QUARTER, [Psi.build(context(SERIES), {})], ring_panes=480)


def panes(counts: NDArray[np.int64], starts: NDArray[np.int64]) -> list[Pane]:
    return [
        Pane(Subject("m", "1"), "sha256:p", start, QUARTER, row, int(row.sum()), {})
        for start, row in zip(starts.tolist(), counts, strict=True)
    ]


def test_panes_below_an_hour_have_a_day_beside_the_short_window() -> None:
    assert window_lengths(MINUTE) == (HOUR, DAY)
    assert window_lengths(QUARTER) == (6 * HOUR, DAY)
    assert window_lengths(HOUR) == (24 * HOUR,)
    assert window_of(LONG) == DAY
    assert LONG.tolerance == 0.1
    names = {s.name for s in contrasts(HOUR).series if s.kind == "window" and s.feature == "amount"}
    assert names == {"psi_1d"}


def test_an_hour_is_complete_with_the_first_pane_after_it() -> None:
    starts = HOUR * 5 + np.array([0, 15, 45, 60, 200, 210]) * MINUTE
    counts = np.arange(12, dtype=np.int64).reshape(6, 2)
    whole = completed_hours(starts[:0], counts[:0], starts, counts)
    assert whole.starts.tolist() == [5 * HOUR, 6 * HOUR]
    assert whole.counts.tolist() == [[0 + 2 + 4, 1 + 3 + 5], [6, 7]]
    split = [completed_hours(starts[:i], counts[:i], starts[i : i + 1], counts[i : i + 1]) for i in range(6)]
    assert [part.starts.tolist() for part in split] == [[], [], [], [5 * HOUR], [6 * HOUR], []]
    np.testing.assert_array_equal(np.concatenate([part.counts for part in split]), whole.counts)


def test_the_window_are_the_24_hours_before_and_slides_by_one() -> None:
    feed = Feed(Psi.build(context(SERIES), {}), SERIES)
    counts = draw(SERIES.layout, np.random.default_rng(1), 160, 60)
    feed.push_split(counts, [3, 50, 51, 130])
    values = np.array(feed.values)[:, LONG.index]
    n = np.array(feed.n)[:, LONG.index]
    assert np.isnan(values[:88]).all()  # Nearly all of the day must be there.
    assert not np.isnan(values[88:]).any()
    for pane in (88, 91, 92, 100, 159):
        last = pane // 4 * 4
        window = counts[max(0, last - 96) : last, CELLS].sum(axis=0, keepdims=True)
        raw = psi(window, np.array(LONG.slot.spec.counts[:BINS]), np.array([0]))[0, 0]
        assert n[pane] == window.sum()
        assert values[pane] == pytest.approx(max(0, raw - 9 * (1 / window.sum() + 1 / LONG.reference_n)), abs=1e-12)


def test_a_drift_that_lasts_is_found_once_an_hour_and_one_of_a_season_is_not() -> None:
    rng = np.random.default_rng(2)
    calm, shifted = draw(SERIES.layout, rng, 480, 60), draw(SERIES.layout, rng, 480, 60, 0.3)
    lasting, season = calm.copy(), calm.copy()
    lasting[200:] = shifted[200:]
    # A quarter of every day lies a little above: of the day it is within the tolerance.
    evening = (np.arange(480) % 96) >= 72
    season[evening] = shifted[evening]
    found = []
    for counts in (lasting, season):
        feed = Feed(Psi.build(context(SERIES), {}), SERIES)
        feed.push(counts)
        found.append([pane for pane, d in feed.found if d.series == LONG.index])
        assert any(window_of(SERIES.series[d.series]) == 6 * HOUR for _, d in feed.found)
    assert found[0]
    assert all(pane % 4 == 0 and pane > 200 for pane in found[0])
    assert np.diff(found[0]).tolist() == [4] * (len(found[0]) - 1)
    assert found[1] == []


def test_an_alert_tells_of_the_day_it_is_about() -> None:
    """Also where several hours end within one block: the counts are those of its pane's window, not of the newest."""
    rng = np.random.default_rng(5)
    counts = np.concatenate([draw(SERIES.layout, rng, 200, 60), draw(SERIES.layout, rng, 100, 60, 0.3)])
    detection, lifecycle = engine(), Lifecycle(SERIES.series, QUARTER, "sha256:a", LifecycleSettings())
    steps, starts = [], QUARTER * np.arange(300)
    for block in detection.blocks(panes(counts, starts)):
        steps += lifecycle.step(detection.history, detection.advance(block))
    opened = next(step for step in steps if step.series.index == LONG.index)
    pane = opened.at // QUARTER - 1
    assert opened.event == "opened"
    assert pane % 4 == 0
    slot = slice(LONG.slot.start, LONG.slot.stop)
    np.testing.assert_array_equal(opened.evidence.live_counts, counts[pane - 96 : pane, slot].sum(axis=0))
    assert opened.evidence.n_after == counts[pane - 96 : pane, CELLS].sum()
    assert opened.evidence.onset - opened.evidence.onset_earliest == DAY


@settings(max_examples=15)
@given(
    gaps=st.lists(st.sampled_from([1, 1, 1, 1, 2, 9, 120]), min_size=60, max_size=200),
    cuts=st.lists(st.integers(1, 199), max_size=6),
    restart=st.booleans(),
)
def test_blocks_and_restarts_change_nothing(gaps: list[int], cuts: list[int], *, restart: bool) -> None:
    """The engine in one block, and in parts with its state going through the stored fields between them."""
    starts = np.cumsum(np.array(gaps, np.int64)) * QUARTER
    rng = np.random.default_rng(3)
    counts = draw(SERIES.layout, rng, len(gaps), 60, 0.1)
    whole, parts = engine(), engine()
    expected = [
        (int(starts[d.pane]), d.series, d.statistic, d.p_value) for d in whole.advance(panes(counts, starts)).detections
    ]
    stored: dict[str, bytes] = {}
    found = []
    bounds = sorted({0, len(gaps), *(cut for cut in cuts if cut < len(gaps))})
    for begin, end in pairwise(bounds):
        block = parts.advance(panes(counts[begin:end], starts[begin:end]))
        found += [(int(starts[begin + d.pane]), d.series, d.statistic, d.p_value) for d in block.detections]
        fresh, gone = parts.changes()
        stored = {name: data for name, data in {**stored, **fresh}.items() if name not in gone}
        if restart:
            parts = engine()
            parts.restore(stored)
    fresh, _ = whole.changes()
    assert found == expected
    assert fresh == stored
    assert sum(name.startswith("hours/") for name in stored) <= 24
    last = int(starts[-1])
    np.testing.assert_array_equal(parts.history.day_before(last), whole.history.day_before(last))
    day = (starts - starts % HOUR >= last - last % HOUR - DAY) & (starts < last - last % HOUR)
    np.testing.assert_array_equal(whole.history.day_before(last), counts[day].sum(axis=0))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (f"hours/{HOUR}", b"\0" * 8),
        (f"hours/{HOUR}", np.full(SERIES.layout.size, -1, "<i8").tobytes()),
        (f"hours/{HOUR + 1}", b"\0" * 8 * SERIES.layout.size),
        (f"hours/{9 * HOUR}", b"\0" * 8 * SERIES.layout.size),
        ("hours/x", b"\0" * 8 * SERIES.layout.size),
    ],
)
def test_odd_stored_hours_are_refused(name: str, data: bytes) -> None:
    good = engine()
    good.advance(panes(draw(SERIES.layout, np.random.default_rng(4), 20, 60), QUARTER * np.arange(20)))
    fields, _ = good.changes()
    engine().restore(fields)
    with pytest.raises(StateError):
        engine().restore({**fields, name: data})


def test_hours_are_written_once_and_deleted_after_a_day() -> None:
    history = History(keep=10, window=24, series=1, cells=2)
    for hour in range(30):
        history.extend_hours(Hours(np.array([hour * HOUR]), np.array([[hour, 1]])))
        fresh, gone = history.changes()
        assert [name for name in fresh if name.startswith("hours/")] == [f"hours/{hour * HOUR}"]
        assert gone == ([f"hours/{(hour - 24) * HOUR}"] if hour >= 24 else [])
