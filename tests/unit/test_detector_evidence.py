"""What an alert says of the detectors that agreed: numbers, window, partitions; and what being told so changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from builders import MINUTE, SOURCE, SUBJECT, small_profile
from driftgauge.alerts.episode import Agreed, decode_episodes, encode_episodes
from driftgauge.alerts.event import Publishing, Run
from driftgauge.alerts.lifecycle import Lifecycle, LifecycleSettings
from driftgauge.alerts.series_event import render_series
from driftgauge.detect.subject import SubjectDetection
from driftgauge.detect.types import Detection
from driftgauge.panes.merge import Pane
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout

LAYOUT = Layout.of(small_profile())
CONTRASTS = contrasts_of(LAYOUT, MINUTE)
SERIES = {series.key: series for series in CONTRASTS.series}
MISSING, LOCATION = "job|missing|", "income|location|"
SETTINGS = LifecycleSettings(confirm_panes=6, horizon_panes=20, resolve_panes=5, repeat_interval=60 * MINUTE)


class Scripted:
    """Yields its part of the detections given by minute."""

    def __init__(self, name: str, script: dict[int, list[Detection]]) -> None:
        self.name = name
        self.script = {m: [d for d in detections if d.detector == name] for m, detections in script.items()}

    def update(self, block):
        minutes = (block.starts // MINUTE).tolist()
        return [
            Detection(**{**_values(d), "pane": row}) for row, m in enumerate(minutes) for d in self.script.get(m, [])
        ]

    def rebase(self, series):
        pass


def _values(detection: Detection) -> dict[str, Any]:
    return {name: getattr(detection, name) for name in Detection.__dataclass_fields__}


def found(key: str, *, confirmed: bool = True, detector: str = "scripted", **changes: Any) -> Detection:
    return Detection(SERIES[key].index, 0, detector, 9.0, 3.0, "up", confirmed, **changes)


def pane(minute: int, missing: float = 0.01, income_bin: int | None = None, n: int = 400) -> Pane:
    counts = np.zeros(LAYOUT.size, np.int64)
    income, job, label = LAYOUT.slots
    none = round(missing * n)
    counts[job.cell("missing")], counts[job.start] = none, n - none
    if income_bin is None:
        counts[income.start : income.start + 4] = n // 4
    else:
        counts[income.start + income_bin] = n
    counts[label.start] = n
    return Pane(SUBJECT, LAYOUT.profile_hash, minute * MINUTE, MINUTE, counts, n, {SOURCE: (minute, minute)})


def scripted(script: dict[int, list[Detection]]) -> SubjectDetection:
    names = sorted({d.detector for detections in script.values() for d in detections})
    return SubjectDetection(CONTRASTS, MINUTE, [Scripted(name, script) for name in names], ring_panes=60)


def told(script: dict[int, list[Detection]], panes: list[Pane]) -> list:
    detection = scripted(script)
    lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "sha256:a", SETTINGS)
    out = []
    for one in panes:
        out += lifecycle.step(detection.history, detection.advance([one]))
        restored = Lifecycle(CONTRASTS.series, MINUTE, "sha256:a", SETTINGS)
        restored.restore(lifecycle.snapshot())
        assert restored.snapshot() == lifecycle.snapshot()
        lifecycle = restored
    return out


def test_the_first_numbers_of_a_detector_stay_and_its_partitions_add_up():
    script = {
        12: [found(LOCATION, confirmed=False, partitions=("t:2",))],
        13: [found(LOCATION, confirmed=False, partitions=("t:0", "t:1"), p_value=0.5)],
        14: [found(LOCATION, window=15 * MINUTE)],
    }
    off = [pane(m, income_bin=3) for m in range(10, 17)]
    opened, resolved = told(script, [*(pane(m) for m in range(10)), *off, *(pane(m) for m in range(17, 25))])
    for step, partitions in ((opened, ("t:2",)), (resolved, ("t:0", "t:1", "t:2"))):
        [evidence] = step.evidence.detectors
        assert (evidence.statistic, evidence.p_value, evidence.window) == (9.0, None, None)
        assert evidence.partitions == partitions


def test_the_alert_says_which_window_and_which_partitions():
    script = {
        12: [
            found(LOCATION, window=15 * MINUTE, p_value=0.001),
            found(LOCATION, detector="adwin", partitions=("t:2", "t:0"), of_own_past=True),
        ]
    }
    [opened] = told(script, [pane(m) for m in range(10)] + [pane(m, income_bin=3) for m in range(10, 14)])
    event = render_series(opened, Publishing(SUBJECT, LAYOUT.profile_hash, Run(mode="live", run_id="r")))
    assert event.model_dump(by_alias=True)["detail"]["detectors"] == [
        {"name": "adwin", "statistic": 9.0, "threshold": 3.0, "partitions": ["t:0", "t:2"]},
        {"name": "scripted", "statistic": 9.0, "threshold": 3.0, "p_value": 0.001, "window": "15m"},
    ]


@pytest.mark.parametrize("of_own_past", [True, False])
def test_an_episode_told_from_the_series_own_past_ends_where_it_was_before(*, of_own_past: bool):
    """The series has been off its reference all along: back there is not where this episode began."""
    off = [pane(m, income_bin=2) for m in range(20)] + [pane(m, income_bin=3) for m in range(20, 30)]
    back = [pane(m, income_bin=2) for m in range(30, 45)]
    events = [t.event for t in told({20: [found(LOCATION, of_own_past=of_own_past)]}, off + back)]
    assert events == (["opened", "resolved"] if of_own_past else ["opened"])


def test_a_candidate_on_a_rate_is_confirmed_by_a_rise_only():
    rises = [pane(m, 0.01) for m in range(15)] + [pane(m, 0.3) for m in range(15, 25)]
    falls = [pane(m, 0.3) for m in range(15)] + [pane(m, 0.01) for m in range(15, 25)]
    script = {16: [found(MISSING, confirmed=False)]}
    assert [t.event for t in told(script, rises)] == ["opened"]
    assert told(script, falls) == []


def test_episodes_keep_windows_and_partitions():
    lifecycle = Lifecycle(CONTRASTS.series, MINUTE, "a", SETTINGS)
    detection = scripted({0: [found(LOCATION, window=7, partitions=("t:1",))]})
    lifecycle.step(detection.history, detection.advance([pane(0)]))
    stored = decode_episodes(lifecycle.snapshot())
    assert stored.running[LOCATION].detectors == {"scripted": Agreed(9.0, 3.0, None, 7, ["t:1"])}
    assert encode_episodes(stored) == lifecycle.snapshot()
