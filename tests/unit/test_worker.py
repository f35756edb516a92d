"""The worker's loop against a scripted source, a store in memory and a clock that the test turns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from builders import MINUTE, records, small_ingest, small_profile
from driftgauge.config import CheckpointConfig, RecoveryConfig
from driftgauge.errors import FencedError, OutOfRangeError, StalledError, StateError, UnavailableError, UndeliveredError
from driftgauge.panes.messages import END_OF_TIME
from driftgauge.profiles.layout import Layout
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.beginning import Bounds
from driftgauge.runtime.clock_skew import ClockSkew
from driftgauge.runtime.ends import ENDLESS, Ends
from driftgauge.runtime.input_topics import InputTopics, sources_records
from driftgauge.runtime.taking_over import TakingOver
from driftgauge.runtime.tasks import IngestTask, PanesTopics
from driftgauge.runtime.worker import Worker, WorkerSettings
from driftgauge.sinks.base import Publication
from driftgauge.state.base import Progress
from driftgauge.state.memory import MemoryState

A, B = Source("in", 0), Source("in", 1)
T0 = 1_000 * MINUTE


class Script:
    """A source that plays steps: each poll takes the next one, a function or batches; then asks to stop."""

    def __init__(self, calls: list, *steps: Callable[[], None] | list[RecordBatch]) -> None:
        self.calls, self.steps = calls, list(steps)
        self.assigned: set[Source] = set()
        self.paused: set[Source] = set()
        self.undrained: set[Source] = set()
        self.ends_known = True
        self.partitions: int | None = 2
        self.positions: dict[Source, int] = {}

    def subscribe(self, topics, *, assigned, revoked, lost):
        self.on_assigned, self.on_revoked, self.on_lost = assigned, revoked, lost

    def give(self, *sources: Source) -> Callable[[], None]:
        def step():
            self.assigned |= set(sources)
            self.paused |= set(sources)
            self.on_assigned(sorted(sources))

        return step

    def take(self, *sources: Source) -> Callable[[], None]:
        def step():
            self.on_revoked(sorted(sources))
            self.assigned -= set(sources)

        return step

    def poll(self, timeout_ms):
        step = self.steps.pop(0)
        return step if isinstance(step, list) else step() or []

    def seek(self, source, position):
        self.calls.append(("seek", source, position))
        self.paused.discard(source)

    def pause(self, source):
        self.paused.add(source)

    def resume(self, source):
        self.paused.discard(source)

    def assignment(self):
        return set(self.assigned)

    def position(self, source):
        return self.positions.get(source, 0)

    def drained(self, sources):
        if not self.ends_known:
            raise UnavailableError("no broker")
        return set(sources) - self.undrained

    def commit(self, positions):
        self.calls.append(("commit", dict(positions)))

    def close(self):
        self.calls.append(("close",))


class Recorder:
    """A sink that notes what it is given; `fails_after`: crashes when the message of that number comes."""

    def __init__(self, calls: list) -> None:
        self.calls = calls
        self.published: list[Publication] = []
        self.crash: Callable[[dict], bool] = lambda _: False
        self.refuses = False
        self.stamped = None

    def publish(self, publications):
        if self.refuses:
            raise UndeliveredError("refused")
        for publication in publications:
            message = json.loads(publication.value)
            if self.crash(message):
                raise RuntimeError("crash")
            self.published.append(publication)

    def make_room(self):
        pass

    def flush(self, wait_ms=None):
        self.calls.append(("flush",))

    def reopen(self):
        self.calls.append(("reopen",))
        self.refuses = False

    def messages(self, kind: str) -> list[dict]:
        return [m for m in (json.loads(p.value) for p in self.published) if m["type"] == kind]


class NotedState(MemoryState):
    """MemoryState that notes its saves."""

    def __init__(self, calls: list) -> None:
        super().__init__()
        self.calls = calls

    def save(self, claim, position, changed, deleted, *, within=None):
        super().save(claim, position, changed, deleted, within=within)
        self.calls.append(("save", claim.partition, position, sorted(changed)))

    def begin(self, claim, position, fields):
        super().begin(claim, position, fields)
        self.calls.append(("begin", claim.partition, position, sorted(fields)))


class View:
    """A LogView of logs that have everything and were never read: they begin at 7."""

    def __init__(self) -> None:
        self.bounds_of: dict[Source, Bounds] = {}
        self.last = None

    def bounds(self, source):
        return self.bounds_of.get(source, Bounds(0, 1_000, "t", None))

    def start(self, source):
        return 7

    def added(self, source):
        return False

    def last_watermark(self, source):
        return self.last

    def close(self):
        pass


class Turned:
    """A clock at `time` ms."""

    time = 0

    def now(self) -> int:
        return self.time


class Silent:
    """A log that remembers what was logged."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.fields: list[dict] = []

    def _note(self, event, **fields):
        self.events.append(event)
        self.fields.append(fields)

    debug = info = warning = error = _note


