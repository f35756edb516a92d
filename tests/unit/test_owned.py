"""What of a partition waits to be saved: changes and deletions, the later word counting."""

from __future__ import annotations

from types import SimpleNamespace

from driftgauge.runtime.owned import Owned
from driftgauge.state.base import Claim


def owned(fields: dict[str, bytes], *steps: tuple[dict[str, bytes], list[str]]) -> Owned:
    answers = iter(steps)
    task = SimpleNamespace(position=1, changes=lambda: next(answers))
    return Owned.of(task, Claim, fields, 0)  # type: ignore[arg-type]


def test_a_field_that_was_to_go_and_is_there_anew_stays():
    # Two collections before a save: a watch ends, and its successor has a field of the same name.
    part = owned({"total": b"5", "old": b"x"}, ({}, ["total", "old"]), ({"total": b"1"}, []))
    assert part.collect()
    assert part.deleted == {"total", "old"}
    assert part.collect()
    assert (part.changed, part.deleted) == ({"total": b"1"}, {"old"})
    part.settle(1)
    assert part.saved == {"total": b"1"}


def test_a_field_that_comes_back_as_it_is_stored_is_neither_written_nor_deleted():
    part = owned({"plan": b"p"}, ({}, ["plan"]), ({"plan": b"p"}, []))
    assert part.collect()
    part.collect()
    assert (part.changed, part.deleted) == ({}, set())


def test_a_pane_that_opened_and_closed_before_anything_could_be_saved_is_not_saved_as_open():
    # Kafka confirmed nothing between the two: the first collection was for a checkpoint that came to nothing.
    part = owned({"merge": b"0"}, ({"merge": b"1", "open/a": b"x"}, []), ({"merge": b"2"}, []))
    assert part.collect()
    assert part.collect()
    assert (part.changed, part.deleted) == ({"merge": b"2"}, set())


def test_a_field_that_changed_and_changed_back_before_anything_could_be_saved_is_not_written():
    part = owned({"episodes": b"none"}, ({"episodes": b"one"}, []), ({"episodes": b"none"}, []))
    assert part.collect()
    part.collect()
    assert part.changed == {}
