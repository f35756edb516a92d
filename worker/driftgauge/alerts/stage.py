"""The detect stage of one panes partition: messages of the panes topic in, transitions of episodes out.

A pure function of the panes log: merge partial panes, close them in order, run each subject's detectors and life
cycle. Live worker, backtest and re-scoring of stored panes all call `process`; there is no second loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import orjson

from driftgauge.alerts.baseline import BaselinePlan, BaselineStep, BaselineWatch
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.transition import SegmentMove, Transition
from driftgauge.alerts.watch import SubjectWatch, WatchPlan
from driftgauge.alerts.whole import Whole
from driftgauge.errors import StateError
from driftgauge.panes.merge import Pane, PaneMerge
from driftgauge.panes.merge_state import merge_fields, restore_merge
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources
from driftgauge.panes.schedule import ALWAYS, all_plans, plan_of, refusal
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.profiles.layout import Layout
from driftgauge.subject import Subject

# The state field of all subjects without a profile.
_BASELINE = "unprofiled"

OnClosed = Callable[[Subject, Sequence[Pane]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Raised:
    """A transition of a series, or a step of an alert on traffic or on a missing profile, and whose it is."""

    subject: Subject
    transition: Transition | TrafficStep | BaselineStep


class DetectStage:
    """All subjects of one panes partition.

    Since the process started: `panes_closed` counts panes with a profile, of models and not again of their segments,
    `events_closed` the events in them; `foreign` partials that were counted with a profile that isn't configured, or
    over another pane length.
    """

    def __init__(
        self,
        plans: Mapping[Subject, WatchPlan],
        baseline: BaselinePlan | None = None,
        on_closed: OnClosed = lambda _subject, _panes: None,
    ) -> None:
        """Nothing seen yet. `plans`: every subject with a profile; a subject's watch is built with its first pane.

        `baseline`: how the others are told of; None: their panes are foreign. `on_closed`: sees all panes that close,
        before they are judged.
        """
        self.merge = PaneMerge()
        self.panes_closed = 0
        self.events_closed = 0
        self.foreign = 0
        self._plans = plans
        self._on_closed = on_closed
        self._unprofiled = baseline.panes if baseline is not None else None
        self._baseline = BaselineWatch(baseline, _first_watched(plans)) if baseline is not None else None
        self._watches: dict[Subject, SubjectWatch] = {}
        # The names of what is stored of each watch, to be deleted with it.
        self._stored: dict[Subject, set[str]] = {}
        self._retired: list[str] = []

    def process(self, messages: Iterable[Message]) -> list[Raised]:
        """Take messages in log order; what they closed, judged, in order of event time."""
        raised: list[Raised] = []
        for message in messages:
            # A change of the gating sources is effective in log order, so what the old ones had passed closes first.
            if isinstance(message, Sources) and message.sources != self.merge.sources:
                raised += self._close()
            if isinstance(message, PartialPane) and not self._is_ours(message):
                self.foreign += 1
                continue
            self.merge.take(message)
        return raised + self._close()

    @property
    def panes_open(self) -> int:
        """Panes with a profile that have not closed, of models and not again of their segments."""
        return sum(not pane.subject.segment and pane.profile != NO_PROFILE for pane in self.merge.open.values())

    @property
    def waiting_bytes(self) -> int:
        """Bytes of state that grow with the panes that close, until they are saved."""
        return sum(watch.detection.history.waiting_bytes for watch in self._watches.values())

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields as they are now (rows of the past only if new), and fields that may be deleted."""
        fields = merge_fields(self.merge)
        if self._baseline is not None and self._baseline.used:
            fields[_BASELINE] = self._baseline.snapshot()
        gone, self._retired = self._retired, []
        for subject, watch in sorted(self._watches.items()):
            own, old = watch.changes()
            own["plan"] = _mark(watch.plan)
            fields.update({_field(subject, name): data for name, data in own.items()})
            gone += [_field(subject, name) for name in old]
            self._stored.setdefault(subject, set()).update(own)
            self._stored[subject].difference_update(old)
        return fields, [name for name in gone if name not in fields]

    def restore(self, fields: Mapping[str, bytes]) -> list[Raised]:
        """Go on from stored fields; what ends because of the configuration: a profile is missing no more.

        StateError if they don't fit the configuration. What belongs to a model or a detector that isn't configured any
        more is left behind, and deleted.
        """
        merge = restore_merge(fields, self._expected, self._unprofiled)
        by_subject: dict[Subject, dict[str, bytes]] = {}
        for name, data in fields.items():
            if name.startswith("["):
                subject, part = _parse_field(name)
                by_subject.setdefault(subject, {})[part] = data
        watches: dict[Subject, SubjectWatch] = {}
        retired: list[str] = []
        for subject, own in by_subject.items():
            gone = subject.segment and self._expected(subject, merge.closed_to) is None
            if subject not in self._plans or gone:
                retired += [_field(subject, name) for name in own]
                continue
            plan = self._plan_that_goes_on(subject, own.get("plan"), merge.closed_to)
            watch = watches[subject] = SubjectWatch(plan, self._until(subject, plan))
            try:
                watch.restore(own)
            except StateError as error:
                raise StateError(f"{subject}: {error}") from error
            used = {f"detector/{detector.name}" for detector in watch.detection.detectors}
            unused = [name for name in own if name.startswith("detector/") and name not in used]
            if watch.traffic is None:
                unused += [name for name in own if name.startswith("traffic")]
            retired += [_field(subject, name) for name in unused]
        told = []
        if _BASELINE in fields and self._baseline is not None:
            told = self._baseline.restore(fields[_BASELINE])
        self.merge, self._watches, self._retired = merge, watches, retired
        self._stored = {subject: set(by_subject[subject]) for subject in watches}
        return [Raised(*entry) for entry in told]

    def _expected(self, subject: Subject, time: int) -> tuple[Layout, int] | None:
        plan = plan_of(self._plans, subject, time)
        return (plan.contrasts.layout, plan.pane_length) if plan is not None else None

    def _plan_of(self, subject: Subject, pane: Pane) -> WatchPlan | None:
        return plan_of(self._plans, subject, pane.start)

    def _until(self, subject: Subject, plan: WatchPlan) -> int:
        """Ms from which on another plan holds; END_OF_TIME: never."""
        # A segment ends with the profile that it is of, whether or not the next one has it.
        whole = all_plans(self._plans[subject._replace(segment="")])
        return min((p.since for p in whole if p.since > plan.since), default=END_OF_TIME)

    def _plan_that_goes_on(self, subject: Subject, mark: bytes | None, closed_to: int) -> WatchPlan:
        """The plan that a stored past belongs to: the one that holds up to where panes are closed, or it is refused."""
        plan = plan_of(self._plans, subject, closed_to)
        if plan is not None and closed_to == END_OF_TIME:
            # The end of a file reaches no further than what was counted before it.
            plan = next((former for former in all_plans(plan) if _mark(former) == mark), plan)
        if plan is not None and _mark(plan) == mark:
            return plan
        if plan is not None and any(_mark(former) == mark for former in all_plans(plan.before)):
            raise StateError(refusal(subject, plan.since, closed_to))
        what = "another profile, pane length or limits.distinct_features"
        raise StateError(f"the past of {subject} was counted with {what}")

    def _is_ours(self, partial: PartialPane) -> bool:
        expected = self._expected(partial.subject, partial.start)
        if expected is None and partial.profile == NO_PROFILE and self._unprofiled is not None:
            return partial.length == self._unprofiled.length_of(partial.subject.model_id)
        # Counts over other bins or another span of time say nothing to the series of this profile.
        return expected is not None and (partial.profile, partial.length) == (expected[0].profile_hash, expected[1])

    def _close(self) -> list[Raised]:
        raised: list[Raised] = []
        closed = self.merge.close()
        for subject, panes in closed.items():
            self._on_closed(subject, panes)
        planned = {
            subject: [(self._plan_of(subject, pane), pane) for pane in panes] for subject, panes in closed.items()
        }
        for version, subjects in groupby(closed, lambda subject: subject[:2]):
            raised += self._judge_model(
                Subject(*version),
                {
                    subject: [(plan, pane) for plan, pane in planned[subject] if plan is not None]
                    for subject in subjects
                },
            )
        for subject, watch in sorted(self._watches.items()):
            raised += [Raised(subject, step) for step in watch.be_silent(self.merge.silent_to)]
        reached = self._reached(closed)
        for subject in [s for s, watch in self._watches.items() if watch.until <= reached(s)]:
            raised += self._retire(subject)
        if self._baseline is not None:
            unprofiled = [pane for panes in planned.values() for plan, pane in panes if plan is None]
            watched = {subject for subject, panes in planned.items() if any(plan is not None for plan, _ in panes)}
            raised += [Raised(*told) for told in self._baseline.advance(unprofiled, self.merge.closed_to, watched)]
        raised.sort(key=lambda r: (r.transition.at, r.subject))
        return raised

    def _reached(self, closed: Mapping[Subject, Sequence[Pane]]) -> Callable[[Subject], int]:
        """Ms up to which a subject's panes are known, now that these have closed."""
        if self.merge.closed_to != END_OF_TIME:
            return lambda _subject: self.merge.closed_to
        # The end of a file reaches no further than what was counted before it; of the same model, so that it doesn't
        # matter which models share a stage.
        last: dict[str, int] = {}
        for subject, panes in closed.items():
            last[subject.model_id] = max(last.get(subject.model_id, ALWAYS), panes[-1].start)
        return lambda subject: last.get(subject.model_id, ALWAYS)

    def _judge_model(self, whole: Subject, panes: Mapping[Subject, Sequence[tuple[WatchPlan, Pane]]]) -> list[Raised]:
        """Each block of the whole, and after it the segments' panes up to there, as they are held against it."""
        raised: list[Raised] = []
        segments = {subject: deque(of_segment) for subject, of_segment in panes.items() if subject.segment}
        for plan, stretch in groupby(panes.get(whole, ()), itemgetter(0)):
            counted = [pane for _, pane in stretch]
            watch = self._watch_of(whole, plan, raised)
            for block in watch.blocks(counted):
                for at, steps in groupby(watch.judge(block), lambda step: step.at):
                    raised += self._judge_segments(segments, at, watch.whole)
                    raised += [Raised(whole, self._with_segments(whole, step)) for step in steps]
                raised += self._judge_segments(segments, block[-1].end, watch.whole)
            raised += [Raised(whole, step) for step in watch.count(counted)]
            self.panes_closed += len(counted)
            self.events_closed += sum(pane.events for pane in counted)
        return raised + self._judge_segments(segments, END_OF_TIME, None)

    def _judge_segments(
        self, segments: Mapping[Subject, deque[tuple[WatchPlan, Pane]]], until: int, whole: Whole | None
    ) -> list[Raised]:
        """Take the panes that end by `until` (ms)."""
        raised: list[Raised] = []
        for subject, waiting in segments.items():
            taken = []
            while waiting and waiting[0][1].end <= until:
                taken.append(waiting.popleft())
            for plan, stretch in groupby(taken, itemgetter(0)):
                watch = self._watch_of(subject, plan, raised)
                raised += [Raised(subject, step) for step in watch.advance([pane for _, pane in stretch], whole)]
        return raised

    def _with_segments(self, whole: Subject, step: Transition) -> Transition:
        """With the segments that have moved too, all of them judged up to the pane of the step."""
        plan = self._watches[whole].plan
        moves = [
            (subject.segment, move)
            for subject, watch in sorted(self._watches.items())
            if subject.segment and subject[:2] == whole[:2] and watch.plan.since == plan.since
            for move in [watch.moved_with(step)]
            if move is not None
        ]
        moves.sort(key=lambda entry: -abs(entry[1].distance))
        return replace(step, segments=tuple(SegmentMove(name, move.before, move.level.mean) for name, move in moves))

    def _watch_of(self, subject: Subject, plan: WatchPlan, raised: list[Raised]) -> SubjectWatch:
        """The watch by this plan; one by the plan before ends, and what that raises is added."""
        watch = self._watches.get(subject)
        if watch is not None and watch.plan is not plan:
            raised += self._retire(subject)
            watch = None
        if watch is None:
            watch = self._watches[subject] = SubjectWatch(plan, self._until(subject, plan))
        return watch

    def _retire(self, subject: Subject) -> list[Raised]:
        """End the watch of a subject whose last pane under this plan has closed."""
        self._retired += [_field(subject, name) for name in sorted(self._stored.pop(subject, ()))]
        watch = self._watches.pop(subject)
        silent = watch.be_silent(self.merge.silent_to)
        return [Raised(subject, transition) for transition in [*silent, *watch.end(subject)]]


def _first_watched(plans: Mapping[Subject, WatchPlan]) -> dict[Subject, int]:
    """Since when (ms) each subject has a profile."""
    return {subject: min(plan.since for plan in all_plans(newest)) for subject, newest in plans.items()}


def _mark(plan: WatchPlan) -> bytes:
    """What a subject's stored past can be added to."""
    layout = plan.contrasts.layout
    watched = [slot.name for slot in layout.repeats]
    return f"{layout.profile_hash} {plan.pane_length}".encode() + (orjson.dumps(watched) if watched else b"")


def _field(subject: Subject, name: str) -> str:
    return orjson.dumps(list(subject)).decode() + name


def _parse_field(name: str) -> tuple[Subject, str]:
    head, separator, part = name.rpartition('"]')
    try:
        model_id, model_version, segment = orjson.loads(head + separator)
    except ValueError as error:
        raise StateError(f"state field {name!r} names no subject") from error
    return Subject(model_id, model_version, segment), part
