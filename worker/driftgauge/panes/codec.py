"""The records of the panes topic as bytes: JSON with a type and a version, counts by field name.

Between ingest, which writes them, and detect, which may be another worker and another version. Promises: equal
messages give equal bytes; bytes that are no such message are a StateError that names the field, never a crash.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from driftgauge.errors import StateError
from driftgauge.panes.event_alarm import EventAlarm, require_within
from driftgauge.panes.messages import Message, PartialPane, ProfileChange, Sources, Watermark
from driftgauge.panes.sample import RowSample, SampleRecord, sample_of, sample_record
from driftgauge.panes.unprofiled import NO_PROFILE
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source
from driftgauge.subject import Subject

_Name = Annotated[str, Meta(min_length=1)]
_Hash = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
# What every JSON reader holds exactly; a sum of a thousand of them still fits an int64.
_Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Offset = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
# The bounds keep start + length within int64, however wrong a record is.
_Ms = Annotated[int, Meta(ge=-(1 << 61), le=1 << 61)]
_Length = Annotated[int, Meta(ge=1, le=1 << 53)]
_Cells = list[_Count]
_Version = Literal["1.0"]


class UnknownProfileError(StateError):
    """A partial pane was counted with a profile that isn't configured here: to be counted and left out."""

    code = "unknown_profile"


class SourceRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One input partition, or one input file."""

    topic: _Name
    partition: Annotated[int, Meta(ge=0, lt=1 << 31)]


class PaneRecord(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, tag_field="type", tag="pane"
):
    """A pane of one subject as seen by one source.

    `start` (ms since the epoch) and `length` (ms). Counts per cell in the profile's order: `features` by name, `score`
    and `label` apart, so that a feature may have any name. `profile` null: the subject has none, so there are no counts
    but `events`; its `model_version` is empty if the events name none. `alarms`: of detectors on single events, where
    there are any, in order of offsets, and how many there were beyond the limit of a pane. `sample`, where repeats are
    watched: some of the rows, to be merged with those of other sources.
    """

    schema_version: _Version
    model_id: _Name
    model_version: str
    segment: str
    profile: _Hash | None
    start: _Ms
    length: _Length
    source: SourceRecord
    first_offset: _Offset
    last_offset: _Offset
    events: _Count
    incomplete: bool
    features: dict[str, _Cells]
    score: _Cells | None
    label: _Cells | None
    alarms: list[EventAlarm] = []
    alarms_beyond_limit: _Count = 0
    sample: SampleRecord | UnsetType = UNSET


class WatermarkRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="watermark"):
    """The source adds nothing any more to panes that end at or before `time` (ms; 2^63 - 1: at the end of a file)."""

    schema_version: _Version
    source: SourceRecord
    time: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
    next_offset: _Offset
    resume_offset: _Offset
    late: _Count
    idle: bool


class SourcesRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="sources"):
    """The sources that gate panes from here on in log order."""

    schema_version: _Version
    sources: list[SourceRecord]


class ProfileChangeRecord(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="profile_change"
):
    """From the first pane at or after `effective_from` (ms), partials of this model version carry this profile."""

    schema_version: _Version
    model_id: _Name
    model_version: _Name
    profile: _Hash
    effective_from: _Ms


_Record = PaneRecord | WatermarkRecord | SourcesRecord | ProfileChangeRecord
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[_Record] = msgspec.json.Decoder(_Record)


def panes_partition(model_id: str, count: int) -> int:
    """Partition of a model's panes: CRC-32 of the id in UTF-8, modulo `count`. All versions of a model share it."""
    return zlib.crc32(model_id.encode()) % count


def encode_message(message: Message, layouts: Mapping[str, Layout]) -> bytes:
    """UTF-8 JSON of a message. `layouts` by profile hash; UnknownProfileError if a partial's isn't among them."""
    return _encoder.encode(_record(message, layouts))


def is_watermark(data: bytes | None) -> bool:
    """Whether a record of the panes topic is a watermark, without reading the rest of it."""
    return data is not None and data.startswith(b'{"type":"watermark"')


def decode_message(data: bytes, layouts: Mapping[str, Layout]) -> Message:
    """The inverse. StateError naming the field if it is no such message, UnknownProfileError for a foreign profile."""
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"a record of the panes topic can't be read: {error}") from error
    if isinstance(record, PaneRecord):
        return _partial(record, layouts)
    if isinstance(record, WatermarkRecord):
        source = _source(record.source)
        return Watermark(source, record.time, record.next_offset, record.resume_offset, record.late, record.idle)
    if isinstance(record, SourcesRecord):
        return Sources(tuple(_source(source) for source in record.sources))
    return ProfileChange(record.model_id, record.model_version, record.profile, record.effective_from)


