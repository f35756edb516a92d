"""The report: what is kept of a replay, what is told together, and a page that holds anything."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.alerts.event import Run
from driftgauge.cli.backtest.report import period_of, recorder_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import default_model
from driftgauge.engine.publish import renderer_of
from driftgauge.panes.merge import Pane
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.report.content import content_of
from driftgauge.report.figures import figure_of, time_axis, time_ticks
from driftgauge.report.incidents import incidents_of
from driftgauge.report.levels import levels_of
from driftgauge.report.page import page
from driftgauge.report.recorder import Recorder
from driftgauge.report.trail import Stretch, Trail
from driftgauge.subject import Subject
from driftgauge.timestamps import parse_timestamp
from live import loan_events, profile_of

MINUTE = 60_000
BREAK = 15_000  # Event of 24,000 at 5 a second: 00:50 of 80 minutes.


def recorded(events: list[bytes], profile) -> tuple[Recorder, ReplayTotals]:
    models = [default_model(profile, pane="60s", budget=1.0)]
    recorder, totals = recorder_of(models), ReplayTotals()
    source = Source("story.jsonl", 0)
    batches = [
        RecordBatch(source, range(at, at + len(part)), [0] * len(part), part)
        for at in range(0, len(events), 1000)
        for part in [events[at : at + 1000]]
    ]
    render = renderer_of(models, Run(mode="backtest", run_id="test"))
    stage = stage_of(models, None, recorder.closed)
    ingest = ingest_of(models, source, decoder_of(models, None))
    for step in replay([ReplaySource(ingest, batches)], stage, totals):
        for raised in step:
            recorder.raised(raised, render(raised))
    return recorder, totals


@pytest.fixture(scope="module")
def profile():
    return profile_of(loan_events(20_000, seed=1))


@pytest.fixture(scope="module")
def broken(profile):
    return recorded(loan_events(24_000, break_at=BREAK), profile)


class Page(HTMLParser):
    """Every element and every text that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def html(recorder: Recorder, totals: ReplayTotals, warnings=()) -> str:
    return page(content_of(recorder, period_of(totals, complete=True), ["loan-approval/7"], warnings))


def pane(start: int, count: int, length: int = MINUTE) -> Pane:
    return Pane(Subject("m", "1"), "sha256:x", start, length, np.array([count, 1], np.int64), count + 1, {})


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 9)), unique_by=lambda p: p[0], max_size=60),
    st.integers(1, 90),
)
def test_a_trail_keeps_every_event_in_a_bounded_number_of_spans(panes, stretch):
    trail = Trail(MINUTE, 2)
    panes = [(minute * stretch, count) for minute, count in sorted(panes)]
    trail.extend(pane(minute * MINUTE, count) for minute, count in panes)
    whole = trail.whole()
    assert len(whole.starts) <= 512
    assert whole.counts.sum(axis=0).tolist() == [sum(c for _, c in panes), len(panes)]
    assert whole.events.sum() == sum(c + 1 for _, c in panes)
    for minute, _ in panes:
        assert any(start <= minute * MINUTE < start + whole.length for start in whole.starts)
    few = whole.merged(10)
    assert len(few.starts) <= 11
    assert few.counts.sum(axis=0).tolist() == whole.counts.sum(axis=0).tolist()


