"""The open panes of a panes partition as state fields, one field per pane, and back. Strictly decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
import numpy as np
import orjson
from msgspec import Meta

from driftgauge.errors import StateError
from driftgauge.panes.event_alarm import EventAlarm, require_within
from driftgauge.panes.merge import Pane, PaneMerge
from driftgauge.panes.sample import RowSample, SampleRecord, sample_of, sample_record
from driftgauge.panes.unprofiled import NO_PROFILE, UnprofiledPlan
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source
from driftgauge.subject import Subject

VERSION = 3
# Before, no source of a worker came to an end.
_READABLE = (2, VERSION)


class _Pane(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    subject: tuple[str, str, str]
    profile: str
    start: int
    length: int
    counts: bytes
    events: int
    offsets: list[tuple[str, int, int, int]]
    incomplete: bool
    alarms: list[tuple[str, int, list[EventAlarm]]]
    alarms_beyond_limit: Annotated[int, Meta(ge=0)]
    sample: SampleRecord | None = None


class _Merge(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    sources: list[tuple[str, int]] | None
    watermarks: list[tuple[str, int, int]]
    closed_to: int
    duplicates: int
    conflicts: int
    ended: list[tuple[str, int, int]] = []


_encoder = msgspec.msgpack.Encoder()
_pane_decoder = msgspec.msgpack.Decoder(_Pane)
_merge_decoder = msgspec.msgpack.Decoder(_Merge)


def merge_fields(merge: PaneMerge) -> dict[str, bytes]:
    """All fields: `merge`, and `open/N` per open pane in order of (subject, start)."""
    head = _Merge(
        VERSION,
        None if merge.sources is None else [(s.topic, s.partition) for s in merge.sources],
        [(*source, time) for source, time in sorted(merge.watermarks.items())],
        merge.closed_to,
        merge.duplicates,
        merge.conflicts,
        [(*source, time) for source, time in sorted(merge.ended.items())],
    )
    fields = {"merge": _encoder.encode(head)}
    for (subject, start), pane in sorted(merge.open.items()):
        # As JSON: names come from outside, and no two subjects may meet in one field.
        fields[f"open/{orjson.dumps(list(subject)).decode()}/{start}"] = _encoder.encode(
            _Pane(
                (subject.model_id, subject.model_version, subject.segment),
                pane.profile,
                start,
                pane.length,
                pane.counts.astype("<i8").tobytes(),
                pane.events,
                [(*source, first, last) for source, (first, last) in sorted(pane.offsets.items())],
                pane.incomplete,
                [(*source, list(alarms)) for source, alarms in sorted(pane.alarms.items())],
                pane.alarms_beyond_limit,
                sample_record(pane.sample),
            )
        )
    return fields


def closed_to(data: bytes) -> int:
    """Ms up to which panes are closed, in the field `merge`. StateError if it can't be read."""
    try:
        return _merge_decoder.decode(data).closed_to
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the state of open panes can't be read: {error}") from error


def restore_merge(
    fields: Mapping[str, bytes],
    expected: Callable[[Subject, int], tuple[Layout, int] | None],
    unprofiled: UnprofiledPlan | None = None,
) -> PaneMerge:
    """The inverse. `expected`: layout and pane length (ms) of a subject at some time; panes without are left out.

    So are panes counted without a profile (`unprofiled`), if the subject has one now or its panes another length.
    StateError if a field is missing, unreadable or doesn't fit.
    """
    head, panes = _read(fields)
    merge = PaneMerge(
        None if head.sources is None else tuple(Source(*s) for s in head.sources),
        {Source(topic, partition): time for topic, partition, time in head.watermarks},
        {},
        head.closed_to,
        head.duplicates,
        head.conflicts,
        {Source(topic, partition): time for topic, partition, time in head.ended},
    )
    for stored in panes:
        subject = Subject(*stored.subject)
        if stored.profile == NO_PROFILE:
            known = unprofiled is not None and stored.length == unprofiled.length_of(subject.model_id)
            if not known or expected(subject, stored.start) is not None:
                continue
            if stored.counts or stored.events < 0:
                raise StateError(f"an open pane of {subject}, which has no profile, is not one that was stored here")
            merge.open[subject, stored.start] = _pane(stored)
            continue
        found = expected(subject, stored.start)
        if found is None:
            continue
        layout, length = found
        if (stored.profile, stored.length, len(stored.counts)) != (layout.profile_hash, length, 8 * layout.size):
            raise StateError(
                f"an open pane of {subject} was counted with profile {stored.profile} over {stored.length} ms, but "
                f"configured are profile {layout.profile_hash} and panes of {length} ms"
            )
        merge.open[subject, stored.start] = _pane(stored, sample_of(stored.sample, layout, stored.events))
    return merge


def _read(fields: Mapping[str, bytes]) -> tuple[_Merge, list[_Pane]]:
    try:
        head = _merge_decoder.decode(fields["merge"])
        if head.version not in _READABLE:
            raise StateError(f"stored open panes have version {head.version}, this program reads {VERSION}")
        panes = [_pane_decoder.decode(data) for name, data in fields.items() if name.startswith("open/")]
    except KeyError as error:
        raise StateError("the stored panes partition has no merge state") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"stored open panes can't be read: {error}") from error
    for pane in panes:
        if pane.start + pane.length <= head.closed_to:
            raise StateError(f"an open pane of {Subject(*pane.subject)} is stored that had closed")
    return head, panes


def _pane(stored: _Pane, sample: RowSample | None = None) -> Pane:
    offsets = {Source(topic, partition): (first, last) for topic, partition, first, last in stored.offsets}
    alarms = {Source(topic, partition): tuple(found) for topic, partition, found in stored.alarms}
    for source, found in alarms.items():
        if source not in offsets:
            raise StateError(f"an open pane of {Subject(*stored.subject)} has alarms of a source that isn't in it")
        require_within(found, stored.start, stored.start + stored.length, *offsets[source])
    return Pane(
        Subject(*stored.subject),
        stored.profile,
        stored.start,
        stored.length,
        np.frombuffer(stored.counts, "<i8").astype(np.int64),
        stored.events,
        offsets,
        stored.incomplete,
        alarms,
        stored.alarms_beyond_limit,
        sample,
    )
