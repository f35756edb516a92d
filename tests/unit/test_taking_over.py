"""A partition taken over by a worker in cases that aren't normal: what is read, kept, logged and refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import MINUTE, records, small_ingest, small_profile
from driftgauge.config import RecoveryConfig
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import snapshot
from driftgauge.panes.messages import PartialPane, Watermark
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source
from driftgauge.runtime.beginning import Bounds
from driftgauge.runtime.taking_over import TakingOver
from driftgauge.runtime.tasks import IngestTask, PanesTopics
from driftgauge.state.memory import MemoryState

A = Source("in", 0)
T0 = 1_000 * MINUTE
LAYOUT = Layout.of(small_profile())
TOPICS = PanesTopics("panes", 1, "dead", {LAYOUT.profile_hash: LAYOUT}, 1000)


class View:
    bounds_now = Bounds(0, 100, "id", None)
    starts, is_added, last = 0, False, None

    def bounds(self, source):
        return self.bounds_now

    def start(self, source):
        return self.starts

    def added(self, source):
        return self.is_added

    def last_watermark(self, source):
        return self.last

    def close(self):
        pass


class Log:
    def __init__(self) -> None:
        self.lines: list[dict] = []

    def warning(self, event, **fields):
        self.lines.append({"event": event, **fields})


class Sink:
    def __init__(self) -> None:
        self.published: list = []

    def publish(self, publications):
        self.published += publications

    def flush(self):
        pass


class Scene:
    """A store in which A was read up to offset 12: a pane closed, the next one open since offset 10."""

    def __init__(self) -> None:
        self.store, self.view, self.log, self.sink = MemoryState(), View(), Log(), Sink()
        ingest = small_ingest(A, position=8)
        messages = ingest.process(records([T0, T0 + 1, T0 + MINUTE, T0 + 2 * MINUTE - 1], 8, A)).messages
        self.told: Watermark = messages[-1]
        self.claim, _ = self.store.claim(A)
        self.claim.topic_id = "id"
        self.store.begin(self.claim, 12, {"ingest": snapshot(ingest)})

    def take(self, *, gating: bool = True, pane: int = MINUTE, job: str | None = None, **policies):
        return TakingOver(
            self.sink,
            self.store,
            build=lambda s: IngestTask(small_ingest(s, pane=pane, cut_start=True), TOPICS, gating=gating),
            view=self.view,
            policies=RecoveryConfig(**policies),
            log=self.log,
            job=job,
        ).take(A)

    def lose(self) -> None:
        self.store = MemoryState()
        self.view.bounds_now = self.view.bounds_now._replace(committed=12)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def open_panes(owned) -> list[tuple[int, int, bool]]:
    return [(s - T0, p.events, p.incomplete) for (_, s), p in sorted(owned.task.ingest.open.items())]


def test_normal_beginnings_are_not_told_of(scene):
    scene.view.bounds_now = scene.view.bounds_now._replace(committed=12)
    owned = scene.take()
    assert (owned.task.position, owned.restored) == (12, True)
    assert open_panes(owned) == [(MINUTE, 2, False)]
    assert scene.log.lines == []


def test_a_lost_state_is_counted_anew_from_the_panes_topic(scene):
    scene.lose()
    scene.view.last = scene.told
    owned = scene.take()
    assert (owned.task.position, owned.restored) == (10, False)
    assert owned.task.ingest.watermark == scene.told.time
    done = owned.task.ingest.process(records([T0 + MINUTE, T0 + 2 * MINUTE - 1, T0 + 5 * MINUTE], 10, A))
    (pane,) = [m for m in done.messages if isinstance(m, PartialPane)]
    assert (pane.start, pane.events, pane.first_offset, pane.incomplete) == (T0 + MINUTE, 2, 10, False)
    (line,) = scene.log.lines
    assert (line["event"], line["case"], line["position"], line["policy"]) == ("recovery", "lost", 10, "rebuild")
    assert "lost_from" not in line
    # Decided once: the next start finds it.
    assert scene.take().restored


def test_a_new_group_on_the_panes_topic_of_another_is_told_so_and_what_a_fresh_start_needs(scene):
    scene.store = MemoryState()
    scene.view.last = scene.told
    assert scene.take().task.position == 10
    (line,) = scene.log.lines
    assert (line["case"], line["policy"]) == ("inherited", "rebuild")
    assert "has never read it" in line["error"]
    assert "another topics.panes" in line["do"]
    scene.store = MemoryState()
    with pytest.raises(StateError, match=r"another group counted of it, and recovery.lost is fail"):
        scene.take(lost="fail")


def test_a_lost_state_whose_records_are_gone_too_says_which(scene):
    scene.lose()
    scene.view.last = scene.told
    scene.view.bounds_now = scene.view.bounds_now._replace(first=11)
    owned = scene.take()
    assert owned.task.position == 11
    (line,) = scene.log.lines
    assert (line["lost_from"], line["lost_to"]) == (10, 10)
    done = owned.task.ingest.process(records([T0 + 2 * MINUTE - 1, T0 + 2 * MINUTE, T0 + 9 * MINUTE], 11, A))
    panes = [(m.start - T0, m.incomplete) for m in done.messages if isinstance(m, PartialPane)]
    assert panes == [(MINUTE, True), (2 * MINUTE, False)]


def test_a_lost_state_that_nobody_told_of_begins_where_the_group_was_at_the_latest(scene):
    scene.lose()
    scene.view.starts = 100
    assert scene.take().task.position == 12


def test_labels_go_on_where_the_group_was(scene):
    scene.lose()
    scene.view.last = replace(scene.told, resume_offset=3)
    assert scene.take(gating=False).task.position == 12


def test_an_added_partition_is_read_from_its_beginning_and_its_first_pane_is_whole(scene):
    scene.store = MemoryState()
    scene.view.starts, scene.view.is_added = 100, True
    owned = scene.take()
    assert owned.task.position == 0
    assert not owned.task.ingest.cut_start
    assert scene.log.lines == []


def test_an_older_copy_is_gone_on_from_and_what_is_read_again_is_told(scene):
    scene.view.bounds_now = scene.view.bounds_now._replace(committed=40)
    owned = scene.take()
    assert (owned.task.position, owned.restored) == (12, True)
    (line,) = scene.log.lines
    assert (line["case"], line["replayed"]) == ("rolled_back", 28)


def test_a_retention_gap_is_skipped_with_open_panes_incomplete(scene):
    scene.view.bounds_now = Bounds(20, 100, "id", 12)
    owned = scene.take()
    assert owned.task.position == 20
    assert open_panes(owned) == [(MINUTE, 2, True)]
    (line,) = scene.log.lines
    assert (line["case"], line["lost_from"], line["lost_to"]) == ("retention_gap", 12, 19)
    with pytest.raises(StateError, match=r"in:0 can't go on: records were deleted .* recovery.retention_gap is fail"):
        scene.take(retention_gap="fail")
    # Of a replay nobody can set another policy.
    with pytest.raises(StateError, match=r"deleted .*, and a replay is exact .*by another name than march$"):
        scene.take(retention_gap="fail", job="march")


@pytest.mark.parametrize(
    ("bounds", "case", "position"),
    [(Bounds(0, 5, "id", 12), "truncated", 5), (Bounds(0, 50, "another", None), "recreated", 0)],
)
def test_a_log_that_is_another_one_is_read_with_what_was_counted_kept(scene, bounds, case, position):
    scene.view.bounds_now = bounds
    owned = scene.take()
    assert owned.task.position == position
    assert open_panes(owned) == [(MINUTE, 2, False)]
    # If this state is lost too, it is counted anew from no later offset.
    assert owned.task.ingest.announcement().resume_offset <= position
    assert [line["case"] for line in scene.log.lines] == [case]
    with pytest.raises(StateError, match=f"recovery.{case} is fail"):
        scene.take(**{case: "fail"})


def test_the_id_of_the_topic_is_saved_and_a_broker_that_tells_none_does_no_harm(scene):
    scene.view.bounds_now = Bounds(0, 100, "", None)
    assert scene.take().claim.topic_id == "id"
    scene.view.bounds_now = Bounds(0, 100, "another", None)
    assert scene.take().claim.topic_id == "another"


def test_damaged_state_is_rebuilt_or_refused(scene):
    stored = scene.store._stored[A]
    stored.checkpoint = replace(stored.checkpoint, damage="field 'ingest' is damaged (checksum)", fields={})
    scene.view.last = scene.told
    with pytest.raises(StateError, match=r"field 'ingest' is damaged.*driftgauge state reset -c FILE --topic in"):
        scene.take(damaged="fail")
    owned = scene.take()
    assert (owned.task.position, owned.task.ingest.watermark) == (10, scene.told.time)
    (line,) = scene.log.lines
    assert (line["case"], line["policy"]) == ("damaged", "rebuild")
    assert "checksum" in line["error"]


def test_changed_panes_are_refused_unless_they_may_be_counted_anew(scene):
    scene.view.last = scene.told
    with pytest.raises(StateError, match="set the configuration back, or go on without it"):
        scene.take(pane=2 * MINUTE)
    owned = scene.take(pane=2 * MINUTE, changed="rebuild")
    assert owned.task.position == 10
    done = owned.task.ingest.process(
        records([T0 + MINUTE, T0 + 2 * MINUTE - 1, T0 + 2 * MINUTE, T0 + 9 * MINUTE], 10, A)
    )
    # The pane that the old ones end in lacks what they had of it.
    assert [(m.start - T0, m.incomplete) for m in done.messages if isinstance(m, PartialPane)] == [
        (0, True),
        (2 * MINUTE, False),
    ]


def test_after_an_operators_reset_no_policy_forbids_to_go_on(scene):
    scene.store.reset(A)
    scene.view.last = scene.told
    scene.view.bounds_now = Bounds(11, 100, "id", 12)
    owned = scene.take(**dict.fromkeys(RecoveryConfig.model_fields, "fail"))
    assert owned.task.position == 11
    assert [line["case"] for line in scene.log.lines] == ["reset"]