def test_a_long_trail_is_coarse_and_its_last_panes_are_not():
    trail = Trail(MINUTE, 2)
    trail.extend(pane(minute * MINUTE, 1) for minute in range(5000))
    assert trail.whole().length == 16 * MINUTE
    assert (trail.recent().starts // MINUTE).tolist() == list(range(5000 - 512, 5000))


def test_what_broke_comes_first_and_what_moved_with_it_below(broken):
    (incident,) = incidents_of(broken[0].problems)
    assert incident.cause.worst.labels.series == "missing"
    assert {p.worst.labels.series for p in incident.symptoms} == {"predicted_share"}
    assert incident.severity == "critical"
    assert incident.resolved is None


def problem(name: str, onset: int, told: int, resolved: int | None = None, model: str = "m"):
    at = [f"2026-01-01T{m // 60:02}:{m % 60:02}:00Z" for m in (onset, max(0, onset - 1), onset + 1)]
    change = SimpleNamespace(at=at[0], earliest=at[1], latest=at[2])
    event = SimpleNamespace(
        labels=SimpleNamespace(alertname=name, severity="warning"),
        detail=SimpleNamespace(change_point=change, effect=0.1),
    )
    start = 1_767_225_600_000
    return SimpleNamespace(
        subject=Subject(model, "1"),
        worst=event,
        onset=start + onset * MINUTE,
        told=start + told * MINUTE,
        resolved=None if resolved is None else start + resolved * MINUTE,
    )


def names(problems) -> list[list[str]]:
    return [[p.worst.labels.alertname for p in i.problems] for i in incidents_of(problems)]


def test_problems_that_began_before_the_first_was_told_are_one_incident():
    together = [problem("PredictionDrift", 12, 15), problem("FeatureDrift", 10, 14), problem("DataQuality", 14, 16)]
    assert names(together) == [["DataQuality", "FeatureDrift", "PredictionDrift"]]


def test_a_later_one_joins_only_what_can_explain_it_and_still_goes_on():
    cause = problem("DataQuality", 10, 14, resolved=60)
    assert names([cause, problem("PredictionDrift", 40, 44)]) == [["DataQuality", "PredictionDrift"]]
    assert names([cause, problem("PredictionDrift", 70, 74)]) == [["DataQuality"], ["PredictionDrift"]]
    assert names([cause, problem("DataQuality", 40, 44)]) == [["DataQuality"], ["DataQuality"]]
    assert names([problem("PredictionDrift", 10, 14), problem("DataQuality", 40, 44)]) == [
        ["PredictionDrift"],
        ["DataQuality"],
    ]


def test_another_models_problem_is_another_incident():
    assert len(names([problem("DataQuality", 10, 14), problem("DataQuality", 10, 14, model="n")])) == 2


def test_the_page_says_what_happened_in_words_tables_and_figures(broken):
    seen = Page(html(*broken))
    text = " ".join(" ".join(seen.texts).split())
    assert "1 incident, critical, in 1 h 20 min. 1 still open at the end." in text
    assert re.search(r"employment_type missing 0.\d % → 9\d % since 00:50", text)
    assert "predicted share of rejected" in text
    assert "What moved with it" in text
    figures = [attributes for tag, attributes in seen.elements if tag == "svg"]
    assert len(figures) == 2
    assert "Over the whole replay" in text
    assert "Around the change" not in text
    assert all(figure["aria-label"] for figure in figures)
    assert sum(tag == "polyline" for tag, _ in seen.elements) == 1
    classes = {word for _, attributes in seen.elements for word in (attributes.get("class") or "").split()}
    assert {"change", "told", "band", "reference", "before", "after"} <= classes


def test_a_change_is_shown_closely_where_that_is_closer_than_the_whole(profile):
    text = " ".join(Page(html(*recorded(loan_events(24_000, every_ms=600, break_at=22_000), profile))).texts)
    assert text.index("Around the change: employment_type") < text.index("Over the whole replay: employment_type")


def test_the_page_needs_nothing_else_and_runs_nothing(broken):
    text = html(*broken)
    seen = Page(text)
    tags = {tag for tag, _ in seen.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form"}
    assert not re.search(r"https?://|url\(|@import|javascript:", text)
    assert all(a["href"].startswith("#") for t, a in seen.elements if t == "a")
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)
    (policy,) = (a["content"] for t, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert len(text) < 200_000


def test_a_quiet_replay_says_so(profile):
    recorder, totals = recorded(loan_events(9_000), profile)
    text = " ".join(" ".join(Page(html(recorder, totals)).texts).split())
    assert "Nothing to report: no alert in 30 min." in text
    assert "employment_type" in text
    assert "1." not in text.split("Data quality")[0].split("no alert")[1]


def test_names_and_categories_are_texts_whatever_they_are_made_of():
    nasty = "</style><script>alert(1)</script><b onmouseover='x'>\"&amp;"

    def renamed(events: list[bytes]) -> list[bytes]:
        loaded = [json.loads(event) for event in events]
        for event in loaded:
            job = event["features"]["employment_type"]
            event["features"]["employment_type"] = None if job is None else job + nasty
            event["prediction"] = nasty if event["prediction"] == "rejected" else "approved"
        return [json.dumps(event).encode() for event in loaded]

    recorder, totals = recorded(
        renamed(loan_events(24_000, break_at=BREAK)), profile_of(renamed(loan_events(20_000, seed=1)))
    )
    seen = Page(html(recorder, totals, [nasty]))
    assert not {"script", "b"} & {tag for tag, _ in seen.elements}
    assert any(nasty in text for text in seen.texts)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30),
    st.one_of(st.none(), st.floats(-1e300, 1e300)),
)
def test_any_line_can_be_drawn(values, limit):
    starts = np.arange(len(values), dtype=np.int64) * MINUTE
    figure = figure_of(
        starts, np.array(values), length=MINUTE, reference=limit, limits=(limit, None), marks={"told": 3 * MINUTE}
    )
    if figure is None:
        assert not np.isfinite(values).any()
        return
    places = [float(number) for line in figure.lines for point in line.split() for number in point.split(",")]
    assert all(0 <= place <= 680 for place in places)
    assert len(figure.y_ticks) < 12


@pytest.mark.parametrize(
    ("start", "end", "texts"),
    [
        ("1996-05-07T00:00:00Z", "1998-12-07T00:00:00Z", ["1996-07-01", "1997-01-01", "1997-07-01", "1998-01-01"]),
        ("2026-01-20T00:00:00Z", "2026-06-10T00:00:00Z", ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]),
        ("1990-05-07T00:00:00Z", "2026-12-07T00:00:00Z", ["1991-01-01", "1998-01-01", "2005-01-01", "2012-01-01"]),
    ],
)
def test_long_spans_have_the_first_days_of_months_on_their_axis(start, end, texts):
    ticks = time_ticks(time_axis(parse_timestamp(start), parse_timestamp(end)))
    assert [tick.text for tick in ticks][:4] == texts
    assert len(ticks) <= 7


def test_the_line_of_a_window_is_of_the_windows_that_the_alert_is_about(profile):
    contrasts = default_model(profile, pane="60s").contrasts
    series = next(s for s in contrasts.series if s.name == "psi_1h" and s.feature == "income")
    reference = np.array(series.slot.spec.counts, np.int64)
    strange = np.zeros_like(reference)
    strange[0] = reference.sum()
    counts = np.array([reference] * 120 + [strange] * 60)
    starts = np.arange(180, dtype=np.int64) * MINUTE
    values = levels_of(series, contrasts, Stretch(MINUTE, starts, counts, counts.sum(axis=1))).values
    assert np.isnan(values[:59]).all()
    assert values[59:120] == pytest.approx(0, abs=1e-9)
    assert (np.diff(values[119:]) > 0).all()
