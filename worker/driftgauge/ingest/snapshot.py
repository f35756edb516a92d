"""The state of one source's ingest as bytes: watermark, position, open panes, detectors on events. Strictly decoded."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from driftgauge.errors import StateError
from driftgauge.ingest.source import OpenPane, SourceIngest, SubjectPlan
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.event_alarm import EventAlarm, require_within
from driftgauge.panes.sample import SampleRecord, sample_of, sample_record
from driftgauge.panes.schedule import ALWAYS, all_plans, refusal
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.subject import Subject

VERSION = 4
# Before, nothing was ever counted anew.
_READABLE = (3, VERSION)


# As wide as the columns that these are compared with: a wider one would fail there.
_Int = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class _Pane(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    subject: tuple[str, str, str]
    profile: str
    start: _Int
    length: _Int
    counts: bytes
    events: _Int
    first_offset: _Int
    last_offset: _Int
    incomplete: bool
    alarms: list[EventAlarm]
    alarms_beyond_limit: Annotated[int, Meta(ge=0)]
    sample: SampleRecord | None = None


class _Plan(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """How a subject is counted where the watermark is."""

    subject: tuple[str, str, str]
    profile: str
    length: _Int


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: _Int
    position: _Int
    watermark: _Int
    idle: bool
    late: _Int
    cut_start: bool
    cut_to: _Int
    panes: list[_Pane]
    plans: list[_Plan]
    bank: bytes
    recount_to: Annotated[int, Meta(ge=0)] = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def snapshot(ingest: SourceIngest) -> bytes:
    """Everything a restarted worker needs to go on as if nothing had happened; equal states give equal bytes."""
    panes = [
        _Pane(
            (subject.model_id, subject.model_version, subject.segment),
            plan.layout.profile_hash if (plan := ingest.plan_of(subject, start)) is not None else NO_PROFILE,
            start,
            ingest.length_of(subject, start),
            pane.counts.astype("<i8").tobytes(),
            pane.events,
            pane.first_offset,
            pane.last_offset,
            pane.incomplete,
            pane.alarms,
            pane.alarms_beyond_limit,
            sample_record(pane.sample),
        )
        for (subject, start), pane in sorted(ingest.open.items())
    ]
    plans = [
        _Plan((subject.model_id, subject.model_version, subject.segment), plan.layout.profile_hash, plan.pane_length)
        for subject in sorted(ingest.plans)
        # A segment's plan is its model's.
        if not subject.segment and (plan := ingest.plan_of(subject, ingest.watermark)) is not None
    ]
    bank = ingest.bank.snapshot(ingest.watermark) if ingest.bank is not None else b""
    cut = (ingest.cut_start, ingest.cut_to)
    clock = (ingest.position, ingest.watermark, ingest.idle, ingest.late)
    return _encoder.encode(_State(VERSION, *clock, *cut, panes, plans, bank, ingest.recount_to))


def watermark_of(data: bytes) -> int:
    """The watermark (ms) in a snapshot; MIN_TIME if there is none yet. StateError if it can't be read."""
    try:
        return _decoder.decode(data).watermark
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the ingest state can't be read: {error}") from error


def restore(ingest: SourceIngest, data: bytes) -> None:
    """Bring a fresh ingest to the state in `data`. StateError if it doesn't fit, and the ingest is untouched.

    Open panes that nobody would take are dropped: those of a model that isn't configured any more, and those of a
    subject without a profile if it has one now, or its panes another length.
    """
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"ingest state of {ingest.source} can't be read: {error}") from error
    if state.version not in _READABLE:
        raise StateError(f"ingest state of {ingest.source} has version {state.version}, this program reads {VERSION}")
    _check_plans(ingest, state)
    panes: dict[tuple[Subject, int], OpenPane] = {}
    for stored in state.panes:
        pane = _open_pane(ingest, state, stored)
        if pane is not None:
            panes[Subject(*stored.subject), stored.start] = pane
    # Without a state they were switched on since, without a bank they were switched off.
    if ingest.bank is not None and state.bank:
        ingest.bank.restore(state.bank, state.watermark)
    ingest.position = state.position
    ingest.time.watermark = state.watermark
    ingest.time.reached = MIN_TIME if state.idle else state.watermark
    ingest.idle = state.idle
    ingest.late = state.late
    ingest.cut_start, ingest.cut_to = state.cut_start, state.cut_to
    ingest.recount_to = state.recount_to
    ingest.reopen(panes)