class Bench:
    """A worker with everything around it faked; `play` runs steps in a worker of its own over the same state."""

    def __init__(self) -> None:
        self.calls: list = []
        self.store = NotedState(self.calls)
        self.sink = Recorder(self.calls)
        self.clock = Turned()
        self.log = Silent()
        self.view = View()
        self.knock: Callable[[], None] = lambda: None
        self.done = False

    def play(
        self, source: Script, *, max_skew=120 * MINUTE, policies=None, ends: Ends = ENDLESS, **checkpoint
    ) -> Worker:
        layout = Layout.of(small_profile())
        topics = PanesTopics("panes", 1, "dead", {layout.profile_hash: layout}, 1000)
        worker = Worker(
            source,
            self.sink,
            self.store,
            taking_over=TakingOver(
                self.sink,
                self.store,
                build=lambda s: IngestTask(small_ingest(s), topics, gating=True),
                view=self.view,
                policies=RecoveryConfig(**(policies or {})),
                log=self.log,
            ),
            settings=WorkerSettings(
                ("in",),
                CheckpointConfig(**({"interval": "1s"} | checkpoint)),
                15_000,
                max_skew,
                1_000,
            ),
            inputs=InputTopics(
                {"in": 2},
                ["in"],
                partitions=lambda _: source.partitions,
                announce=lambda found: sources_records(found, "panes", 1),
                missing_after=60_000,
                log=self.log,
            ),
            clock=self.clock,
            log=self.log,
            skew=ClockSkew(1 << 62, lambda: 0, self.log),
            knock=self.knock,
            ends=ends,
        )
        self.done = worker.run(lambda: not source.steps)
        return worker

    def at(self, time: int, then: Callable[[], None] | None = None) -> Callable[[], None]:
        def step():
            self.clock.time = time
            if then is not None:
                then()

        return step

    def saves(self) -> list[tuple]:
        return [call for call in self.calls if call[0] == "save"]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def script(bench: Bench, *steps) -> Script:
    return Script(bench.calls, *steps)


def test_an_unknown_partition_starts_where_it_should_and_that_is_saved_before_anything_is_read(bench):
    source = script(bench)
    source.steps = [source.give(A), []]
    bench.play(source)
    assert bench.calls[:3] == [("begin", A, 7, ["ingest"]), ("seek", A, 7), ("commit", {A: 7})]


def test_a_checkpoint_flushes_then_saves_then_commits(bench):
    source = script(bench)
    source.steps = [source.give(A), [records([T0, T0 + 5 * MINUTE], 7, A)], bench.at(1000)]
    bench.play(source)
    kinds = [call[0] for call in bench.calls[3:]]
    assert kinds == ["flush", "save", "commit", "close"]
    assert bench.calls[-2] == ("commit", {A: 9})


def test_nothing_is_saved_when_nothing_has_moved(bench):
    source = script(bench)
    source.steps = [source.give(A), bench.at(1000), bench.at(2000), bench.at(3000)]
    bench.play(source)
    assert bench.saves() == []


def test_a_revoked_partition_is_saved_and_its_next_owner_goes_on_from_there(bench):
    source = script(bench)
    source.steps = [source.give(A, B), [records([T0], 7, A)], source.take(A), [records([T0], 7, B)]]
    bench.play(source)
    assert ("save", A, 8, ["ingest"]) in bench.calls
    again = script(bench)
    again.steps = [again.give(A), []]
    bench.play(again)
    assert ("seek", A, 8) in bench.calls


def test_giving_partitions_up_never_takes_longer_than_the_group_can_wait(bench):
    source = script(bench)
    save, asked = bench.store.save, []

    def slow(claim, position, changed, deleted, *, within=None):
        asked.append(within)
        time.sleep(within / 1000)
        raise UnavailableError("Redis does not answer")

    def revoke():
        bench.store.save = slow
        source.take(A, B)()
        bench.store.save = save

    source.steps = [source.give(A, B), [records([T0], 7, A), records([T0], 7, B)], revoke, []]
    bench.play(source)
    assert len(asked) == 1
    assert 0 < asked[0] <= 1_000
    assert "checkpoint_failed" in bench.log.events
    assert bench.saves() == []
    again = script(bench)
    again.steps = [again.give(A), []]
    bench.play(again)
    assert bench.calls.count(("seek", A, 7)) == 2


