"""Laws of a segment's alerts beside the whole's: blocks, interleaving and restarts change no byte of any alert."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beside_whole import SOURCES, USUAL, by_minute, model, opened
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.alerts.stage import DetectStage
from driftgauge.engine.detect import stage_of
from driftgauge.engine.publish import renderer_of
from driftgauge.errors import StateError
from driftgauge.panes.messages import Sources

RENDER = renderer_of([model()], Run(mode="backtest", run_id="law"))
MINUTES = 240


def course(name: str, minute: int) -> tuple[float, float]:
    """pl breaks alone, then all do; es goes further and stays; the output moves with all of them."""
    if 20 <= minute < 30:
        return (0.9, 0.2) if name == "pl" else USUAL
    if 80 <= minute < 120:
        return (0.8, 0.7) if name == "es" else (0.25, 0.6)
    return (0.5, 0.2) if name == "es" and 120 <= minute < 200 else USUAL


SAID = by_minute(course, MINUTES)


def shown(raised) -> list[AlertEvent]:
    return [RENDER(one) for one in raised]


def straight() -> list[AlertEvent]:
    stage = stage_of([model()])
    return shown(stage.process([Sources(SOURCES), *(message for minute in SAID for message in minute)]))


WHOLE = straight()


def test_the_course_has_alerts_that_are_told_covered_and_told_late() -> None:
    assert [segment for _, segment in opened(WHOLE)] == ["pl", "", "", "es"]
    assert {segment for _, segment in opened(WHOLE, "predicted_share")} == {""}
    assert {move.segment for alert in WHOLE for move in alert.detail.segments} == {"de", "fr", "it", "es", "pl"}


@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([1, 7, 60]))
@settings(max_examples=6)
def test_blocks_interleaving_and_restarts_change_no_byte(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    logs = [[[m for m in minute if m.source == source] for minute in SAID] for source in SOURCES]
    places, fields = [0, 0], {}
    stage = stage_of([model()])
    found = shown(stage.process([Sources(SOURCES)]))
    while any(place < MINUTES for place in places):
        which = int(rng.integers(2))
        if places[which] - places[1 - which] > 30 or places[which] >= MINUTES:
            which = 1 - which
        step = int(rng.integers(1, most + 1))
        found += shown(stage.process([m for part in logs[which][places[which] : places[which] + step] for m in part]))
        places[which] += step
        if rng.random() < 0.1:
            stage, fields = restarted(stage, fields)
    assert [alert.to_json() for alert in found] == [alert.to_json() for alert in WHOLE]


def restarted(stage: DetectStage, fields: dict[str, bytes]) -> tuple[DetectStage, dict[str, bytes]]:
    fresh, gone = stage.changes()
    kept = {n: d for n, d in fields.items() if not n.startswith("open/") and n not in gone}
    again = stage_of([model()])
    assert again.restore(kept | fresh) == []
    return again, kept | fresh


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    """While segments are covered."""
    stage = stage_of([model()])
    stage.process([Sources(SOURCES), *(message for minute in SAID[:110] for message in minute)])
    fields, _ = stage.changes()
    assert any(b"covered" in data for data in fields.values())
    return fields


@given(data=st.data())
@settings(max_examples=40)
def test_damaged_episodes_are_refused_or_harmless(stored: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in stored if n.endswith("episodes"))))
    raw = bytearray(stored[name])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    stage = stage_of([model()])
    try:
        stage.restore({**stored, name: bytes(raw)})
    except StateError:
        return
    stage.process([message for minute in SAID[110:150] for message in minute])
