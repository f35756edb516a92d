"""However the sources are shared out, and the models among judges: the turns and what is raised are those of one."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import MINUTE, small_profile
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.panes.messages import PartialPane, Sources
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.span import ALL, Span
from driftgauge.replay.turn import Order, ReplaySource, take_turns
from driftgauge.replay.turn_codec import record_of, turn_of

START = 1_767_225_600_000
SETTINGS = EngineSettings.of(
    PanesConfig(out_of_orderness="5s"), AlertsConfig(resolve_after_panes=3), LimitsConfig(), {}
)
MODEL = model_of(small_profile("7"), SETTINGS, pane_length=MINUTE, budget=1.0)
MODELS = [MODEL]
LAYOUTS = {MODEL.layout.profile_hash: MODEL.layout}
# Ours, a version of it without a profile, and strangers.
WHO = [
    {"model_id": "loan-approval", "model_version": "7", "features": {"income": 1.0, "job": "a"}},
    {"model_id": "loan-approval", "model_version": "8"},
    {"model_id": "a-stranger"},
    {"model_id": "z-stranger"},
    {"no": "event"},
]

# (seconds since the event before, whose) of each event of a source.
EVENTS = st.lists(st.tuples(st.integers(-30, 400), st.sampled_from(range(len(WHO)))), max_size=40)


def sources_of(logs, size: int) -> dict[int, ReplaySource]:
    out = {}
    for number, log in enumerate(logs):
        source, time, values = Source("in", number), START, []
        for after, who in log:
            time += after * 1000
            values.append(json.dumps({**WHO[who], "timestamp": time}).encode())
        batches = [
            RecordBatch(source, range(i, i + len(part)), [START] * len(part), part)
            for i in range(0, len(values), size)
            for part in [values[i : i + size]]
        ]
        out[number] = ReplaySource(ingest_of(MODELS, source, decoder_of(MODELS, None)), batches, number != 1)
    return out


def told(turns):
    return [record_of(turn, LAYOUTS) for turn in turns]


@given(st.lists(EVENTS, min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 4), st.integers(0, 120))
def test_the_turns_of_shares_merge_to_those_of_all(logs, size, shares, minutes):
    span = Span(end=START + minutes * MINUTE) if minutes else ALL
    whole = told(take_turns(sources_of(logs, size), span))
    readers = []
    for share in range(shares):
        ours = {n: source for n, source in sources_of(logs, size).items() if n % shares == share}
        readers.append(take_turns(ours, span))
    order = Order({n: source.ingest.watermark for n, source in sources_of(logs, size).items()})
    merged = []
    for number in order:
        turn = next(readers[number % shares])
        merged.append(record_of(turn, LAYOUTS))
        order.took(turn_of(merged[-1], LAYOUTS))
    assert merged == whole
    assert [next(reader, None) for reader in readers] == [None] * shares


# The last event of one comes when the other's silence ends, and only the end of the file passes both.
@example([[(0, 2), (1, 3), (239, 3)]], 9)
@given(st.lists(EVENTS, min_size=1, max_size=3), st.integers(1, 9))
def test_what_is_raised_is_the_same_whichever_models_share_a_stage(logs, size):
    sources = sources_of(logs, size)
    announced = Sources(tuple(s.ingest.source for s in sources.values() if s.gating))
    steps = [[announced], *(turn.messages for turn in take_turns(sources, ALL))]
    whole = stage_of(MODELS)
    apart = {name: stage_of(MODELS) for name in sorted({who["model_id"] for who in WHO[:-1]})}
    for messages in steps:
        raised = []
        for name, stage in apart.items():
            own = [m for m in messages if not isinstance(m, PartialPane) or m.subject.model_id == name]
            raised += stage.process(own)
        raised.sort(key=lambda one: (one.transition.at, one.subject))
        assert [str(one) for one in raised] == [str(one) for one in whole.process(messages)]
    assert whole.panes_closed == sum(stage.panes_closed for stage in apart.values())


def test_what_a_share_counts_knows_its_number():
    turns = list(take_turns({3: sources_of([[], [], [], [(0, 0)]], 1)[3]}, ALL))
    assert [(turn.number, turn.records, turn.last) for turn in turns] == [(3, 1, False), (3, 0, True)]


def test_turns_of_another_profile_are_refused():
    turn = next(take_turns(sources_of([[(0, 0), (400, 0)]], 5), ALL))
    assert any(isinstance(message, PartialPane) for message in turn.messages)
    with pytest.raises(Exception, match="isn't configured"):
        turn_of(record_of(turn, LAYOUTS), {})
