"""What moves all segments is told once, for the whole; what moves one of them further is told of that one."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from beside_whole import USUAL, alerts_of, by_minute, model, opened
from builders import MINUTE
from driftgauge.alerts.episode import Episode
from driftgauge.alerts.levels import Level
from driftgauge.alerts.move import Move
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.alerts.whole import Standing, Whole
from driftgauge.detect.history import History
from driftgauge.engine.detect import stage_of, watch_plan
from driftgauge.panes.merge import Pane
from driftgauge.panes.schedule import ALWAYS
from driftgauge.subject import Subject

BREAK, HEALED = 40, 100
SERIES = {series.key: series for series in model().contrasts.series}
MISSING, LOCATION, PSI = SERIES["job|missing|"], SERIES["income|location|"], SERIES["income|psi_1h|"]


def broken(*, where=("de", "fr", "it", "es", "pl"), missing=0.3, rejected=0.2, until=HEALED):
    return lambda name, minute: (missing, rejected) if name in where and BREAK <= minute < until else USUAL


def told(course, minutes=160, seed=1):
    return alerts_of(stage_of([model()]), by_minute(course, minutes, seed))


@pytest.mark.parametrize("missing", [0.1, 0.3, 1.0])
def test_a_fault_of_everything_is_told_once(missing):
    alerts = told(broken(missing=missing))
    [(minute, segment)] = opened(alerts)
    assert (segment, BREAK <= minute < BREAK + 3) == ("", True)
    assert {alert.labels.segment for alert in alerts} == {""}


def test_so_is_one_of_the_output_and_its_rest_in_long_windows_is_not_told_after_it():
    alerts = told(broken(missing=0.01, rejected=0.6), minutes=500)
    assert ("predicted_share", "") in {(a.labels.series, a.labels.segment) for a in alerts if a.event == "opened"}
    assert {alert.labels.segment for alert in alerts} == {""}


def test_the_wholes_alert_says_which_segments_moved_and_how_far():
    first, *_ = told(broken(missing=0.9, where=("de", "pl")))
    assert (first.event, first.labels.segment) == ("opened", "")
    shown = {move.segment: (move.from_, move.to) for move in first.detail.segments}
    assert set(shown) == {"de", "pl"}
    assert all(before < 0.05 and after > 0.5 for before, after in shown.values())
    assert "Segments that moved with it: " in first.annotations.description
    # The furthest first.
    moves = [move.to - move.from_ for move in first.detail.segments]
    assert moves == sorted(moves, reverse=True)
    assert json.loads(first.to_json())["detail"]["segments"][0].keys() == {"segment", "from", "to"}


@pytest.mark.parametrize(("where", "missing"), [("de", 0.5), ("pl", 0.5), ("de", 0.06), ("fr", 0.1)])
def test_a_segment_that_the_wholes_shift_is_of_is_told_however_large_it_is(where, missing):
    alerts = told(broken(missing=missing, where=(where,)))
    assert {segment for _, segment in opened(alerts)} == {"", where}


def test_a_segment_that_moves_further_than_the_others_is_told_beside_the_whole():
    def course(name, minute):
        return (0.6 if name == "es" else 0.15, 0.2) if BREAK <= minute < HEALED else USUAL

    assert {segment for _, segment in opened(told(course))} == {"", "es"}


def test_one_that_breaks_later_while_the_wholes_alert_is_open_is_told_then():
    def course(name, minute):
        if name == "es" and 70 <= minute < HEALED:
            return 0.9, 0.2
        return (0.2, 0.2) if BREAK <= minute < HEALED else USUAL

    (_, whole), (minute, segment) = opened(told(course))
    assert (whole, segment) == ("", "es")
    assert 70 <= minute < 85


def test_what_goes_on_in_one_segment_after_the_rest_has_healed_is_told_then():
    def course(name, minute):
        return (0.3, 0.2) if BREAK <= minute < (300 if name == "pl" else HEALED) else USUAL

    (_, whole), (minute, segment) = opened(told(course, minutes=300))
    assert (whole, segment) == ("", "pl")
    assert HEALED <= minute < HEALED + 20


def test_a_segment_that_is_found_before_the_whole_waits_for_it_a_few_panes_and_no_longer():
    """Here the whole has no detectors: a segment is told five of its panes after it was found there first."""
    alerts = told(broken(missing=0.01, rejected=0.6), minutes=60)
    assert [(minute, segment) for minute, segment in opened(alerts, "predicted_share")] == [(BREAK + 1, "")]
    watched, says = model(), by_minute(broken(missing=0.01, rejected=0.6), 60)
    deaf = replace(watched, settings=replace(watched.settings, detectors={}))
    alone = [a for a in alerts_of(stage_of([deaf]), says) if a.event == "opened"]
    assert {a.labels.segment for a in alone} == {"de", "fr", "it", "es", "pl"}
    assert min(a.startsAt for a in alone) == "2026-03-15T00:47:00Z"


def test_a_whole_that_moves_the_other_way_tells_nothing():
    history = History(keep=60, window=60, series=1, cells=1)
    starts, n = MINUTE * np.arange(20), np.full((20, 1), 1000)
    values = np.where(starts < 10 * MINUTE, 0.5, 0.8)[:, np.newaxis]
    history.extend(starts, values, values, n, n)
    series = replace(LOCATION, index=0)
    episode = Episode("firing", 0, 10 * MINUTE, 0.5, 1000, {})
    whole = Whole(
        {series.key: series}, history, [Standing(ALWAYS, {}, {}), Standing(12 * MINUTE, {series.key: episode}, {})]
    )
    up, down = (Move(series, 0.5, Level(level, 500, 5), 15 * MINUTE, 0.0) for level in (0.8, 0.2))
    assert whole.tells([up], 19 * MINUTE)
    assert not whole.tells([down], 19 * MINUTE)
    assert not whole.tells([up], 11 * MINUTE)
    assert [whole.is_firing(series.key, minute * MINUTE) for minute in (11, 12, 19)] == [False, True, True]
    assert whole.moves_too(up, 19 * MINUTE, 10 * MINUTE)
    assert not whole.moves_too(down, 19 * MINUTE, 10 * MINUTE)
    assert not whole.moves_too(replace(up, since=5 * MINUTE), 8 * MINUTE, 5 * MINUTE)
    assert not whole.moves_too(replace(up, series=MISSING), 19 * MINUTE, 10 * MINUTE)


@pytest.mark.parametrize(("part", "further", "expected"), [(0.05, 1.3, True), (0.05, 2.0, False), (0.8, 2.0, False)])
def test_a_segments_own_part_of_the_whole_is_taken_into_account(part, further, expected):
    """It moves so many times as far as the rest of the model; a large one makes up most of the whole's own move."""
    history = History(keep=60, window=60, series=1, cells=1)
    moved = 0.1 * (part * further + (1 - part))
    values, n = np.full((5, 1), 0.5 + moved), np.full((5, 1), 20_000)
    history.extend(MINUTE * np.arange(5), values, values, n, n)
    series = replace(LOCATION, index=0)
    standing = Standing(ALWAYS, {series.key: Episode("firing", 0, 0, 0.5, 1000, {})}, {})
    move = Move(series, 0.5, Level(0.5 + 0.1 * further, int(100_000 * part), 5), 0, 0.0)
    assert Whole({series.key: series}, history, [standing]).tells([move], 4 * MINUTE) is expected


