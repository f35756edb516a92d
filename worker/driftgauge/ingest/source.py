"""Ingest: one source's records to partial panes and watermarks. A pure function of the source's log.

State is small: the watermark and the open panes. Records held back as "too far ahead" are not state: the position to
resume from stays before the first of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driftgauge.decode.columns import Decoded, EventColumns, Reject, RejectCode
from driftgauge.ingest.batches import concatenate, select
from driftgauge.ingest.changes import ProfileChanges
from driftgauge.ingest.counting import count_panes
from driftgauge.ingest.observing import Observes, OnTime, within_limit
from driftgauge.ingest.sampling import sample_panes
from driftgauge.ingest.segments import count_by_segment
from driftgauge.ingest.unprofiled import PaneLimit, pane_rows
from driftgauge.ingest.watermark import MIN_TIME, Admission, EventTime
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, ProfileChange, Watermark
from driftgauge.panes.sample import RowSample
from driftgauge.panes.schedule import ALWAYS, all_plans, plan_of
from driftgauge.panes.unprofiled import NO_PROFILE, UnprofiledPlan
from driftgauge.profiles.layout import Layout
from driftgauge.records import RecordBatch, Source
from driftgauge.subject import Subject


class Decodes(Protocol):
    """Anything that decodes a batch; see `decode.decoder.Decoder`."""

    def decode(self, batch: RecordBatch) -> Decoded:
        """Columns and rejects of a batch."""
        ...


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """How a subject is counted: its cells and the length of its panes (ms); since when, and how before that.

    `segments`: those of it that have plans beside it.
    """

    layout: Layout
    pane_length: int
    since: int = ALWAYS
    before: SubjectPlan | None = None
    segments: Sequence[Subject] = ()


@dataclass(slots=True, eq=False)
class OpenPane:
    """A pane that may still grow."""

    counts: NDArray[np.int64]
    events: int
    first_offset: int
    last_offset: int
    incomplete: bool = False
    alarms: list[EventAlarm] = field(default_factory=list)
    alarms_beyond_limit: int = 0
    sample: RowSample | None = None


@dataclass(slots=True)
class Ingested:
    """What a batch gave: messages for the panes topic in order, rejects with the batch they point into.

    `events` are those of subjects with a profile; `outside_segments`, where a subject has segments, are those of them
    that are in none. The others are counted in `unknown_models`, and again in `beyond_limit` where so many came that
    they are in no pane. `alarms`: of detectors on single events, those beyond the limit of a pane included.
    """

    messages: list[Message] = field(default_factory=list)
    rejects: list[tuple[RecordBatch, Reject]] = field(default_factory=list)
    unknown_models: dict[str, int] = field(default_factory=dict)
    beyond_limit: int = 0
    late: int = 0
    events: int = 0
    alarms: int = 0
    outside_segments: int = 0


class SourceIngest:
    """Ingest of one source. `position`: first offset not yet settled, from where a restart must read on.

    `cut_start`: reading starts in the middle of the log, so the panes that had begun by the time (`cut_to`, ms) of its
    first record are marked incomplete. `recount_to`: up to that offset records have been taken before, and are counted
    anew because the state was lost. `unprofiled`: how subjects without a profile are counted; None: not at all. `bank`:
    detectors on single events, if any.
    """

    def __init__(
        self,
        source: Source,
        decoder: Decodes,
        plans: Mapping[Subject, SubjectPlan],
        *,
        out_of_orderness: int,
        position: int = 0,
        cut_start: bool = False,
        unprofiled: UnprofiledPlan | None = None,
        bank: Observes | None = None,
    ) -> None:
        """A source with nothing read yet; `restore` (ingest/snapshot.py) brings one back."""
        self.source = source
        self.plans = plans
        self.position = position
        self.cut_start = cut_start
        self.cut_to = MIN_TIME
        self.recount_to = 0
        self.unprofiled = unprofiled
        self.bank = bank
        # Where no model has panes as long as those of strangers, their panes close all the same.
        extra = [unprofiled.length, *unprofiled.lengths.values()] if unprofiled is not None else []
        every = [(subject, plan) for subject, newest in plans.items() for plan in all_plans(newest)]
        lengths = [plan.pane_length for _, plan in every] or extra
        self._grids = sorted({*lengths, *extra})
        self.time = EventTime.of(out_of_orderness, max(lengths))
        self._limit = PaneLimit(unprofiled) if unprofiled is not None else None
        self.open: dict[tuple[Subject, int], OpenPane] = {}
        self.late = 0
        self.idle = False
        self._decoder = decoder
        self._held: RecordBatch | None = None
        self._announced = MIN_TIME
        self._changes = ProfileChanges(
            ProfileChange(subject.model_id, subject.model_version, plan.layout.profile_hash, plan.since)
            for subject, plan in every
            if plan.since != ALWAYS and not subject.segment
        )

    @property
    def watermark(self) -> int:
        """Ms; MIN_TIME before the first record."""
        return self.time.watermark

    def process(self, batch: RecordBatch) -> Ingested:
        """Take the next records of the source, in offset order."""
        done = Ingested()
        if not len(batch):
            return done
        if self._held is not None:
            batch, self._held = concatenate(self._held, batch), None
        decoded = self._decoder.decode(batch)
        recounted = bisect_left(batch.offsets, self.recount_to) if batch.offsets[0] < self.recount_to else 0
        admission = self.time.admit(decoded.timestamps, decoded.accepted, recounted)
        done.rejects = [(batch, reject) for reject in decoded.rejects]
        done.rejects += [(batch, _in_future(row, self.source)) for row in admission.refused]
        done.unknown_models = decoded.unknown_models
        if len(admission.taken):
            self.idle = False
            if self.cut_start:
                self.cut_start, self.cut_to = False, int(decoded.timestamps[admission.taken[0]])
            self._count(batch, decoded, admission, done, recounted)
        if admission.held:
            self._held = select(batch, admission.held)
        self.position = self._held.offsets[0] if self._held else batch.offsets[-1] + 1
        if self.position >= self.recount_to:
            self.recount_to = 0
        self._close(done.messages)
        return done

    def raise_watermark(self, time: int) -> Ingested:
        """Declare the source idle up to `time` (a decision of the wall clock, taken by the runtime)."""
        done = Ingested()
        if time > self.time.watermark:
            self.time.watermark = time
            self.idle = True
            self._close(done.messages)
        return done

    def finish(self) -> Ingested:
        """The source has ended: close everything. Panes the watermark had not passed are marked incomplete."""
        done = Ingested()
        if self._held is not None:
            held, self._held = self._held, None
            done.rejects = [(held, _in_future(row, self.source)) for row in range(len(held))]
            self.position = held.offsets[-1] + 1
        for (subject, start), pane in self.open.items():
            pane.incomplete |= start + self.length_of(subject, start) > self.time.watermark
        self.time.watermark = END_OF_TIME
        self._close(done.messages)
        return done

    def announcement(self) -> Watermark:
        """The current watermark as a message; repeated after a restore (readers drop what they know)."""
        resume = min((pane.first_offset for pane in self.open.values()), default=self.position)
        taken = max(self.position, self.recount_to)
        return Watermark(self.source, self.time.watermark, taken, resume, self.late, self.idle)

    def would_close(self, time: int) -> bool:
        """Whether a watermark of `time` passes a pane end that the current one does not."""
        current = self.time.watermark
        return any(current == MIN_TIME or time // grid > current // grid for grid in self._grids)

    def plan_of(self, subject: Subject, time: int) -> SubjectPlan | None:
        """How events of that time (ms) are counted; None: there is no profile for them."""
        return plan_of(self.plans, subject, time)

    def length_of(self, subject: Subject, time: int) -> int:
        """Length (ms) of a subject's pane that holds this time, if it has panes here."""
        plan = self.plan_of(subject, time)
        if plan is not None:
            return plan.pane_length
        assert self.unprofiled is not None  # noqa: S101 (there are no others)
        return self.unprofiled.length_of(subject.model_id)

    def resume(self, last: Watermark, position: int, end: int, *, counted_otherwise: bool) -> None:
        """Go on where `last`, the source's last watermark record, was written, though the state of then is lost.

        `position` to read on from: `last.resume_offset`, or the first offset there is after it. `end`: of the log.
        `counted_otherwise`: panes may have been others then, so the one that `last` lies in is marked incomplete.
        """
        self.position = position
        # A log that ends before is another one by now: its records are new.
        self.recount_to = last.next_offset if position < last.next_offset <= end else 0
        self.cut_start = position > last.resume_offset
        self.cut_to = last.time if counted_otherwise else MIN_TIME
        self.time.watermark = last.time
        self.time.reached = MIN_TIME if last.idle else last.time
        self.idle, self.late = last.idle, last.late
        self.reopen({})

    def move_to(self, position: int, *, cut: bool) -> None:
        """Read on from another offset than the state says. `cut`: records in between will never be read."""
        if position == self.position:
            return
        self.position, self.recount_to = position, 0
        self.cut_start |= cut
        for pane in self.open.values():
            pane.incomplete |= cut
            # Of a log that begins anew: a lost state is counted anew from here at the latest.
            pane.first_offset = min(pane.first_offset, position)

    def reopen(self, panes: dict[tuple[Subject, int], OpenPane]) -> None:
        """Take these for the open panes, as a restored state holds them."""
        self.open = panes
        if self._limit is not None:
            self._limit.restore([key for key in panes if self.plan_of(*key) is None])
        self._changes.reached = self.time.watermark

    def _count(
        self, batch: RecordBatch, decoded: Decoded, admission: Admission, done: Ingested, recounted: int
    ) -> None:
        met = np.full(len(batch), END_OF_TIME, np.int64)
        met[admission.taken] = admission.before
        seen: dict[tuple[Subject, int], list[OnTime]] = {}
        for events in decoded.events:
            on_time = self._count_subject(batch, decoded.timestamps, events, met, done, recounted)
            seen.setdefault((events.subject, events.since), []).append(OnTime(events, on_time))
        if self.bank is not None:
            for parts in seen.values():
                alarms = self.bank.observe(parts, decoded.timestamps, batch.offsets)
                done.alarms += len(alarms)
                self._file(alarms, parts[0].events, self.bank.alarms_per_pane)
        self.late += done.late
        if decoded.unprofiled is not None and self.unprofiled is not None and self._limit is not None:
            for found in pane_rows(decoded.unprofiled, decoded.timestamps, met, self.unprofiled):
                key = (found.subject, found.start)
                if self.plan_of(*key) is not None or not (key in self.open or self._limit.admit(*key)):
                    done.beyond_limit += found.events
                    continue
                first, last = batch.offsets[found.first_row], batch.offsets[found.last_row]
                self._add(key, np.empty(0, np.int64), found.events, first, last)

    def _count_subject(
        self,
        batch: RecordBatch,
        times: NDArray[np.int64],
        events: EventColumns,
        met: NDArray[np.int64],
        done: Ingested,
        recounted: int,
    ) -> NDArray[np.bool_]:
        """Count a subject's events into their panes; bool [n], those that are on time."""
        plan = self.plan_of(events.subject, events.since)
        assert plan is not None  # noqa: S101 (it is what they were decoded by)
        starts = times[events.rows] // plan.pane_length * plan.pane_length
        watermark_met = met[events.rows]
        on_time = starts + plan.pane_length > watermark_met
        # Of the first `recounted` rows it has been said before which were late.
        late = ~on_time & (watermark_met != END_OF_TIME) & (events.rows >= recounted)
        done.late += int(np.count_nonzero(late))
        if not on_time.any():
            return on_time
        taken = starts[on_time]
        uniques, inverse = np.unique(taken, return_inverse=True)
        pane = np.zeros(len(starts), np.int64)
        pane[on_time] = inverse
        if events.segments is None:
            counts = count_panes(plan.layout, events, on_time, pane, len(uniques))
        else:
            counts, found, outside = count_by_segment(plan.layout, events, on_time, pane, len(uniques))
            done.outside_segments += outside
            for of in found:
                first, last = batch.offsets[of.first_row], batch.offsets[of.last_row]
                self._add((plan.segments[of.segment], int(uniques[of.pane])), of.counts, of.events, first, last)
        samples = sample_panes(plan.layout, events, times[events.rows], on_time, pane, len(uniques))
        sizes = np.bincount(inverse, minlength=len(uniques))
        rows = events.rows[on_time]
        done.events += len(rows)
        for i, start in enumerate(uniques.tolist()):
            members = rows if len(uniques) == 1 else rows[inverse == i]
            first, last = batch.offsets[int(members[0])], batch.offsets[int(members[-1])]
            self._add((events.subject, start), counts[i], int(sizes[i]), first, last, samples[i])
        return on_time

    def _file(self, alarms: Sequence[EventAlarm], events: EventColumns, limit: int) -> None:
        """Each goes to the pane of its event, which has been counted by now; at most so many of a kind."""
        by_pane: dict[int, list[EventAlarm]] = {}
        length = self.length_of(events.subject, events.since)
        for alarm in alarms:
            by_pane.setdefault(alarm.at // length * length, []).append(alarm)
        for start, found in by_pane.items():
            pane = self.open[events.subject, start]
            kept = within_limit(pane.alarms, found, limit)
            pane.alarms += kept
            pane.alarms_beyond_limit += len(found) - len(kept)

    def _add(
        self,
        key: tuple[Subject, int],
        counts: NDArray[np.int64],
        events: int,
        first: int,
        last: int,
        sample: RowSample | None = None,
    ) -> None:
        pane = self.open.get(key)
        if pane is None:
            self.open[key] = OpenPane(counts, events, first, last, incomplete=key[1] <= self.cut_to, sample=sample)
        else:
            pane.counts = pane.counts + counts
            pane.events += events
            # A batch's events of a subject may come in several parts, each in order of its own.
            pane.first_offset, pane.last_offset = min(pane.first_offset, first), max(pane.last_offset, last)
            pane.sample = sample.merged(pane.sample) if sample is not None else pane.sample

    def _close(self, messages: list[Message]) -> None:
        """Emit what the watermark has passed, oldest first, then the watermark if it passed any pane end."""
        watermark = self.time.watermark
        passed = [key for key in self.open if key[1] + self.length_of(*key) <= watermark]
        # The end of a file reaches no further than what was counted before it.
        last = max((start for _, start in passed), default=MIN_TIME)
        messages += self._changes.up_to(watermark if watermark != END_OF_TIME else last)
        for subject, start in sorted(passed, key=lambda key: (key[1], key[0])):
            pane = self.open.pop((subject, start))
            plan = self.plan_of(subject, start)
            if plan is None and self._limit is not None:
                self._limit.closed(subject, start)
            messages.append(
                PartialPane(
                    subject,
                    plan.layout.profile_hash if plan is not None else NO_PROFILE,
                    start,
                    self.length_of(subject, start),
                    self.source,
                    pane.counts,
                    pane.events,
                    pane.first_offset,
                    pane.last_offset,
                    pane.incomplete,
                    tuple(pane.alarms),
                    pane.alarms_beyond_limit,
                    pane.sample,
                )
            )
        if watermark != MIN_TIME and any(watermark // g > self._announced // g for g in self._grids):
            self._announced = watermark
            messages.append(self.announcement())


def _in_future(row: int, source: Source) -> Reject:
    message = f"event time lies too far ahead of the other records of {source}"
    return Reject(row, RejectCode.TIMESTAMP_IN_FUTURE, message)