def test_a_partition_whose_records_are_gone_is_taken_over_anew(bench):
    source = script(bench)

    def gone():
        bench.view.bounds_of[A] = Bounds(40, 1_000, "t", None)
        raise OutOfRangeError([A])

    source.steps = [source.give(A, B), [records([T0], 7, A)], bench.at(1000), gone, []]
    bench.play(source)
    assert ("seek", A, 40) in bench.calls
    assert bench.calls.count(("seek", B, 7)) == 1
    assert {"position_out_of_range", "partition_out_of_range", "recovery"} <= set(bench.log.events)
    assert A not in source.paused


def test_what_was_refused_is_read_and_written_again_from_the_last_checkpoint(bench):
    source = script(bench)

    def refuse():
        bench.sink.refuses = True
        return [records([T0 + 5 * MINUTE], 8, A)]

    def later():
        bench.clock.time += 500

    source.steps = [
        source.give(A, B),
        [records([T0], 7, A)],
        bench.at(1000),
        refuse,
        later,
        [],
        [records([T0 + 5 * MINUTE], 8, A)],
    ]
    bench.play(source)
    assert bench.calls.count(("seek", A, 8)) == 1
    assert ("reopen",) in bench.calls
    assert [m["start"] for m in bench.sink.messages("pane")] == [T0]
    assert source.paused == set()


def test_a_fenced_partition_is_forgotten_and_claimed_again_where_the_other_left_it(bench):
    source = script(bench)

    def other_worker():
        claim, _ = bench.store.claim(A)
        _, checkpoint = bench.store.claim(B)
        bench.store.save(claim, 40, checkpoint.fields, ())

    source.steps = [source.give(A, B), [records([T0], 7, A)], other_worker, bench.at(1000), []]
    bench.play(source)
    assert "partition_fenced" in bench.log.events
    assert bench.calls[-2:] != [("seek", A, 7), ("close",)]
    assert ("seek", A, 40) in bench.calls
    assert A not in source.paused


def test_a_state_that_is_gone_is_not_told_as_another_workers(bench):
    source = script(bench)
    source.steps = [
        source.give(A),
        [records([T0], 7, A)],
        lambda: bench.store.reset(A),
        bench.at(1000),
        [],
    ]
    bench.play(source)
    assert "partition_fenced" not in bench.log.events
    told = bench.log.fields[bench.log.events.index("partition_state_gone")]
    assert told == {"topic": "in", "partition": 0, "error": "what was stored of in:0 was reset by an operator"}
    assert bench.calls.count(("seek", A, 7)) == 2


def test_a_revoked_partition_that_another_one_has_is_told_and_not_taken_again(bench):
    source = script(bench)
    source.steps = [
        source.give(A),
        [records([T0], 7, A)],
        bench.at(1, lambda: bench.store.claim(A)),
        source.take(A),
        [],
        [],
    ]
    bench.play(source)
    assert "partition_fenced" in bench.log.events
    assert "partition_given_up" not in bench.log.events
    assert bench.calls.count(("seek", A, 7)) == 1


def test_a_partition_is_not_taken_over_before_kafka_says_what_there_is_of_it(bench):
    source, bounds, silent = script(bench), bench.view.bounds, [1, 1]

    def after_a_while(partition):
        if silent:
            silent.pop()
            raise UnavailableError("no broker")
        return bounds(partition)

    bench.view.bounds = after_a_while
    source.steps = [source.give(A), [], [], [records([T0], 7, A)]]
    bench.play(source)
    assert bench.log.events.count("log_unknown") == 2
    assert ("seek", A, 7) in bench.calls
    assert ("save", A, 8, ["ingest"]) in bench.calls


def test_a_claim_that_is_lost_while_taking_over_is_tried_again(bench):
    source = script(bench)
    source.steps = [source.give(A), [], []]
    begin, failures = bench.store.begin, [1]

    def once_fenced(claim, position, fields):
        if failures:
            failures.pop()
            raise FencedError("owned by another worker")
        begin(claim, position, fields)

    bench.store.begin = once_fenced
    bench.play(source)
    assert "partition_fenced" in bench.log.events
    assert ("seek", A, 7) in bench.calls


