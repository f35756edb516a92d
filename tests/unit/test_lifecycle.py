"""The life of an episode: opened, escalated, repeated, resolved; candidates confirmed by effect or forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import MINUTE, SOURCE, SUBJECT, small_profile
from driftgauge.alerts.lifecycle import Lifecycle, LifecycleSettings
from driftgauge.detect.subject import SubjectDetection
from driftgauge.detect.types import Detection
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.windows import HOUR

LAYOUT = Layout.of(small_profile())
CONTRASTS = contrasts_of(LAYOUT, MINUTE)
SERIES = {series.key: series for series in CONTRASTS.series}
MISSING, LOCATION = "job|missing|", "income|location|"
DAY_ALONE = "income|psi_1d_baseline|"
SETTINGS = LifecycleSettings(confirm_panes=6, horizon_panes=20, resolve_panes=5, repeat_interval=60 * MINUTE)


class Scripted:
    """A detector that alarms where the script says: {(minute, series key): confirmed}.

    Confirmed as "off" is an alarm of a detector that knows the reference level, and no onset.
    """

    name = "scripted"

    def __init__(self, script):
        self.script = script

    def update(self, block):
        found = []
        for row, start in enumerate(block.starts.tolist()):
            for (minute, key), confirmed in self.script.items():
                if minute * MINUTE == start:
                    onset = start if confirmed is True else None
                    found.append(Detection(SERIES[key].index, row, self.name, 9.0, 3.0, "up", bool(confirmed), onset))
        return found

    def rebase(self, series):
        pass

    def snapshot(self):
        return b""

    def restore(self, state):
        pass


def pane(minute, job_missing=0.0, income_bin=None, n=100):
    counts = np.zeros(LAYOUT.size, np.int64)
    income, job, label = LAYOUT.slots
    missing = round(job_missing * n)
    counts[job.cell("missing")], counts[job.start] = missing, n - missing
    if income_bin is None:
        counts[income.start : income.start + 4] = n // 4
    else:
        counts[income.start + income_bin] = n
    counts[label.start] = n
    return Pane(SUBJECT, LAYOUT.profile_hash, minute * MINUTE, MINUTE, counts, n, {SOURCE: (minute, minute)})


def live(script, panes, block=1, settings=SETTINGS, restart_at=None):
    """Transitions of the panes, fed in blocks; optionally through a snapshot and restore before one block."""
    detection = SubjectDetection(CONTRASTS, MINUTE, [Scripted(script)], ring_panes=60)
    lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "sha256:analysis", settings)
    out, fields = [], {}
    for i in range(0, len(panes), block):
        if restart_at == i:
            fresh, gone = detection.changes()
            fields = {name: data for name, data in (fields | fresh).items() if name not in gone}
            episodes = lifecycle.snapshot()
            detection = SubjectDetection(CONTRASTS, MINUTE, [Scripted(script)], ring_panes=60)
            detection.restore(fields)
            lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "sha256:analysis", settings)
            lifecycle.restore(episodes)
        findings = detection.advance(panes[i : i + block])
        out += lifecycle.step(detection.history, findings)
    return out


def told(transitions):
    return [(t.event, t.severity, t.at // MINUTE - 1) for t in transitions]


NULL_STORM = (
    [pane(m, 0.01) for m in range(10)]
    + [pane(m, 0.1) for m in range(10, 15)]
    + [pane(m, 0.9) for m in range(15, 25)]
    + [pane(m, 0.01) for m in range(25, 40)]
)
STORM_SCRIPT = {(m, MISSING): True for m in range(10, 25)}


def test_a_storm_opens_once_escalates_once_and_resolves_once():
    transitions = live(STORM_SCRIPT, NULL_STORM)
    assert told(transitions) == [
        ("opened", "warning", 10),
        ("resolved", "warning", 15),
        ("escalated", "critical", 15),
        ("resolved", "critical", 29),
    ]
    opened, gone, escalated, resolved = transitions
    assert [t.ordinal for t in transitions] == [0, 1, 2, 3]
    assert {t.opened_pane_end for t in transitions} == {11 * MINUTE}
    assert (gone.superseded_by, escalated.superseded_by) == ("critical", None)
    assert opened.evidence.onset == 10 * MINUTE
    assert opened.evidence.before == pytest.approx(0.01)
    assert opened.evidence.after == pytest.approx(0.1)
    assert resolved.evidence.after == pytest.approx(0.01)
    assert opened.offsets == {"ml.predictions:0": (10, 10)}
    assert opened.evidence.n_before == 1000


def test_blocks_and_restarts_change_no_transition():
    whole = told(live(STORM_SCRIPT, NULL_STORM))
    for block in (2, 7, 40):
        assert told(live(STORM_SCRIPT, NULL_STORM, block=block)) == whole
    for at in (5, 11, 17, 30):
        assert told(live(STORM_SCRIPT, NULL_STORM, restart_at=at)) == whole


def test_a_candidate_is_confirmed_by_a_large_effect_soon_and_dated_to_the_change():
    panes = [pane(m) for m in range(20)] + [pane(m, income_bin=3) for m in range(20, 30)]
    transitions = live({(21, LOCATION): False}, panes)
    assert told(transitions) == [("opened", "critical", 22)]
    assert transitions[0].evidence.onset == 20 * MINUTE
    assert transitions[0].evidence.direction == "up"
    assert transitions[0].evidence.effect_sd > 1


def test_a_candidate_without_effect_is_forgotten_after_the_horizon():
    panes = [pane(m) for m in range(60)]
    assert live({(21, LOCATION): False}, panes) == []
    detection = SubjectDetection(CONTRASTS, MINUTE, [Scripted({(21, LOCATION): False})], ring_panes=60)
    lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "a", SETTINGS)
    seen = []
    for p in panes:
        lifecycle.step(detection.history, detection.advance([p]))
        seen.append(bool(lifecycle.episodes))
    assert seen.index(True) == 21
    assert sum(seen) == SETTINGS.horizon_panes


def test_a_lasting_problem_is_repeated_by_event_time():
    panes = [pane(m) for m in range(10)] + [pane(m, 0.1) for m in range(10, 140)]
    assert told(live({(10, MISSING): True}, panes)) == [
        ("opened", "warning", 10),
        ("repeat", "warning", 70),
        ("repeat", "warning", 130),
    ]


def test_a_series_without_events_is_not_resolved():
    panes = [pane(m) for m in range(10)] + [pane(m, income_bin=3) for m in range(10, 15)]
    panes += [_only_label(m) for m in range(15, 40)]
    transitions = live({(11, LOCATION): False}, panes)
    assert [t.event for t in transitions] == ["opened"]


def _only_label(minute):
    counts = np.zeros(LAYOUT.size, np.int64)
    counts[LAYOUT.slots[2].start] = 100
    return Pane(SUBJECT, LAYOUT.profile_hash, minute * MINUTE, MINUTE, counts, 100, {SOURCE: (minute, minute)})


def test_foreign_episode_bytes_are_refused():
    lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "a", SETTINGS)
    with pytest.raises(StateError):
        lifecycle.restore(b"\x93\x01")


def sparse(minute, missing):
    """A pane of one event."""
    return pane(minute, 1.0 if missing else 0.0, n=1)


def test_a_few_calm_events_do_not_end_an_alert_that_rests_on_few():
    fault = [m % 10 == 0 for m in range(60)]  # One event in ten is NULL, and a pane holds one event.
    panes = [sparse(m, False) for m in range(40)] + [sparse(40 + i, hit) for i, hit in enumerate(fault)]
    assert [t.event for t in live({(41, MISSING): True}, panes)] == ["opened"]


def test_such_an_alert_ends_once_enough_calm_events_have_come():
    panes = [sparse(m, False) for m in range(40)] + [sparse(m, m % 2 == 0) for m in range(40, 50)]
    panes += [sparse(m, False) for m in range(50, 120)]
    transitions = live({(41, MISSING): True}, panes)
    assert [t.event for t in transitions if t.superseded_by is None][-1] == "resolved"
    last = transitions[-1]
    assert last.at // MINUTE - 50 >= 16


def test_what_an_earlier_episode_left_behind_is_not_the_level_before_the_next():
    panes = [*NULL_STORM, *(pane(m, 0.3) for m in range(40, 50))]
    later = live(STORM_SCRIPT | {(m, MISSING): True for m in range(40, 50)}, panes)[4]
    assert (later.event, later.evidence.onset) == ("opened", 40 * MINUTE)
    assert later.evidence.before == pytest.approx(0.01)


def test_a_series_off_its_reference_from_the_first_pane_is_one_alert_until_it_is_back():
    """Nothing changes, so it is always where it was; but that is not where the reference has it."""
    script = {(minute, LOCATION): "off" for minute in range(4, 40)}
    panes = [pane(i, income_bin=3) for i in range(40)] + [pane(i) for i in range(40, 60)]
    opened, resolved = live(script, panes)
    assert (opened.event, resolved.event) == ("opened", "resolved")
    assert opened.evidence.onset == 0
    assert opened.evidence.before == SERIES[LOCATION].reference
    assert opened.evidence.after == pytest.approx(0.875, abs=0.01)
    assert resolved.at == (40 + SETTINGS.resolve_panes) * MINUTE


class DayScript(Scripted):
    """Hourly looks at a day against production's own: `values` by hour; where they are above .05 it alarms."""

    def __init__(self, values, script):
        super().__init__(script)
        self.values = values

    def update(self, block):
        index, found = SERIES[DAY_ALONE].index, super().update(block)
        for row, start in enumerate(block.starts.tolist()):
            block.values[row, index], block.n[row, index] = self.values[start // HOUR], 1000
            if block.values[row, index] > 0.05:
                found.append(Detection(index, row, self.name, 0.2, 0.05, "up", confirmed=False, window=24 * HOUR))
        return found


def hourly(values, script=None):
    """What is opened, and at which hour, where production has told enough to compare days with."""
    series = [replace(s, reference_n=1000) if s.key == DAY_ALONE else s for s in CONTRASTS.series]
    detection = SubjectDetection(CONTRASTS, MINUTE, [DayScript(values, script or {})], ring_panes=60)
    lifecycle, out = Lifecycle(series, MINUTE, "sha256:analysis", SETTINGS), []
    for hour in range(len(values)):
        findings = detection.advance([pane(60 * hour)])
        out += lifecycle.step(detection.history, findings)
    return [(t.series.key, t.at // HOUR) for t in out if t.event == "opened"]


def test_a_day_unlike_productions_own_is_told_once_it_has_been_so_for_a_day():
    assert hourly([0.01] * 5 + [0.2] * 30) == [(DAY_ALONE, 5 + 24)]
    assert hourly([0.01] * 5 + [0.2] * 24 + [0.04]) == []
    assert hourly([0.01] * 5 + [0.2] * 20 + [np.nan] + [0.2] * 24) == []
    assert hourly([0.01] * 5 + [0.2] * 20 + [0.04] + [0.2] * 30) == [(DAY_ALONE, 26 + 24)]


@pytest.mark.parametrize("other", ["income|psi_1d|", "income|psi_1h|", LOCATION])
def test_of_another_alert_on_the_fields_distribution_that_day_is_silent(other):
    """Also where both would open at the same pane; and what lasted until then begins anew after it."""
    values = [0.01] * 5 + [0.2] * 40
    assert hourly(values, {(60 * 29, other): "off"}) == [(other, 29)]
    assert hourly(values, {(60 * 20, other): "off"}) == [(other, 20)]
    assert hourly(values, {(60 * 35, other): "off"}) == [(DAY_ALONE, 29), (other, 35)]


def test_an_alert_on_a_rate_or_another_field_is_another_matter():
    assert hourly([0.01] * 5 + [0.2] * 26, {(60 * 20, "income|missing|"): "off", (60 * 21, MISSING): "off"}) == [
        ("income|missing|", 20),
        (MISSING, 21),
        (DAY_ALONE, 29),
    ]


def test_a_series_found_off_its_reference_is_dated_to_its_change():
    script = {(minute, LOCATION): "off" for minute in range(13, 30)}
    [opened] = live(script, [pane(i, income_bin=None if i < 12 else 3) for i in range(30)])
    assert opened.evidence.onset == 12 * MINUTE
    assert opened.evidence.n_before == 12 * 100


def test_after_a_gap_a_window_is_told_by_the_panes_within_it():
    """Sixty non-empty panes are remembered; half of them lie ten hours back."""
    before, after = range(60), range(660, 690)
    panes = [pane(m, income_bin=0) for m in before] + [pane(m, income_bin=3) for m in after]
    [opened] = live({(689, "income|psi_1h|"): "off"}, panes, block=90)
    assert opened.evidence.live_counts.tolist() == [0, 0, 0, 3000, 0, 0, 0, 0]
