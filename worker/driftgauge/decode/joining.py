"""Decoded pieces of one batch as a whole: decode works in pieces that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from driftgauge.decode.columns import Decoded, EventColumns, UnprofiledRows
from driftgauge.subject import Subject

MAX_UNKNOWN_MODELS = 100
_OTHER_MODELS = "…"


def joined(parts: Sequence[Decoded]) -> Decoded:
    """Consecutive pieces as one; none gives an empty batch. Their rows count from the start of the batch already."""
    unknown: dict[str, int] = {}
    groups: dict[tuple[Subject, int, tuple[bool, ...]], list[EventColumns]] = {}
    for part in parts:
        for model_id, count in part.unknown_models.items():
            unknown[model_id] = unknown.get(model_id, 0) + count
        for events in part.events:
            # Only columns that are there in both can follow each other.
            there = tuple(len(column) > 0 for column in events.columns)
            groups.setdefault((events.subject, events.since, there), []).append(events)
    return Decoded(
        np.concatenate([part.timestamps for part in parts]) if parts else np.empty(0, np.int64),
        np.concatenate([part.accepted for part in parts]) if parts else np.empty(0, np.bool_),
        [reject for part in parts for reject in part.rejects],
        [_joined_events(group) for group in groups.values()],
        capped(unknown),
        _joined_unprofiled([part.unprofiled for part in parts if part.unprofiled is not None]),
    )


def unprofiled_rows(found: Sequence[tuple[int, Subject]]) -> UnprofiledRows | None:
    """From (row, subject) pairs in order of rows."""
    if not found:
        return None
    known: dict[Subject, int] = {}
    codes = [known.setdefault(subject, len(known)) for _, subject in found]
    return UnprofiledRows(np.array([row for row, _ in found], np.int64), np.array(codes, np.int64), list(known))


def capped(counts: Mapping[str, int]) -> dict[str, int]:
    """The first hundred names, all others under one."""
    names = list(counts)
    kept = {name: counts[name] for name in names[:MAX_UNKNOWN_MODELS]}
    rest = sum(counts[name] for name in names[MAX_UNKNOWN_MODELS:])
    if rest:
        kept[_OTHER_MODELS] = kept.get(_OTHER_MODELS, 0) + rest
    return kept


def _joined_unprofiled(parts: Sequence[UnprofiledRows]) -> UnprofiledRows | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    known: dict[Subject, int] = {}
    codes = [
        np.array([known.setdefault(subject, len(known)) for subject in part.subjects], np.int64)[part.codes]
        for part in parts
    ]
    return UnprofiledRows(np.concatenate([part.rows for part in parts]), np.concatenate(codes), list(known))


def _joined_events(group: Sequence[EventColumns]) -> EventColumns:
    if len(group) == 1:
        return group[0]
    return EventColumns(
        group[0].subject,
        np.concatenate([events.rows for events in group]),
        [np.concatenate(columns) for columns in zip(*(events.columns for events in group), strict=True)],
        np.concatenate([events.has_features for events in group]),
        np.concatenate([events.has_prediction for events in group]),
        group[0].since,
        {slot: np.concatenate([events.ids[slot] for events in group]) for slot in group[0].ids},
        None if group[0].segments is None else np.concatenate([e.segments for e in group if e.segments is not None]),
    )