def test_state_that_does_not_fit_says_which_and_what_to_do(bench):
    claim, _ = bench.store.claim(A)
    bench.store.save(claim, 9, {"ingest": b"?"}, ())
    source = script(bench)
    source.steps = [source.give(A), []]
    with pytest.raises(
        StateError, match=r"in:0 can't go on: .*recovery.changed is fail.*state reset -c FILE --topic in --partition 0"
    ):
        bench.play(source)


def idle_script(bench: Bench) -> Script:
    """A reads an hour ahead and B nothing: after 15 s B may be declared idle up to where A was."""
    source = script(bench)
    source.steps = [
        source.give(A, B),
        [records([T0, T0 + 60 * MINUTE], 7, A), records([T0], 7, B)],
        bench.at(500),
        bench.at(16_000),
    ]
    return source


def test_an_idle_decision_is_saved_before_it_is_published(bench):
    bench.sink.crash = lambda message: message["type"] == "watermark" and message["idle"]
    with pytest.raises(RuntimeError, match="crash"):
        bench.play(idle_script(bench))
    assert bench.saves()[-1] == ("save", B, 8, ["decision", "ingest"])
    assert not [m for m in bench.sink.messages("pane") if m["source"]["partition"] == 1 and m["start"] > T0]


def test_a_decision_that_was_saved_but_not_published_is_carried_out_by_the_next_owner(bench):
    bench.sink.crash = lambda message: message["type"] == "watermark" and message["idle"]
    with pytest.raises(RuntimeError, match="crash"):
        bench.play(idle_script(bench))
    bench.sink.crash = lambda _: False
    bench.sink.published.clear()
    again = script(bench)
    again.steps = [again.give(B), []]
    bench.play(again)
    raised = [m["time"] for m in bench.sink.messages("watermark") if m["source"]["partition"] == 1]
    # Both silent since the first look, 15.5 s before: event time went on for half a second.
    assert raised == [T0 + 60 * MINUTE + 500]
    assert [m["start"] for m in bench.sink.messages("pane")] == [T0]


def test_a_source_that_still_has_records_is_not_idle(bench):
    source = idle_script(bench)
    source.undrained = {B}
    bench.play(source)
    assert not [m for m in bench.sink.messages("watermark") if m["idle"]]


def test_held_records_of_a_broken_clock_do_not_keep_a_drained_source_from_falling_idle(bench):
    source = idle_script(bench)
    source.steps.insert(2, [records([T0 + 500 * 1440 * MINUTE], 8, B)])
    bench.play(source)
    assert [m["source"]["partition"] for m in bench.sink.messages("watermark") if m["idle"]] == [1]


def test_nobody_is_idle_while_the_broker_does_not_tell_the_ends(bench):
    source = idle_script(bench)
    source.ends_known = False
    bench.play(source)
    assert "end_offsets_unknown" in bench.log.events
    assert not [m for m in bench.sink.messages("watermark") if m["idle"]]


def test_a_source_far_ahead_is_paused_and_resumed_when_the_slowest_has_caught_up(bench):
    source = script(bench)
    seen = []
    source.steps = [
        source.give(A, B),
        [records([T0, T0 + 60 * MINUTE], 7, A), records([T0], 7, B)],
        bench.at(500),
        lambda: seen.append(set(source.paused)),
        [records([T0 + 55 * MINUTE], 8, B)],
        bench.at(1000),
        lambda: seen.append(set(source.paused)),
    ]
    bench.play(source, max_skew=10 * MINUTE)
    assert seen == [{A}, set()]


def test_a_source_that_is_not_read_any_more_pauses_nobody(bench):
    bench.store.tell(Source("old-topic", 0), Progress(5, 5))
    source = script(bench)
    source.steps = [source.give(A), [records([T0, T0 + 60 * MINUTE], 7, A)], bench.at(500), []]
    bench.play(source, max_skew=10 * MINUTE)
    assert source.paused == set()


def refused():
    raise UnavailableError("Kafka does not accept these credentials")


def test_a_broker_that_does_not_tell_the_ends_because_it_lets_nobody_in_any_more_ends_the_worker_with_the_reason(bench):
    source, bench.knock = script(bench), refused
    source.ends_known = False
    source.steps = [source.give(A), [], *(bench.at(60_000 * minute) for minute in range(1, 4))]
    with pytest.raises(UnavailableError, match="does not accept these credentials"):
        bench.play(source)


