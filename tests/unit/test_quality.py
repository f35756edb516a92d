"""The quality benchmark draws what it says, scores it as it says, and gives every method the same streams."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# bench/ is no package of the worker: `python -m bench.quality` finds it from the project's folder, and so do we.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.quality import __main__ as command
from bench.quality import jobs
from bench.quality.aims import aims_of
from bench.quality.faults import FAULTS, TRAFFIC_FAULTS
from bench.quality.fields import Categorical, Numeric, State, category_shares, draw_counts, draw_values
from bench.quality.ours import Alert, Watch
from bench.quality.real import Backtest, backtests, pooled
from bench.quality.rivals import WINDOW, Adwin, EveryHour, Evidently, KolmogorovSmirnov, NannyMl, Never, windows
from bench.quality.score import Quiet, pool_quiet, pool_struck, quantile, struck
from bench.quality.streams import (
    FIELDS,
    MINUTE,
    PRODUCTION,
    STREAMS,
    Course,
    Stream,
    generator,
    model_of,
    reference_values,
)

from driftgauge.profiles.cells import bin_values
from driftgauge.profiles.profile import NumericField

IID = STREAMS[0]
CHANGES = [
    {},
    {"shift": 0.7},
    {"shift": -0.5, "stretch": 1.5},
    {"factor": 1000.0},
    {"held": 0.3, "value": 40.0},
    {"missing": 0.4, "invalid": 0.2},
]


@pytest.fixture(scope="module")
def model():
    return model_of(IID, *reference_values(IID, generator(1, IID, 0, "reference")))


@pytest.fixture(scope="module")
def calm(model):
    course = Course(IID, PRODUCTION, 300, generator(1, IID, 0, "calm"))
    return course, course.counts(model.layout, generator(1, IID, 0, "counts"))


def slot_of(model, name):
    return next(slot for slot in model.layout.slots if slot.name == name)


def cells_of_values(field, slot, values, names):
    if isinstance(field, Numeric):
        spec = slot.spec
        assert isinstance(spec, NumericField)
        return bin_values(np.array(spec.edges), spec.low, spec.high, values)
    known = {name: i for i, name in enumerate(slot.spec.categories)}
    special = {True: slot.cell("missing") - slot.start, False: slot.cell("invalid") - slot.start}
    unseen = slot.cell("unseen") - slot.start
    return np.array(
        [known.get(names[int(v)], unseen) if np.isfinite(v) else special[bool(np.isnan(v))] for v in values]
    )


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_counts_and_values_follow_the_same_law(model, field, change):
    n = 20_000
    slot = slot_of(model, field.name)
    state = State(np.full(1, change.get("shift", 0.0)), **{k: v for k, v in change.items() if k != "shift"})
    counts = draw_counts(field, slot, state, np.array([n]), np.random.default_rng(1))[0]
    values = draw_values(field, state, np.zeros(n, np.int64), np.random.default_rng(2))
    names = category_shares(field, state)[0] if isinstance(field, Categorical) else []
    drawn = np.bincount(cells_of_values(field, slot, values, names), minlength=slot.stop - slot.start)
    assert counts.sum() == drawn.sum() == n
    assert np.all(np.abs(counts - drawn) <= 6 * np.sqrt(counts + drawn + 1))


def test_a_category_that_the_profile_does_not_know_is_counted_as_unseen(model):
    field = next(f for f in FIELDS if f.name == "employment_type")
    slot = slot_of(model, field.name)
    state = State(np.zeros(1), shares={"a": 0.5, "new": 0.5}, missing=0.0)
    counts = draw_counts(field, slot, state, np.array([1000]), np.random.default_rng(1))[0]
    assert 400 < counts[slot.cell("unseen") - slot.start] < 600
    assert counts[slot.spec.categories.index("a")] + counts[slot.cell("unseen") - slot.start] == 1000


def test_a_part_of_a_course_is_that_part_and_the_seed_says_all():
    stream = next(s for s in STREAMS if s.name == "real")
    one, two = (Course(stream, PRODUCTION, 100, generator(3, stream, 1, "production")) for _ in range(2))
    other = Course(stream, PRODUCTION, 100, generator(4, stream, 1, "production"))
    assert (one.n == two.n).all()
    assert (one.states["age"].shift == two.states["age"].shift).all()
    assert (one.states["age"].shift != other.states["age"].shift).any()
    part = one.part(10, 20)
    assert part.starts[0] == PRODUCTION + 10 * MINUTE
    assert (part.states["age"].shift == one.states["age"].shift[10:20]).all()


def test_wander_has_the_sd_and_the_memory_it_says():
    stream = Stream("test", "", wander=0.2, memory=-MINUTE / np.log(0.9))
    shift = Course(stream, PRODUCTION, 50_000, np.random.default_rng(1)).states["age"].shift
    assert shift.std() == pytest.approx(0.2, rel=0.05)
    assert np.corrcoef(shift[1:], shift[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)


def test_a_shuffled_reference_has_no_time_in_it_and_is_as_short_as_said():
    stream = next(s for s in STREAMS if s.name == "season" and s.reference == "shuffled")
    times, values = reference_values(stream, generator(1, stream, 0, "reference"))
    assert len(times) == 10_000
    assert set(np.diff(times)) == {1000}
    halves = np.nanmean(values["age"][:5000]), np.nanmean(values["age"][5000:])
    assert abs(halves[0] - halves[1]) < 12.0 * 5 / math.sqrt(2500)


def test_a_watch_that_goes_on_from_a_saved_one_finds_what_an_uninterrupted_one_does(model, calm):
    course, counts = calm
    storm = next(fault for fault in FAULTS if fault.name.startswith("NULL"))
    struck_counts = storm.on(course).counts(model.layout, generator(1, IID, 0, "storm"))
    whole, first = Watch(model), Watch(model)
    both = np.concatenate([course.starts, course.starts + 300 * MINUTE]), np.concatenate([counts, struck_counts])
    expected = whole.run(*both)
    assert first.run(course.starts, counts) == []
    assert Watch(model, first.saved()).run(course.starts + 300 * MINUTE, struck_counts) == expected
    assert expected[0].series == "missing"
    assert PRODUCTION + 301 * MINUTE <= expected[0].at <= PRODUCTION + 310 * MINUTE


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_its_own_field_and_no_other(calm, fault):
    course, _ = calm
    after = fault.on(course)
    changed = {name for name, state in after.states.items() if plain(state) != plain(course.states[name])}
    assert changed == {fault.field}
    assert (after.n == course.n).all()


def plain(state):
    return (state.shift.tolist(), *(getattr(state, f.name) for f in fields(state) if f.name != "shift"))


def test_a_fault_that_is_not_found_is_a_long_delay_and_no_missing_one():
    assert quantile([1.0, 2.0, None], 0.5) == 2.0
    assert quantile([1.0, None, None], 0.5) == math.inf
    assert quantile([3.0, 1.0], 0.9) == 3.0


def test_an_alert_elsewhere_is_no_find_and_a_second_one_is_no_second_find():
    alerts = [
        Alert("other", "location", "value", 60_000, 0),
        Alert("age", "psi_1h", "window", 180_000, 600_000),
        Alert("age", "location", "value", 240_000, 60_000),
    ]
    fault = next(f for f in FAULTS if f.field == "age")
    run = struck("m", IID, fault, 0, alerts, onset=0)
    assert (run.delay, run.first, run.true_alerts, run.elsewhere) == (3.0, "psi_1h", 2, 1)
    assert (run.onset_error, run.series_onset_error) == (10.0, 1.0)
    assert struck("m", IID, fault, 0, alerts[:1], onset=0).delay is None


def test_a_fault_of_the_traffic_leaves_its_share_of_the_events(calm):
    course, _ = calm
    silent, half = (fault.on(course, np.random.default_rng(1)) for fault in TRAFFIC_FAULTS)
    assert silent.n.sum() == 0
    assert half.n.sum() == pytest.approx(course.n.sum() / 2, rel=0.03)
    assert course.n.sum() > 0


def test_every_aim_has_its_verdict():
    quiet = pool_quiet([Quiet("driftgauge", "iid", "14d", i, 30.0, 10, i, {}) for i in range(2)])
    late = Alert("employment_type", "missing", "rate", 120_000, 0)
    found = pool_struck([struck("driftgauge", IID, FAULTS[0], 0, [late], onset=0)])
    assert quiet[0].per_month == 0.5
    words = [(aim.word, aim.measured) for aim in aims_of(quiet, found, [])]
    assert words[0][0] == "pass"
    assert words[1] == ("BELOW", "2 (1 of 1 found)")
    assert words[2][0] == "pass"


def hours(count, shift=0.0, seed=1, per_pane=20):
    rng = np.random.default_rng(seed)
    pane = np.repeat(np.arange(count * WINDOW), per_pane)
    return pane, rng.normal(shift, 1.0, len(pane))


@pytest.mark.parametrize("kind", [KolmogorovSmirnov, Evidently, NannyMl])
def test_rules_on_windows_alarm_where_values_have_moved_and_once_per_stretch(kind):
    rival = kind()
    rival.fit(Numeric("x", 0.0, 1.0), *hours(72))
    still, moved = hours(3, seed=2), hours(3, 0.5, seed=3)
    assert rival.run(*still) == []
    assert rival.run(*moved) == [WINDOW - 1]


def test_evidently_and_nannyml_see_a_category_that_is_new():
    pane = hours(72)[0]
    field = Categorical("c", {"a": 0.5, "b": 0.5})
    values = np.random.default_rng(1).integers(0, 2, len(pane)).astype(float)
    live = np.random.default_rng(2).integers(0, 3, 3 * WINDOW * 20).astype(float)
    for kind in (Evidently, NannyMl):
        rival = kind()
        rival.fit(field, pane, values)
        assert rival.run(pane[: len(live)], live) == [WINDOW - 1]


def test_river_is_fed_values_and_gaps_and_the_baselines_do_what_they_say():
    pane, values = hours(4)
    values[len(values) // 2 :] += 2.0
    adwin, always, never = Adwin(), EveryHour(), Never()
    for rival in (adwin, always, never):
        rival.fit(Numeric("x", 0.0, 1.0), pane, values)
    assert 2 * WINDOW <= adwin.run(pane, values)[0] <= 2 * WINDOW + 10
    gaps = np.where(np.arange(len(pane)) >= len(pane) // 2, np.nan, 1.0)
    fresh = Adwin()
    fresh.fit(Categorical("c", {"a": 1.0}), pane, gaps)
    assert 2 * WINDOW <= fresh.run(pane, gaps)[0] <= 2 * WINDOW + 10
    assert always.run(pane, values) == [WINDOW * (i + 1) - 1 for i in range(4)]
    assert never.run(pane, values) == []


def test_an_hour_of_which_less_than_half_is_there_gives_no_verdict():
    pane, values = hours(2)
    keep = pane < WINDOW + 20
    assert [last for last, _ in windows(pane[keep], values[keep])] == [WINDOW - 1]


def test_backtests_of_a_folder_score_the_sets_that_are_there_and_name_the_others(tmp_path):
    rng = np.random.default_rng(1)
    (tmp_path / "phishing").mkdir()
    table = pa.table({"a": rng.integers(0, 3, 4000), "class": rng.integers(0, 2, 4000)})
    pq.write_table(table, tmp_path / "phishing" / "phishing.parquet")
    found = list(backtests(tmp_path, 1, quick=True))
    (one,) = [run for run in found if isinstance(run, Backtest)]
    assert (one.name, one.rows, one.alerts, one.reached) == ("phishing, halves", 2000, 0, True)
    assert "elec2: skipped, elec2/elec2.parquet is not there" in found
    twice = pooled([one, replace(one, alerts=2, reached=False)])
    assert [(run.files, run.alerts, run.rows, run.reached) for run in twice] == [(2, 2, 4000, False)]


@pytest.fixture
def small(monkeypatch):
    extent = jobs.Extent(quiet=1, days=1, rivals=0, struck={}, traffic={})
    monkeypatch.setattr(command, "QUICK", extent)
    monkeypatch.setattr(jobs, "STREAMS", (IID,))
    monkeypatch.delenv(jobs.DATA, raising=False)


def test_the_command_prints_its_tables_keeps_its_rows_and_skips_real_data_it_has_not(small, tmp_path, capsys):
    assert command.main(["--quick", "--jobs", "1", "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "Real data: skipped; --data DIR or $DRIFTGAUGE_DATA" in shown.out
    assert "1 of 1 aims reached" in shown.out
    assert "2/2  real data" in shown.err
    (kept,) = tmp_path.iterdir()
    rows = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["quiet", "aim"]
    assert rows[0]["alerts"] == 0


def test_the_same_seed_gives_the_same_rows(small, tmp_path, capsys):
    arguments = ["--quick", "--only", "streams", "--jobs", "1", "--json", "--results", str(tmp_path), "--seed"]
    outputs = []
    for seed in ("7", "7", "8"):
        assert command.main([*arguments, seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0].splitlines()[0])["days"] == 1.0
