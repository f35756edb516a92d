"""Traffic through the detect stage: the same for any blocks, interleaving of partitions and restarts."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftgauge.alerts.event import Run
from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.engine.detect import stage_of
from driftgauge.engine.publish import renderer_of
from driftgauge.errors import StateError
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from traffic import MONDAY, counts_of, steady, traffic_model

MODEL = traffic_model("15m")
PANE = MODEL.pane_length
A, B = Source("in", 0), Source("in", 1)
RENDER = renderer_of([MODEL], Run(mode="backtest", run_id="test"))


def course() -> tuple[np.ndarray, np.ndarray]:
    """Ten days of features and predictions with a silence, a broken part, a volume, and a silence at the end."""
    n = steady(10, PANE, 300)
    n[7 * 96 + 40 : 7 * 96 + 46] = 0
    n[8 * 96 + 30 : 8 * 96 + 50] *= 4
    features = n.copy()
    features[7 * 96 + 60 : 7 * 96 + 66] = 0
    for part in (n, features):
        part[9 * 96 + 20 :] = 0
    return features, n


def log_of(source: Source, share: float) -> list[Message]:
    """What one partition publishes: its part of the events, a watermark after each pane, the empty ones too."""
    out: list[Message] = []
    for i, (f, p) in enumerate(zip(*course(), strict=True)):
        own = [round(share * int(x)) for x in (f, p)]
        own = own if source == A else [int(x) - round((1 - share) * int(x)) for x in (f, p)]
        start = MONDAY + i * PANE
        if any(own):
            counts, profile = counts_of(MODEL, *own), MODEL.layout.profile_hash
            out.append(PartialPane(MODEL.subject, profile, start, PANE, source, counts, max(own), i, i))
        out.append(Watermark(source, start + PANE, i + 1, i + 1, 0))
    return out


LOGS = (log_of(A, 0.7), log_of(B, 0.3))


def shown(raised: list[Raised]) -> list[bytes]:
    return [RENDER(one).to_json() for one in raised]


def in_turn() -> list[Message]:
    return [message for pair in zip(*map(by_pane, LOGS), strict=True) for part in pair for message in part]


def by_pane(log: list[Message]) -> list[list[Message]]:
    out: list[list[Message]] = [[]]
    for message in log:
        out[-1].append(message)
        if isinstance(message, Watermark):
            out.append([])
    return out[:-1]


def whole() -> list[bytes]:
    return shown(stage_of([MODEL]).process([Sources((A, B)), *in_turn()]))


WHOLE = whole()


def test_the_course_holds_every_kind_of_alert():
    stage = stage_of([MODEL])
    events = [RENDER(one) for one in stage.process([Sources((A, B)), *in_turn()])]
    assert [(e.event, e.labels.series) for e in events] == [
        ("opened", "staleness"),
        ("resolved", "staleness"),
        ("opened", "staleness_features"),
        ("resolved", "staleness_features"),
        ("opened", "volume"),
        ("resolved", "volume"),
        ("opened", "staleness"),
    ]
    assert [e.updatedAt for e in events] == sorted(e.updatedAt for e in events)


def test_the_end_of_a_file_tells_of_no_silence_but_a_later_row_does() -> None:
    stage, until = stage_of([MODEL]), 7 * 96 + 30
    first = [message for pane in by_pane(LOGS[0])[:until] for message in pane]
    quiet = [Watermark(B, MONDAY + i * PANE, 0, 0, 0) for i in range(8 * 96)]
    assert shown(stage.process([Sources((A, B)), *first])) == []
    assert shown(stage.process([Watermark(A, END_OF_TIME, until, until, 0)])) == []
    assert shown(stage.process(quiet)) == []
    counts, start = counts_of(MODEL, 300, 300), MONDAY + 8 * 96 * PANE
    row = PartialPane(MODEL.subject, MODEL.layout.profile_hash, start, PANE, B, counts, 300, 0, 0)
    events = [RENDER(one) for one in stage.process([row, Watermark(B, start + PANE, 1, 1, 0)])]
    assert [(e.event, e.labels.series) for e in events] == [("opened", "staleness"), ("resolved", "staleness")]
    assert events[0].updatedAt == "2026-01-12T08:00:00Z"


def ended(source: Source, panes: int) -> list[list[Message]]:
    """What a partition publishes by pane, up to so many, and its end."""
    return [*by_pane(LOGS[source.partition])[:panes], [Watermark(source, END_OF_TIME, panes, panes, 0)]]


# Both with the log, one a while before the other, both in a silence.
@pytest.mark.parametrize("ends", [(960, 960), (900, 960), (9 * 96 + 40, 9 * 96 + 30)])
def test_it_makes_no_difference_when_a_partition_is_known_to_have_ended(ends: tuple[int, int]) -> None:
    logs = [ended(source, panes) for source, panes in zip((A, B), ends, strict=True)]
    # As a replay in one process reads them: whoever is behind, and so an end once the others have come there.
    places, stage, whole = [0, 0], stage_of([MODEL]), []
    stage.process([Sources((A, B))])
    while any(place < len(log) for place, log in zip(places, logs, strict=True)):
        which = min((0, 1), key=lambda i: places[i] if places[i] < len(logs[i]) else 1_000)
        whole += shown(stage.process(logs[which][places[which]]))
        places[which] += 1
    assert ends != (960, 960) or whole == WHOLE
    # As fast readers do: all of one, then all of the other.
    for order in (logs, logs[::-1]):
        stage, found = stage_of([MODEL]), []
        stage.process([Sources((A, B))])
        for log in order:
            found += shown(stage.process(m for part in log for m in part))
            stage, _ = restarted(stage, {})
        assert found == whole


@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([3, 40, 300]))
@settings(max_examples=8)
def test_blocks_interleaving_and_restarts_change_no_byte(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    places, logs = [0, 0], [by_pane(log) for log in LOGS]
    stage, found, fields = stage_of([MODEL]), [], {}
    found += shown(stage.process([Sources((A, B))]))
    while any(place < len(log) for place, log in zip(places, logs, strict=True)):
        which = int(rng.integers(2))
        # One partition may run ahead of the other, by up to three days.
        if places[which] - places[1 - which] > 288 or places[which] >= len(logs[which]):
            which = 1 - which
        step = int(rng.integers(1, most + 1))
        messages = [m for part in logs[which][places[which] : places[which] + step] for m in part]
        places[which] += step
        found += shown(stage.process(messages))
        if rng.random() < 0.2:
            stage, fields = restarted(stage, fields)
    assert found == WHOLE


def restarted(stage: DetectStage, fields: dict[str, bytes]) -> tuple[DetectStage, dict[str, bytes]]:
    fresh, gone = stage.changes()
    kept = {n: d for n, d in fields.items() if not n.startswith("open/") and n not in gone}
    fields = kept | fresh
    again = stage_of([MODEL])
    assert again.restore(fields) == []
    return again, fields


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    stage = stage_of([MODEL])
    stage.process([Sources((A, B)), *in_turn()])
    return stage.changes()[0]


def test_a_state_of_before_sources_came_to_an_end_is_taken(stored: dict[str, bytes]) -> None:
    *before, ended = msgspec.msgpack.decode(stored["merge"])
    before[0] = 2
    stage = stage_of([MODEL])
    stage.restore(stored | {"merge": msgspec.msgpack.encode(before)})
    assert ended == []
    assert stage.changes()[0]["merge"] == stored["merge"]


def test_what_is_stored_of_traffic_is_deleted_once_it_is_switched_off(stored: dict[str, bytes]) -> None:
    off = stage_of([replace(MODEL, settings=replace(MODEL.settings, traffic=None))])
    off.restore(stored)
    assert set(off.changes()[1]) == {name for name in stored if "traffic" in name}


@given(data=st.data())
@settings(max_examples=150)
def test_damaged_state_is_refused_or_harmless(stored: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in stored if "traffic" in n)))
    raw = bytearray(stored[name])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    stage = stage_of([MODEL])
    try:
        stage.restore({**stored, name: bytes(raw)})
    except StateError:
        return
    end = MONDAY + 10 * 86_400_000
    later = [
        PartialPane(
            MODEL.subject, MODEL.layout.profile_hash, end + i * PANE, PANE, A, counts_of(MODEL, 300, 300), 300, i, i
        )
        for i in range(0, 400, 3)
    ]
    marks = [Watermark(source, end + 400 * PANE, 9999, 9999, 0) for source in (A, B)]
    shown(stage.process([*later, *marks]))