def test_so_does_one_that_takes_nothing_any_more(bench):
    source, bench.knock = script(bench), refused
    source.steps = [source.give(A), [], bench.at(500, lambda: setattr(bench.sink, "refuses", True))]
    source.steps += [[records([T0, T0 + 2 * MINUTE], 7, A)], []]
    with pytest.raises(UnavailableError, match="does not accept these credentials"):
        bench.play(source)


def test_a_partition_that_gives_nothing_though_there_is_more_to_read_ends_the_worker(bench):
    source = script(bench)
    source.undrained = {A}
    source.steps = [source.give(A, B), [], *(bench.at(60_000 * minute) for minute in range(1, 5))]
    with pytest.raises(StalledError, match="nothing has come from in:0 for 120 s"):
        bench.play(source)


def test_added_partitions_are_announced_before_anything_of_theirs_is_read(bench):
    source = script(bench)
    source.steps = [
        source.give(A),
        bench.at(2_000, lambda: setattr(source, "partitions", 3)),
        bench.at(3_000),
        bench.at(4_000),
    ]
    bench.play(source)
    (told,) = bench.sink.messages("sources")
    assert [entry["partition"] for entry in told["sources"]] == [0, 1, 2]


def at_end(source: Script, of: Source, position: int, *batches: RecordBatch) -> Callable[[], list[RecordBatch]]:
    def step():
        source.positions[of] = position
        return list(batches)

    return step


def test_a_replay_ends_by_itself_once_all_that_is_ours_has_come_to_its_end_and_is_saved(bench):
    source = script(bench)
    first = records([T0, T0 + 5 * MINUTE, T0 + 9 * MINUTE], 7, A)
    # The last record of A is beyond the end; B's end is the marker of a transaction, with an offset and no record.
    steps = [source.give(A, B), at_end(source, A, 10, first), at_end(source, B, 8, records([T0], 7, B)), [], []]
    source.steps = list(steps)
    bench.play(source, ends=Ends({A: 9, B: 9}))
    assert not bench.done
    again = script(bench)
    again.steps = [again.give(A, B), at_end(again, B, 9), [], []]
    bench.play(again, ends=Ends({A: 9, B: 9}))
    assert bench.done
    assert len(again.steps) == 2
    told = {(m["source"]["partition"], m["time"]) for m in bench.sink.messages("watermark")}
    assert {(0, END_OF_TIME), (1, END_OF_TIME)} <= told
    panes = [(m["source"]["partition"], m["start"], m["events"]) for m in bench.sink.messages("pane")]
    assert sorted(panes) == [(0, T0, 1), (0, T0 + 5 * MINUTE, 1), (1, T0, 1)]
    assert bench.calls[-1] == ("close",)
    assert any(call[0] == "save" and call[1] == B for call in bench.calls)


def test_a_partition_without_a_record_is_at_its_end_at_once_and_one_that_was_added_since_too(bench):
    source = script(bench)
    source.positions = {A: 7, B: 7}
    source.steps = [source.give(A, B), []]
    bench.play(source, ends=Ends({A: 7}))
    assert bench.done
    assert source.steps == [[]]


def test_nobody_is_declared_idle_in_a_replay_at_its_end(bench):
    source = script(bench)
    source.steps = [
        source.give(A, B),
        at_end(source, A, 9, records([T0, T0 + 9 * MINUTE], 7, A)),
        bench.at(1_000),
        bench.at(60_000, at_end(source, B, 9, records([T0, T0 + MINUTE], 7, B))),
        [],
    ]
    source.undrained = {B}
    bench.play(source, ends=Ends({A: 9, B: 9}))
    assert not any(message["idle"] for message in bench.sink.messages("watermark"))
    assert not any("decision" in call[3] for call in bench.saves())


def test_what_cannot_be_saved_at_the_end_is_not_done(bench):
    source, save = script(bench), bench.store.save

    def fenced(claim, position, changed, deleted, *, within=None):
        bench.store.save = save
        raise FencedError("another one has it")

    def end():
        bench.store.save = fenced
        source.positions[A] = 8
        return [records([T0], 7, A)]

    source.steps = [source.give(A), end, []]
    bench.play(source, ends=Ends({A: 8}))
    # Taken over anew, and finished then.
    assert bench.calls.count(("seek", A, 7)) == 2
    assert bench.done
