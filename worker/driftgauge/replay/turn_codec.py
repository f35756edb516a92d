"""Turns as bytes, from a process that counts to the one that judges: messages in the form of the panes topic."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from driftgauge.panes.codec import decode_message, encode_message
from driftgauge.profiles.layout import Layout
from driftgauge.replay.turn import Rejected, Turn


class TurnRecord(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """See Turn."""

    number: int
    watermark: int
    last: bool
    records: int
    late: int
    outside_segments: int
    unknown_models: dict[str, int]
    reject_codes: dict[str, int]
    rejected: list[tuple[int, str, str]]
    messages: list[bytes]


def record_of(turn: Turn, layouts: Mapping[str, Layout]) -> TurnRecord:
    """What `turn_of` reads. `layouts` by profile hash."""
    return TurnRecord(
        turn.number,
        turn.watermark,
        turn.last,
        turn.records,
        turn.late,
        turn.outside_segments,
        dict(turn.unknown_models),
        dict(turn.reject_codes),
        list(turn.rejected),
        [encode_message(message, layouts) for message in turn.messages],
    )


def turn_of(record: TurnRecord, layouts: Mapping[str, Layout]) -> Turn:
    """The inverse. StateError if a profile is another one by now."""
    return Turn(
        record.number,
        record.watermark,
        record.last,
        record.records,
        record.late,
        record.outside_segments,
        record.unknown_models,
        record.reject_codes,
        [Rejected(*one) for one in record.rejected],
        [decode_message(message, layouts) for message in record.messages],
    )
