"""`--sweep`: many settings over one pass, each as if it had been replayed alone; and which of them to take."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest

from driftgauge.alerts.event import Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import ConfigError
from driftgauge.panes.coarse import CoarsePanes
from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import END_OF_TIME, PartialPane, Watermark
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.scoring.alert import Alerts
from driftgauge.scoring.delays import Quantile
from driftgauge.subject import Subject
from driftgauge.sweep.axes import MOST, choices
from driftgauge.sweep.placebo import WEEK, PaneStore, permuted
from driftgauge.sweep.rows import InVain, Row, knee
from driftgauge.sweep.variant import Variant
from live import loan_events, profile_of

MINUTE = 60_000
SETTINGS = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})


@pytest.fixture(scope="module")
def profile():
    return profile_of(loan_events(20_000, seed=1))


@pytest.fixture(scope="module")
def story() -> list[bytes]:
    return loan_events(24_000, break_at=15_000)


def model(profile, pane: int = MINUTE, budget: float = 1.0, minimum_effect: float = 1.0) -> Model:
    return model_of(profile, SETTINGS, pane_length=pane, budget=budget, minimum_effect=minimum_effect)


def replayed(of: Model, events: list[bytes], watcher: Variant | None = None, on_messages=None) -> list:
    """The alerts of a pass; `watcher` judges it too."""
    source, alerts = Source("story.jsonl", 0), Alerts()
    batches = [
        RecordBatch(source, range(at, at + len(part)), [0] * len(part), part)
        for at in range(0, len(events), 1000)
        for part in [events[at : at + 1000]]
    ]
    render = renderer_of([of], Run(mode="backtest", run_id="test"))
    ingest = ingest_of([of], source, decoder_of([of], None))
    seen = on_messages or (watcher.take if watcher is not None else lambda _messages: None)
    for step in replay([ReplaySource(ingest, batches)], stage_of([of]), ReplayTotals(), on_messages=seen):
        for raised in step:
            alerts.add(render(raised))
    return alerts.all()


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("pane=1m,5m", {"pane": 5 * MINUTE}),
        ("budget=1,0.01", {"budget": 0.01}),
        ("minimum_effect=1,8", {"minimum_effect": 8.0}),
    ],
)
def test_each_setting_tells_what_a_replay_with_it_would_tell(profile, story, text, settings):
    configured, other = choices([text])
    own, tried = model(profile), model(profile, **settings)
    variant = Variant(other, [tried], None, as_configured=False)
    same = Variant(configured, [own], None, as_configured=True)

    def take(messages) -> None:
        variant.take(messages)
        same.take(messages)

    alone = replayed(own, story, on_messages=take)
    assert same.alerts.all() == alone
    assert variant.alerts.all() == replayed(tried, story)
    assert len(alone) == 2


def test_long_panes_are_the_sum_of_short_ones_whatever_the_batches(profile, story):
    short, long = [], []
    replayed(model(profile), story, on_messages=short.extend)
    replayed(model(profile, 5 * MINUTE), story, on_messages=long.extend)
    wanted = [m for m in long if isinstance(m, PartialPane)]
    for size in (1, 7, 10_000):
        coarse = CoarsePanes({("loan-approval", "7"): 5 * MINUTE})
        found = [
            m
            for at in range(0, len(short), size)
            for m in coarse.take(short[at : at + size])
            if isinstance(m, PartialPane)
        ]
        assert [(p.start, p.length, p.events, p.counts.tolist()) for p in found] == [
            (p.start, p.length, p.events, p.counts.tolist()) for p in wanted
        ]
        assert [(p.first_offset, p.last_offset, p.incomplete) for p in found] == [
            (p.first_offset, p.last_offset, p.incomplete) for p in wanted
        ]


def test_all_combinations_are_tried_in_order():
    found = choices(["budget=0.1, 1", "detectors.adwin.enabled=true,false"])
    assert [str(choice) for choice in found] == [
        "budget 0.1, detectors.adwin.enabled true",
        "budget 0.1, detectors.adwin.enabled false",
        "budget 1, detectors.adwin.enabled true",
        "budget 1, detectors.adwin.enabled false",
    ]
    assert found[1].detectors == {"adwin": {"enabled": False}}
    assert found[1].value("budget") == 0.1


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["budget"], "write AXIS=VALUE"),
        (["budget="], "write AXIS=VALUE"),
        (["budget=1,x"], "--sweep budget=x: a number from 0.001 to 1000"),
        (["budget=nan"], "a number from"),
        (["budget=1,1.0"], "a value is listed twice"),
        (["budget=1", "budget=2"], "given twice"),
        (["pane=5"], "--sweep pane=5: '5' is no duration"),
        (["pane=1ms"], "a pane is 1s to 366d long"),
        (["window=5"], "no such axis; there are budget, minimum_effect, pane"),
        (["detectors.nope.enabled=true"], "NAME is one of"),
        (["detectors.adwin.delta=[1"], "a number, a word, true or false"),
        (["detectors.adwin.enabled=true,maybe"], "enabled=maybe: true or false is wanted"),
        ([f"budget={','.join(str(i) for i in range(1, MOST + 2))}"], f"at most {MOST}"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_fix(texts, told):
    with pytest.raises(ConfigError) as refused:
        choices(texts)
    assert told in str(refused.value)


def pane(start: int, count: int) -> Pane:
    return Pane(Subject("m", "1"), "sha256:x", start, MINUTE, np.array([count, 1], np.int64), count + 1, {})


def test_quiet_weeks_are_whole_and_untouched_by_alerts():
    store = PaneStore(io.BytesIO())
    first = 5 * MINUTE
    store.add([pane(first + day * 86_400_000, day) for day in range(36)])
    assert store.quiet_weeks([]) == [0, 1, 2, 3, 4]
    told = [(first + WEEK - 1, first + WEEK), (first + 3 * WEEK, first + 3 * WEEK + 1)]
    assert store.quiet_weeks(told) == [1, 2, 4]


def test_a_placebo_holds_the_same_panes_at_the_same_hours_of_the_week():
    store = PaneStore(io.BytesIO())
    store.add([pane(day * 86_400_000, day) for day in range(36)])
    order = permuted(store.quiet_weeks([]), 3)
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert order == permuted([0, 1, 2, 3, 4], 3)
    messages = [m for batch in store.reordered(order) for m in batch]
    panes = [m for m in messages if isinstance(m, PartialPane)]
    assert [p.start for p in panes] == [day * 86_400_000 for day in range(35)]
    assert [int(p.counts[0]) for p in panes] == [7 * week + day for week in order for day in range(7)]
    marks = [m.time for m in messages if isinstance(m, Watermark)]
    assert marks == sorted(marks)
    assert marks[-1] == END_OF_TIME


def row(name: str, *, recall=None, median=None, alerts=0, in_vain=0, months=10.0, now=False) -> Row:
    measures = None
    if recall is not None:
        false = SimpleNamespace(count=in_vain, months=months, quiet=1)
        delays = SimpleNamespace(median=Quantile(median, None))
        measures = SimpleNamespace(recall=SimpleNamespace(share=recall), delays=delays, false=false)
    placebo = InVain(in_vain, months) if recall is None else None
    return Row(name, now, alerts, 1.0, measures, placebo)


def test_the_row_to_take_finds_most_of_those_within_the_budget_and_soonest():
    rows = [
        row("strict", recall=0.5, median=60, in_vain=1),
        row("good", recall=0.9, median=50, in_vain=9),
        row("slow", recall=0.9, median=70, in_vain=2),
        row("loose", recall=1.0, median=10, in_vain=40),
    ]
    assert knee(rows, 1.0).choice == "good"
    assert knee(rows, 5.0).choice == "loose"
    assert knee(rows, 0.01).choice == "strict"


def test_of_equals_what_is_configured_stays():
    labelled = {"recall": 0.9, "median": 50}
    assert knee([row("other", **labelled), row("own", **labelled, now=True)], 1.0).choice == "own"
    assert knee([row("fewer", **labelled), row("own", **labelled, in_vain=2, now=True)], 1.0).choice == "fewer"
    assert knee([row("other", alerts=3), row("own", alerts=3, now=True)], 1.0).choice == "own"


def test_without_labels_it_is_the_one_that_tells_most_within_the_budget():
    rows = [row("strict", alerts=3, in_vain=1), row("good", alerts=9, in_vain=8), row("loose", alerts=50, in_vain=99)]
    assert knee(rows, 1.0).choice == "good"
    assert knee([Row("x", False, 3, 1.0, None, None)], 1.0) is None


def test_alerts_that_a_placebo_tells_as_well_are_no_reason_to_change_anything():
    rows = [row("now", now=True), row("loose", alerts=1, in_vain=10)]
    assert knee(rows, 1.0).choice == "now"
    assert knee([*rows, row("good", alerts=3, in_vain=9)], 1.0).choice == "good"
