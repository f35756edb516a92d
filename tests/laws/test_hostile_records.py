"""Laws of records that somebody forged: whole tasks go on working, and say of no value what it was."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from full_tasks import Stored, batch, stored_tasks
from hostile import SECONDS, damaged, fuzz
from segmented import JOBS


@pytest.fixture(scope="module")
def stored():
    return stored_tasks()


def forged(of: Stored, data: st.DataObject) -> Stored:
    """The same with one of the first records that come next changed, and maybe told twice or out of turn."""
    values = list(of.next.values)
    at = data.draw(st.integers(0, min(30, len(values) - 1)))
    value = values[at]
    assert value is not None
    values[at] = data.draw(damaged(value))
    if data.draw(st.booleans()):
        other = data.draw(st.integers(0, len(values) - 1))
        values[at], values[other] = values[other], values[at]
    return of._replace(next=batch(of.next.source, values, of.next.offsets[0]))


@pytest.mark.parametrize("kind", ["ingest", "detect"])
@fuzz(15)
@given(data=st.data())
def test_a_task_goes_on_after_any_record(stored, kind: str, data: st.DataObject) -> None:
    of = forged(stored[kind], data)
    begun = time.thread_time()
    task = of.make()
    task.restore(of.fields)
    published = task.process(of.next)
    again = of.make()
    again.restore(task.changes()[0])
    assert time.thread_time() - begun < SECONDS
    messages = [value.decode() for record in published for name, value in record.headers if name.endswith("message")]
    assert not [word for message in messages for word in JOBS if word in message]