def _check_plans(ingest: SourceIngest, state: _State) -> None:
    """StateError if a subject is to be counted otherwise at a time that this source has passed already."""
    if state.watermark == MIN_TIME:
        return
    stored = {Subject(*plan.subject): plan for plan in state.plans}
    for subject in (subject for subject in ingest.plans if not subject.segment):
        was, plan = stored.get(subject), ingest.plan_of(subject, state.watermark)
        if was is None:
            # A profile that holds from no time on is one from now on.
            if plan is not None and plan.since != ALWAYS:
                raise StateError(refusal(subject, plan.since, _reached(state, subject)))
        elif plan is None:
            raise StateError(f"{subject} was counted with profile {was.profile}, and is configured to have none yet")
        elif not _is_of(was, plan):
            raise _misfit(state, subject, was, plan)


def _open_pane(ingest: SourceIngest, state: _State, stored: _Pane) -> OpenPane | None:
    """A stored open pane; None if nobody would take it."""
    subject = Subject(*stored.subject)
    plan = ingest.plan_of(subject, stored.start)
    if stored.profile == NO_PROFILE:
        if plan is not None and plan.since != ALWAYS:
            raise StateError(refusal(subject, plan.since, _reached(state, subject)))
        known = plan is None and ingest.unprofiled is not None
        return (
            _unprofiled(stored, subject) if known and stored.length == ingest.length_of(subject, stored.start) else None
        )
    if plan is None:
        return None
    if not _is_of(stored, plan):
        raise _misfit(state, subject, stored, plan)
    if len(stored.counts) != 8 * plan.layout.size or stored.start % plan.pane_length:
        raise StateError(f"an open pane of {subject} has another shape than its profile and pane length")
    counts = np.frombuffer(stored.counts, "<i8").astype(np.int64)
    if (counts < 0).any() or min(stored.events, stored.first_offset, stored.last_offset) < 0:
        raise StateError(f"an open pane of {subject} holds negative counts")
    require_within(stored.alarms, stored.start, stored.start + stored.length, stored.first_offset, stored.last_offset)
    span = (stored.first_offset, stored.last_offset, stored.incomplete)
    sample = sample_of(stored.sample, plan.layout, stored.events)
    return OpenPane(counts, stored.events, *span, stored.alarms, stored.alarms_beyond_limit, sample)


def _misfit(state: _State, subject: Subject, stored: _Pane | _Plan, plan: SubjectPlan) -> StateError:
    """What was counted in another way than `plan`, which is configured: too early a change, or none that is planned."""
    if any(_is_of(stored, former) for former in all_plans(plan.before)):
        return StateError(refusal(subject, plan.since, _reached(state, subject)))
    what = "an open pane of " if isinstance(stored, _Pane) else ""
    return StateError(
        f"{what}{subject} was counted with profile {stored.profile} over {stored.length} ms, but "
        f"configured are profile {plan.layout.profile_hash} and panes of {plan.pane_length} ms"
    )


def _is_of(stored: _Pane | _Plan, plan: SubjectPlan) -> bool:
    return (stored.profile, stored.length) == (plan.layout.profile_hash, plan.pane_length)


def _reached(state: _State, subject: Subject) -> int:
    """Ms up to which a subject has been counted: a change can't come before."""
    return max([state.watermark, *(pane.start + pane.length for pane in state.panes if pane.subject == tuple(subject))])


def _unprofiled(pane: _Pane, subject: Subject) -> OpenPane:
    counted = pane.counts or pane.alarms
    if counted or pane.start % pane.length or min(pane.events, pane.first_offset, pane.last_offset) < 0:
        raise StateError(f"an open pane of {subject}, which has no profile, is not one that was stored here")
    return OpenPane(np.empty(0, np.int64), pane.events, pane.first_offset, pane.last_offset, pane.incomplete)
