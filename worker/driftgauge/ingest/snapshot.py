"""The state of one source's ingest as bytes: the watermark, the position and the open panes. Strictly decoded."""

from __future__ import annotations

import msgspec
import numpy as np

from driftgauge.errors import StateError
from driftgauge.ingest.source import OpenPane, SourceIngest
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.subject import Subject

VERSION = 1


class _Pane(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    subject: tuple[str, str, str]
    profile: str
    start: int
    length: int
    counts: bytes
    events: int
    first_offset: int
    last_offset: int
    incomplete: bool


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    position: int
    watermark: int
    idle: bool
    late: int
    cut_start: bool
    cut_to: int
    panes: list[_Pane]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def snapshot(ingest: SourceIngest) -> bytes:
    """Everything a restarted worker needs to go on as if nothing had happened; equal states give equal bytes."""
    panes = [
        _Pane(
            (subject.model_id, subject.model_version, subject.segment),
            ingest.plans[subject].layout.profile_hash if subject in ingest.plans else NO_PROFILE,
            start,
            ingest.length_of(subject),
            pane.counts.astype("<i8").tobytes(),
            pane.events,
            pane.first_offset,
            pane.last_offset,
            pane.incomplete,
        )
        for (subject, start), pane in sorted(ingest.open.items())
    ]
    cut = (ingest.cut_start, ingest.cut_to)
    state = _State(VERSION, ingest.position, ingest.watermark, ingest.idle, ingest.late, *cut, panes)
    return _encoder.encode(state)


def restore(ingest: SourceIngest, data: bytes) -> None:
    """Bring a fresh ingest to the state in `data`. StateError if it doesn't fit, and the ingest is untouched.

    Open panes that nobody would take are dropped: those of a model that isn't configured any more, and those of a
    subject without a profile if it has one now, or its panes another length.
    """
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"ingest state of {ingest.source} can't be read: {error}") from error
    if state.version != VERSION:
        raise StateError(f"ingest state of {ingest.source} has version {state.version}, this program reads {VERSION}")
    panes: dict[tuple[Subject, int], OpenPane] = {}
    for pane in state.panes:
        subject = Subject(*pane.subject)
        plan = ingest.plans.get(subject)
        if pane.profile == NO_PROFILE:
            if plan is None and ingest.unprofiled is not None and pane.length == ingest.length_of(subject):
                panes[subject, pane.start] = _unprofiled(pane, subject)
            continue
        if plan is None:
            continue
        if (pane.profile, pane.length) != (plan.layout.profile_hash, plan.pane_length):
            raise StateError(
                f"an open pane of {subject} was counted with profile {pane.profile} over {pane.length} ms, but "
                f"configured are profile {plan.layout.profile_hash} and panes of {plan.pane_length} ms"
            )
        if len(pane.counts) != 8 * plan.layout.size or pane.start % plan.pane_length:
            raise StateError(f"an open pane of {subject} has another shape than its profile and pane length")
        counts = np.frombuffer(pane.counts, "<i8").astype(np.int64)
        if (counts < 0).any() or min(pane.events, pane.first_offset, pane.last_offset) < 0:
            raise StateError(f"an open pane of {subject} holds negative counts")
        panes[subject, pane.start] = OpenPane(counts, pane.events, pane.first_offset, pane.last_offset, pane.incomplete)
    ingest.position = state.position
    ingest.time.watermark = state.watermark
    ingest.time.reached = MIN_TIME if state.idle else state.watermark
    ingest.idle = state.idle
    ingest.late = state.late
    ingest.cut_start, ingest.cut_to = state.cut_start, state.cut_to
    ingest.reopen(panes)


def _unprofiled(pane: _Pane, subject: Subject) -> OpenPane:
    if pane.counts or pane.start % pane.length or min(pane.events, pane.first_offset, pane.last_offset) < 0:
        raise StateError(f"an open pane of {subject}, which has no profile, is not one that was stored here")
    return OpenPane(np.empty(0, np.int64), pane.events, pane.first_offset, pane.last_offset, pane.incomplete)
