"""Whatever is saved when, and whichever checkpoint comes to nothing: what is stored is the state as it is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.runtime.owned import Owned
from driftgauge.state.base import Claim
from live import loan_events, profile_of

SETTINGS = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
A, B = Source("story", 0), Source("story", 1)


@pytest.fixture(scope="module")
def told():
    """A model, and the messages of two sources of it in the order of a log: 40 minutes, in the last of them a fault."""
    model = model_of(profile_of(loan_events(8_000, seed=1)), SETTINGS, pane_length=60_000, budget=1.0)
    events = loan_events(12_000, break_at=9_000)

    def source(which: Source, part: list[bytes]) -> ReplaySource:
        batches = [
            RecordBatch(which, range(at, at + len(some)), [0] * len(some), some)
            for at in range(0, len(part), 100)
            for some in [part[at : at + 100]]
        ]
        return ReplaySource(ingest_of([model], which, decoder_of([model], None)), batches)

    messages = []
    sources = [source(A, events[::2]), source(B, events[1::2])]
    for _ in replay(sources, stage_of([model]), ReplayTotals(), on_messages=messages.extend):
        pass
    return model, messages


@given(st.lists(st.tuples(st.integers(1, 25), st.booleans()), min_size=1, max_size=25))
def test_what_is_stored_is_the_state_as_it_is_whichever_checkpoints_came_to_nothing(told, turns):
    model, messages = told
    stage, at, stored = stage_of([model]), 0, {}
    task = SimpleNamespace(position=0, changes=stage.changes)
    owned = Owned.of(task, Claim(A, "token", 0, "", False), {}, -1)
    for size, confirmed in [*turns, (25, True)]:
        stage.process(messages[at : at + size])
        at += size
        task.position = at
        owned.collect()
        if confirmed:
            stored |= owned.changed
            stored = {name: data for name, data in stored.items() if name not in owned.deleted}
            owned.settle(at)
    fresh = stage_of([model])
    fresh.restore(stored)
    # Rows of the past are told once, so the other stage tells none any more; the rest is all there is.
    now, then = (part.changes()[0] for part in (stage, fresh))
    assert {name: data for name, data in now.items() if "row/" not in name and "counts/" not in name} == {
        name: data for name, data in then.items() if "row/" not in name and "counts/" not in name
    }
    assert [str(r) for r in stage.process(messages[at:])] == [str(r) for r in fresh.process(messages[at:])]
