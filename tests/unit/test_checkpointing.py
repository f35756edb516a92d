"""When a checkpoint is due, and what is told of those that were written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from driftgauge.config import CheckpointConfig
from driftgauge.errors import BlockedError, FencedError
from driftgauge.records import Source
from driftgauge.runtime.checkpointing import Checkpoints
from driftgauge.runtime.owned import Owned
from driftgauge.runtime.tasks import DetectTask
from driftgauge.state.base import Claim

A, B = Source("panes", 0), Source("panes", 1)


class Detecting(DetectTask):
    """A detect task with nothing to detect: so many bytes of history wait."""

    def __init__(self, waiting: int = 0) -> None:
        self.stage = SimpleNamespace(waiting_bytes=waiting)
        self._position = 0

    def changes(self):
        return {"row": b"x" * self._position}, []


class Scene:
    def __init__(self, **settings) -> None:
        self.now, self.saves, self.fenced, self.flushes = 0, [], [], 0
        self.flush_takes = 0
        self.owned = {source: Owned.of(Detecting(), Claim(source, "t", 0), {}, 0) for source in (A, B)}
        self.lost: set[Source] = set()
        self.checkpoints = Checkpoints(
            self,
            self,
            self.owned,
            settings=CheckpointConfig(**{"interval": "2s", **settings}),
            clock=SimpleNamespace(now=lambda: self.now),
            fenced=lambda source, _: self.fenced.append(source),
        )

    def flush(self, wait_ms=None) -> None:
        self.flushes += 1
        self.now += self.flush_takes

    def save(self, claim, position, changed, deleted, *, within=None) -> None:
        if claim.partition in self.lost:
            raise FencedError("no")
        self.now += 7
        self.saves.append((claim.partition, position, within))

    def process(self, records: int = 1, published: int = 0, source: Source = A) -> None:
        task = self.owned[source].task
        task._position += records
        self.checkpoints.processed(task, records, published)


def test_time_makes_one_due():
    scene = Scene()
    assert not scene.checkpoints.due(1999)
    assert scene.checkpoints.due(2000)
    assert not scene.checkpoints.due(3999)
    assert scene.checkpoints.due(4000)


def test_records_make_one_due():
    scene = Scene(records=10)
    scene.process(9)
    assert not scene.checkpoints.due(1)
    scene.process(1, source=B)
    assert scene.checkpoints.due(1)
    assert not scene.checkpoints.due(2)


def test_bytes_of_all_histories_make_one_due():
    scene = Scene(bytes=10_000)
    scene.owned[A].task.stage.waiting_bytes = scene.owned[B].task.stage.waiting_bytes = 4_999
    scene.process()
    assert not scene.checkpoints.due(1)
    scene.owned[B].task.stage.waiting_bytes = 5_001
    scene.process()
    assert scene.checkpoints.due(1)


def test_alerts_make_one_due_soon_but_not_each_one():
    scene = Scene()
    scene.process(published=1)
    assert not scene.checkpoints.due(249)
    assert scene.checkpoints.due(250)
    assert not scene.checkpoints.due(600)


def test_what_has_moved_is_flushed_once_and_saved_and_told():
    scene = Scene()
    scene.process(5)
    assert scene.checkpoints.save([A, B]) == {A: 5}
    assert (scene.flushes, scene.saves) == (1, [(A, 5, None)])
    assert scene.checkpoints.save([A, B]) == {}
    scene.process(1, source=B)
    scene.checkpoints.save([A, B])
    assert scene.checkpoints.take() == {"count": 2, "p50_ms": 7, "p99_ms": 7, "bytes": 6}
    assert scene.checkpoints.take() == {}


def test_flush_and_all_saves_share_what_time_there_is():
    scene = Scene()
    scene.flush_takes = 100
    scene.process(5)
    scene.process(5, source=B)
    assert scene.checkpoints.save([A, B], within=108) == {A: 5, B: 5}
    assert scene.saves == [(A, 5, 8), (B, 5, 1)]
    scene.process(1)
    scene.process(1, source=B)
    with pytest.raises(BlockedError, match="1 partitions could not be saved within 107 ms"):
        scene.checkpoints.save([A, B], within=107)
    assert scene.saves[2:] == [(A, 6, 7)]


def test_a_partition_that_another_worker_has_claimed_keeps_none_of_the_others_from_being_saved():
    scene = Scene()
    scene.lost = {A}
    scene.process(5)
    scene.process(5, source=B)
    assert scene.checkpoints.save([A, B]) == {B: 5}
    assert scene.fenced == [A]


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_quantiles_are_of_those_since_the_last_line(share):
    scene = Scene()
    for _ in range(100):
        scene.process()
        scene.checkpoints.save([A])
    scene.checkpoints._written.took[:] = range(100)
    assert scene.checkpoints.take()[f"p{round(100 * share)}_ms"] == round(100 * share)
