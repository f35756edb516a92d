"""Laws of detectors on events within ingest: batches, restarts and partitions change no alarm and no byte."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from detector_streams import MINUTE, profile
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import PartialPane, Sources
from event_streams import EVERY, START, A, B, batch, drawn, ingest, model

MODEL = model(limit=1, **EVERY)
LAYOUTS = {MODEL.layout.profile_hash: MODEL.layout}
law = settings(max_examples=12)
logs = st.builds(drawn, st.integers(0, 2**32), st.integers(1, 900), st.lists(st.integers(0, 900), max_size=3))
cuts = st.lists(st.integers(1, 200), max_size=8)


def panes(log, sizes, *, source=A, restart=False):
    """The pane records of a log that is cut into batches of the given sizes, as they are published."""
    reader, found, at, sizes = ingest(MODEL, source), [], 0, list(sizes)
    while at < len(log):
        size = sizes.pop(0) if sizes else len(log)
        found += reader.process(batch(log[at : at + size], at, source)).messages
        at += size
        if restart and at < len(log):
            state, reader = snapshot(reader), ingest(MODEL, source)
            restore(reader, state)
            assert snapshot(reader) == state
    state = snapshot(reader)
    return [*found, *reader.finish().messages], state


def records(found):
    return [encode_message(message, LAYOUTS) for message in found[0] if isinstance(message, PartialPane)]


@law
@given(logs, cuts)
def test_batch_sizes_change_no_byte_of_panes_and_state(log, sizes):
    whole, cut = panes(log, []), panes(log, sizes)
    assert records(whole) == records(cut)
    assert whole[1] == cut[1]


@law
@given(logs, cuts)
def test_restarts_change_no_byte_of_panes_and_state(log, sizes):
    whole, cut = panes(log, []), panes(log, sizes, restart=True)
    assert records(whole) == records(cut)
    assert whole[1] == cut[1]


def test_the_laws_hold_of_alarms_of_every_detector_and_beyond_the_limit():
    """Keeps the laws above from holding because nothing ever alarms."""
    found, _ = panes(drawn(1, 6000, [1500, 3000, 4500]), [])
    partials = [message for message in found if isinstance(message, PartialPane)]
    assert {alarm.detector for partial in partials for alarm in partial.alarms} == set(EVERY)
    assert any(partial.alarms_beyond_limit for partial in partials)


@law
@given(logs, logs, st.randoms(use_true_random=False))
def test_the_interleaving_of_partitions_changes_no_detection(first, second, chance):
    queues = [panes(first, [], source=A)[0], panes(second, [100], source=B)[0]]

    def judged(pick):
        stage, left = stage_of([MODEL]), [list(queue) for queue in queues]
        stage.process([Sources((A, B))])
        raised = []
        while any(left):
            raised += stage.process([left[pick(left)].pop(0)])
        return [(r.transition.at, r.transition.series.key, r.transition.event, r.transition.evidence.detectors)
                for r in raised]  # fmt: skip

    straight = judged(lambda left: 0 if left[0] else 1)
    assert judged(lambda left: chance.choice([i for i, queue in enumerate(left) if queue])) == straight
    assert all(at % MINUTE == 0 for at, *_ in straight)


SWITCH = START + 2 * MINUTE
OTHER = profile().model_copy(update={"suggested_pane": "2m"})
NEXT = replace(model_of(OTHER, MODEL.settings, pane_length=MINUTE, budget=1.0), since=SWITCH)
BOTH = {entry.layout.profile_hash: entry.layout for entry in (MODEL, NEXT)}


def switched(log, sizes, plans=(MODEL, NEXT), state=None):
    """Pane records of a log over the change of a profile, through a restart after every batch, and the last state."""
    found, at, sizes = [], 0, list(sizes)
    while True:
        reader = ingest_of(plans, A, decoder_of(plans, None))
        if state is not None:
            restore(reader, state)
            assert snapshot(reader) == state
        if at >= len(log):
            return [
                encode_message(m, BOTH) for m in [*found, *reader.finish().messages] if isinstance(m, PartialPane)
            ], state
        size = sizes.pop(0) if sizes else len(log)
        found += reader.process(batch(log[at : at + size], at)).messages
        at += size
        state = snapshot(reader)


@law
@given(st.integers(0, 2**32), cuts)
def test_restarts_around_the_change_of_a_profile_change_no_byte_of_panes_and_state(seed, sizes):
    log = drawn(seed, 1100, [200, 800])
    assert switched(log, sizes) == switched(log, [])


def test_each_profile_has_its_own_events_and_the_new_one_keeps_its_state_without_the_old_one():
    log = drawn(3, 1600, [300, 900])
    whole, _ = switched(log, [])
    assert {NEXT.layout.profile_hash in str(record) for record in whole if b"adwin" in record} == {True, False}
    # Five seconds behind, the watermark has passed the change.
    _, state = switched(log[:900], [])
    rest = ingest_of([NEXT], A, decoder_of([NEXT], None))
    restore(rest, state)
    both = ingest_of([MODEL, NEXT], A, decoder_of([MODEL, NEXT], None))
    restore(both, state)
    for reader in (rest, both):
        reader.process(batch(log[900:], 900))
    assert rest.bank.snapshot(rest.watermark) == both.bank.snapshot(both.watermark)
    fresh = ingest_of([NEXT], A, decoder_of([NEXT], None))
    fresh.process(batch(log[900:], 900))
    assert fresh.bank.snapshot(fresh.watermark) != rest.bank.snapshot(rest.watermark)