def test_what_the_whole_tells_of_a_segment_is_no_day_to_learn_its_baseline_from():
    stage = stage_of([model()])
    alerts_of(stage, by_minute(broken(), 80))
    watch = stage._watches[model().subject._replace(segment="de")]
    assert [alerted.series.key for alerted in watch.lifecycle.alerted(0)] == ["job|missing|"]
    assert [episode.phase for episode in watch.lifecycle.episodes.values()] == ["covered"]
    noted = []
    watch.detection.baseline.note = noted.append
    said = by_minute(broken(), 160)[80:]
    stage.process([message for minute in said for message in minute])
    assert [alerted.series.key for alerted in noted] == ["job|missing|"]
    assert not watch.lifecycle.episodes


def test_panes_of_a_segment_without_any_of_the_whole_are_judged_by_themselves():
    of_pl = [
        [m for m in minute if not hasattr(m, "subject") or m.subject.segment == "pl"]
        for minute in by_minute(broken(), 80)
    ]
    alerts = alerts_of(stage_of([model()]), of_pl)
    assert {segment for _, segment in opened(alerts)} == {"pl"}


@pytest.mark.parametrize(
    ("series", "level", "before", "n", "expected"),
    [
        (MISSING, 0.1, 0.01, 100, True),
        (MISSING, 0.03, 0.01, 100, False),
        (MISSING, math.nan, 0.01, 0, False),
        (LOCATION, 0.5 + 0.15, 0.5, 100, True),
        (LOCATION, 0.5 - 0.15, 0.5, 100, True),
        (LOCATION, 0.5 - 0.15, 0.5, 20, False),
        (PSI, 0.36, 0.0, 100, True),
        (PSI, 0.04, 0.0, 100, False),
    ],
)
def test_a_move_is_sure_beyond_three_standard_errors(series, level, before, n, expected):
    assert Move(series, before, Level(level, n, 1), 0, 0.0).is_sure is expected


def test_wander_puts_a_move_in_doubt():
    assert Move(LOCATION, 0.5, Level(0.65, 100, 1), 0, 0.0).is_sure
    assert not Move(LOCATION, 0.5, Level(0.65, 100, 1), 0, 0.04).is_sure


def test_a_series_that_a_segment_does_not_have_moves_nowhere():
    watch = SubjectWatch(watch_plan(model().segments[0]))
    layout = model().layout
    watch.advance(
        [Pane(Subject("loans", "1", "de"), layout.profile_hash, 0, MINUTE, np.ones(layout.size, np.int64), 9, {})]
    )
    assert watch.lifecycle.moved(watch.detection.history, "nothing|share|else", 0) is None
