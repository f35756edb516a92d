"""Laws of state that somebody forged: it is refused with a StateError, or good enough to go on working with.

Checksums are made to fit; who can write to Redis can do that.
"""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.errors import StateError
from full_tasks import stored_tasks
from hostile import SECONDS, damaged, fuzz


@pytest.fixture(scope="module")
def stored():
    return stored_tasks()


def test_what_was_stored_is_taken_and_goes_on(stored) -> None:
    """Otherwise the law below would hold for want of anything that gets through."""
    for of in stored.values():
        task = of.make()
        task.restore(of.fields)
        assert task.process(of.next)
    kinds = {name.partition("]")[2].partition("/")[0] for name in stored["detect"].fields}
    assert {"row", "hourly", "episodes", "detector", "plan", "total"} <= kinds


@pytest.mark.parametrize("kind", ["ingest", "detect"])
@fuzz(30)
@given(data=st.data())
def test_forged_state_is_refused_or_works(stored, kind: str, data: st.DataObject) -> None:
    of = stored[kind]
    # By what they hold: there are hundreds of rows, and one of most others.
    by_kind: dict[str, list[str]] = {}
    for name in of.fields:
        by_kind.setdefault(name.rstrip("0123456789"), []).append(name)
    name = data.draw(st.sampled_from(by_kind[data.draw(st.sampled_from(sorted(by_kind)))]))
    fields = dict(of.fields)
    what = data.draw(st.sampled_from(["damaged"] * 8 + ["lost", "another's", "renamed"]))
    if what == "damaged":
        fields[name] = data.draw(damaged(fields[name]))
    elif what == "lost":
        del fields[name]
    elif what == "another's":
        fields[name] = fields[data.draw(st.sampled_from(sorted(fields)))]
    else:
        fields[data.draw(st.text(max_size=30))] = fields.pop(name)
    begun = time.thread_time()
    task = of.make()
    try:
        task.restore(fields)
    except StateError:
        assert time.thread_time() - begun < SECONDS
        return
    task.process(of.next)
    written, _ = task.changes()
    assert sum(map(len, written.values())) < 10_000_000
    assert time.thread_time() - begun < SECONDS


def test_times_beyond_every_column_and_before_every_profile_are_refused(stored) -> None:
    """Both ended the worker at the next record, or the next alert."""
    counting, judging = stored["ingest"], stored["detect"]
    with pytest.raises(StateError, match="names a time that is none"):
        counting.make().restore({**counting.fields, "decision": b"17735321773532800000"})
    name = next(name for name in judging.fields if name.endswith("episodes"))
    version, running, calm = msgspec.msgpack.decode(judging.fields[name])
    for episode in running.values():
        episode[6] = -(2**63)
    with pytest.raises(StateError, match="stored episodes can't be read"):
        judging.make().restore({**judging.fields, name: msgspec.msgpack.encode([version, running, calm])})