def _record(message: Message, layouts: Mapping[str, Layout]) -> _Record:
    if isinstance(message, PartialPane):
        return _pane_record(message, layouts)
    if isinstance(message, Watermark):
        source = SourceRecord(*message.source)
        return WatermarkRecord(
            "1.0", source, message.time, message.next_offset, message.resume_offset, message.late, message.idle
        )
    if isinstance(message, Sources):
        return SourcesRecord("1.0", [SourceRecord(*source) for source in message.sources])
    return ProfileChangeRecord("1.0", message.model_id, message.model_version, message.profile, message.effective_from)


def _pane_record(pane: PartialPane, layouts: Mapping[str, Layout]) -> PaneRecord:
    layout = _layout(pane.profile, layouts) if pane.profile != NO_PROFILE else None
    counts: list[int] = pane.counts.tolist()
    features = layout.features if layout is not None else ()
    outputs = {slot.role: counts[slot.start : slot.stop] for slot in (layout.outputs if layout is not None else ())}
    sample = sample_record(pane.sample)
    return PaneRecord(
        "1.0",
        *pane.subject,
        pane.profile if layout is not None else None,
        pane.start,
        pane.length,
        SourceRecord(*pane.source),
        pane.first_offset,
        pane.last_offset,
        pane.events,
        pane.incomplete,
        {slot.name: counts[slot.start : slot.stop] for slot in features},
        outputs.get("score"),
        outputs.get("label"),
        list(pane.alarms),
        pane.alarms_beyond_limit,
        UNSET if sample is None else sample,
    )


def _partial(record: PaneRecord, layouts: Mapping[str, Layout]) -> PartialPane:
    if record.last_offset < record.first_offset:
        raise StateError("a pane record has a last_offset before its first_offset")
    require_within(record.alarms, record.start, record.start + record.length, record.first_offset, record.last_offset)
    return PartialPane(
        Subject(record.model_id, record.model_version, record.segment),
        record.profile or NO_PROFILE,
        record.start,
        record.length,
        _source(record.source),
        np.array(_cells(record, layouts), np.int64),
        record.events,
        record.first_offset,
        record.last_offset,
        record.incomplete,
        tuple(record.alarms),
        record.alarms_beyond_limit,
        _sample(record, layouts),
    )


def _sample(record: PaneRecord, layouts: Mapping[str, Layout]) -> RowSample | None:
    if record.sample is UNSET:
        return None
    if record.profile is None:
        raise StateError("a pane record without a profile has rows of its events")
    return sample_of(record.sample, _layout(record.profile, layouts), record.events)


def _cells(record: PaneRecord, layouts: Mapping[str, Layout]) -> list[int]:
    """The counts in the layout's order."""
    outputs = {"score": record.score, "label": record.label}
    if record.profile is None:
        if record.features or any(cells is not None for cells in outputs.values()):
            raise StateError("a pane record without a profile has counts for a field")
        return []
    if not record.model_version:
        raise StateError("a pane record has a profile, but an empty model_version")
    layout = _layout(record.profile, layouts)
    expected = {slot.role for slot in layout.outputs}
    flat: list[int] = []
    for slot in layout.slots:
        cells = record.features.get(slot.name) if slot.role == "feature" else outputs[slot.role]
        if cells is None or len(cells) != slot.stop - slot.start:
            found = "no counts" if cells is None else f"{len(cells)} counts"
            raise StateError(f"a pane record has {found} for {slot.role} {slot.name!r}, not {slot.stop - slot.start}")
        flat += cells
    unknown = [name for name, cells in outputs.items() if cells is not None and name not in expected]
    if unknown or len(record.features) != len(layout.features):
        raise StateError(f"a pane record has counts for a field that profile {record.profile} doesn't have")
    return flat


def _layout(profile: str, layouts: Mapping[str, Layout]) -> Layout:
    layout = layouts.get(profile)
    if layout is None:
        raise UnknownProfileError(f"a pane was counted with profile {profile}, which isn't configured")
    return layout


def _source(record: SourceRecord) -> Source:
    return Source(record.topic, record.partition)
