"""From a batch of bytes to columns: the first stage of ingest, and the only one that sees JSON.

A pure function of the batch: no record raises, every one is accepted or in exactly one reject, and what becomes of it
depends on its own bytes only. The plain majority goes through msgspec decoders generated from the profiles
(`typed`), the rest through a lenient reader; both give the same objects, from which the columns are made in bulk.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from driftgauge.decode.assemble import Assembler
from driftgauge.decode.columns import Decoded, EventColumns, Reject, RejectCode
from driftgauge.decode.envelope import (
    MODEL_ID,
    MODEL_VERSION,
    TIMESTAMP,
    EventType,
    event_type_of,
    first_present,
    version_spellings,
)
from driftgauge.decode.event_times import event_times
from driftgauge.decode.joining import capped, joined, unprofiled_rows
from driftgauge.decode.json_text import all_plain, is_plain, read_json
from driftgauge.decode.lenient import LenientModel
from driftgauge.decode.model import ModelDecoding
from driftgauge.decode.turns import NO_TURN, Turns, without
from driftgauge.decode.typed import TypedModel
from driftgauge.errors import ConfigError
from driftgauge.panes.schedule import ALWAYS
from driftgauge.records import RecordBatch
from driftgauge.subject import Subject

# Rows decoded at once: few enough that their objects stay in the processor's cache and the allocator's hands.
_CHUNK = 512
_MAX_TEXT = 256
# The position of a configured version that has no profile.
_UNPROFILED = -1
# UnicodeDecodeError is not among msgspec's errors, and comes from strings that aren't UTF-8.
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Identity(msgspec.Struct, gc=False):
    """Just enough of an event to know whose it is."""

    model_id: str | None = None
    model_version: str | int | float | None = None


class _Model:
    """One model's generated types with what reads into them and out of them."""

    def __init__(self, model: ModelDecoding, *, id_optional: bool, version_optional: bool) -> None:
        self.typed = TypedModel(model, id_optional=id_optional, version_optional=version_optional)
        self.lenient = LenientModel(self.typed)
        self.assembler = Assembler(self.typed)


class _Stranger(NamedTuple):
    """An event of a subject without a profile, its time unread."""

    row: int
    subject: Subject
    timestamp: Any
    is_label: bool


class _Batch:
    """What is collected while a batch is read: per model its rows and events, and what is of none of them.

    `instead`: the model to try first, where a version has several.
    """

    def __init__(self, models: int, instead: Mapping[int, int]) -> None:
        self.instead = instead
        self.rows: list[list[int]] = [[] for _ in range(models)]
        self.events: list[list[Any]] = [[] for _ in range(models)]
        self.strangers: list[_Stranger] = []
        self.rejects: list[Reject] = []


class Decoder:
    """Decodes the records of one input topic.

    `default_model_id`: the model of events that name none. `event_type`: what events are that don't say. Values longer
    than `max_bytes` are rejected unread. `unprofiled`: configured versions without a profile. A model version may be
    given several times, in order of the times since when; ConfigError if it is given twice for the same.
    """

    def __init__(
        self,
        models: Sequence[ModelDecoding],
        *,
        default_model_id: str | None = None,
        event_type: EventType | None = None,
        max_bytes: int = 1_000_000,
        unprofiled: Sequence[Subject] = (),
    ) -> None:
        self._default_model_id = default_model_id
        self._event_type: EventType = event_type or "prediction"
        self._max_bytes = max_bytes
        self._versions: dict[str, dict[str, int]] = {}
        starts = [*((model.subject, model.since) for model in models), *((subject, ALWAYS) for subject in unprofiled)]
        for at, (subject, _) in enumerate(starts):
            if starts[at] in starts[:at]:
                raise ConfigError(f"model {subject} is configured twice; remove one of them")
            versions = self._versions.setdefault(subject.model_id, {})
            versions.setdefault(subject.model_version, at if at < len(models) else _UNPROFILED)
        self._turns = Turns(models)
        self._models = [
            _Model(
                model,
                id_optional=model.subject.model_id == default_model_id,
                version_optional=len(self._versions[model.subject.model_id]) == 1,
            )
            for model in models
        ]
        self._decodes = [model.typed.decode or _refuse for model in self._models]
        self._identity = msgspec.json.Decoder(_Identity).decode

    def decode(self, batch: RecordBatch) -> Decoded:
        """The batch as columns. Never raises for what is in it."""
        parts = [self._decode(batch, start, min(start + _CHUNK, len(batch))) for start in range(0, len(batch), _CHUNK)]
        return parts[0] if len(parts) == 1 else joined(parts)

    def _decode(self, batch: RecordBatch, start: int, stop: int) -> Decoded:
        """Rows start..stop of the batch. The rows in the answer are those of the batch."""
        values, stamps = batch.values[start:stop], batch.timestamps[start:stop]
        found = _Batch(len(self._models), self._turns.first_try(values[0], stamps[0]) if self._turns else {})
        self._read(values, found)
        times, accepted = _times(stamps, found)
        for at, places in self._turns.astray(found.rows, times, accepted):
            self._read_anew(values, found, at, places)
        events: list[EventColumns] = []
        for model, rows, of_model in zip(self._models, found.rows, found.events, strict=True):
            if model.typed.model.count_features or model.typed.model.counts_prediction:
                kept, counted = self._counted(rows, of_model, accepted)
                events += model.assembler.columns([start + row for row in kept] if start else kept, counted)
        unknown: dict[str, int] = {}
        known = sorted(stranger for stranger in found.strangers if accepted[stranger.row])
        for stranger in known:
            model_id = stranger.subject.model_id
            unknown[model_id] = unknown.get(model_id, 0) + 1
        unprofiled = unprofiled_rows([(start + s.row, s.subject) for s in known if not s.is_label])
        rejects = [reject._replace(row=start + reject.row) for reject in sorted(found.rejects)]
        return Decoded(times, accepted, rejects, events, capped(unknown), unprofiled)

    def _read(self, values: Sequence[bytes | None], found: _Batch) -> None:
        row, at = 0, found.instead.get(0, 0)
        if not self._models or not all_plain(values, self._max_bytes):
            for row, value in enumerate(values):
                at = self._read_one(row, value, at, found)
            return
        # Runs of one model's plain events are decoded without a Python loop. Whatever is refused ends the run, is read
        # on its own, and tells which model to go on with: most topics carry one, and runs of it.
        unread = iter(values)
        while row < len(values):
            events: list[Any] = []
            refused = False
            try:
                events.extend(map(self._decodes[at], unread))  # type: ignore[arg-type]
            except _REFUSED:
                refused = True
            found.rows[at].extend(range(row, row + len(events)))
            found.events[at] += events
            row += len(events)
            if refused:
                at = self._read_one(row, values[row], at, found)
                row += 1

    def _read_one(self, row: int, value: bytes | None, at: int, found: _Batch) -> int:
        """One record; `at` is the model to try first. The model to try first for the next one."""
        if not value:
            found.rejects.append(Reject(row, RejectCode.EMPTY, "the record has no value"))
            return at
        if len(value) > self._max_bytes:
            text = f"the value has {len(value)} bytes, more than the {self._max_bytes} allowed"
            found.rejects.append(Reject(row, RejectCode.TOO_LARGE, text))
            return at
        if self._models and is_plain(value):
            event = _attempt(self._decodes[at], value)
            if event is None:
                other = self._model_of(value)
                other = found.instead.get(other, other) if other is not None else at
                if other != at:
                    at = other
                    event = _attempt(self._decodes[at], value)
            if event is not None:
                found.rows[at].append(row)
                found.events[at].append(event)
                return at
        self._read_leniently(row, value, found)
        return at

    def _model_of(self, value: bytes) -> int | None:
        """Position of the model that a plain event names."""
        identity = _attempt(self._identity, value)
        if identity is None:
            return None
        at = self._find(identity.model_id or self._default_model_id, identity.model_version)[1]
        return at if at != _UNPROFILED else None

    def _find(self, model_id: str | None, version: Any) -> tuple[str, int]:
        """The version that is meant, as it is configured or else as the event says it, and its model's position."""
        versions = self._versions.get(model_id or "", {})
        if version is None:
            return next(iter(versions.items())) if len(versions) == 1 else ("", _UNPROFILED)
        spellings = version_spellings(version)
        found = next(((text, versions[text]) for text in spellings if text in versions), None)
        return found or (next((_cut(text) for text in spellings if _is_name(text)), ""), _UNPROFILED)

    def _read_leniently(self, row: int, value: bytes, found: _Batch) -> None:
        try:
            parsed = read_json(value)
        except ValueError as error:
            found.rejects.append(Reject(row, RejectCode.MALFORMED_JSON, f"no JSON: {error}"[:_MAX_TEXT]))
            return
        if not isinstance(parsed, dict):
            text = f"the value is JSON but no object: {type(parsed).__name__}"
            found.rejects.append(Reject(row, RejectCode.NOT_AN_OBJECT, text))
            return
        model_id = first_present(parsed, MODEL_ID)
        if model_id is None:
            model_id = self._default_model_id
        if not isinstance(model_id, str) or not _is_name(model_id):
            text = f"no model_id (nor {', '.join(MODEL_ID[1:])}) that is a non-empty string"
            found.rejects.append(Reject(row, RejectCode.NO_MODEL_ID, text))
            return
        timestamp = first_present(parsed, TIMESTAMP)
        version, at = self._find(model_id, first_present(parsed, MODEL_VERSION))
        if at == _UNPROFILED:
            is_label = event_type_of(parsed, self._event_type) == "label"
            found.strangers.append(_Stranger(row, Subject(_cut(model_id), version), timestamp, is_label))
            return
        at = found.instead.get(at, at)
        found.rows[at].append(row)
        found.events[at].append(self._models[at].lenient.event(parsed, timestamp))

    def _read_anew(self, values: Sequence[bytes | None], found: _Batch, at: int, places: Mapping[int, int]) -> None:
        """Events that model `at` has read, at `places` in its rows, by the model whose turn it was."""
        rows, events = found.rows[at], found.events[at]
        found.rows[at], found.events[at] = without(rows, places), without(events, places)
        for place, turn in places.items():
            row, event = rows[place], events[place]
            if turn == NO_TURN:
                is_label = (event.event_type or self._event_type) == "label"
                found.strangers.append(_Stranger(row, self._models[at].typed.model.subject, event.timestamp, is_label))
                continue
            value = values[row] or b""
            anew = _attempt(self._decodes[turn], value) if is_plain(value) else None
            if anew is None:
                anew = self._models[turn].lenient.event(read_json(value), event.timestamp)
            at_row = bisect(found.rows[turn], row)
            found.rows[turn].insert(at_row, row)
            found.events[turn].insert(at_row, anew)

    def _counted(
        self, rows: Sequence[int], events: Sequence[Any], accepted: NDArray[np.bool_]
    ) -> tuple[Sequence[int], Sequence[Any]]:
        """Without events whose time is unreadable, and with what their type says they carry."""
        kinds = {event.event_type for event in events}
        if kinds <= {None, "prediction"} and self._event_type == "prediction" and accepted[rows].all():
            return rows, events
        kept: list[tuple[int, Any]] = []
        for row, event in zip(rows, events, strict=True):
            kind = event.event_type or self._event_type
            if kind == "label" or not accepted[row]:
                continue
            if kind == "features":
                event.prediction = UNSET
            kept.append((row, event))
        return [row for row, _ in kept], [event for _, event in kept]


def _times(stamps: Sequence[int], found: _Batch) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Event times and acceptance of all rows; unreadable times become rejects."""
    rows = [row for of_model in found.rows for row in of_model] + [stranger.row for stranger in found.strangers]
    unread = [event.timestamp for of_model in found.events for event in of_model]
    unread += [stranger.timestamp for stranger in found.strangers]
    # The records' own times are asked for only where an event has none.
    read, wrong = event_times(unread, [stamps[row] for row in rows] if None in unread else ())
    times, accepted = np.zeros(len(stamps), np.int64), np.zeros(len(stamps), np.bool_)
    where = np.array(rows, np.int64)
    times[where], accepted[where] = read, True
    for position, message in wrong.items():
        accepted[rows[position]] = False
        found.rejects.append(Reject(rows[position], RejectCode.BAD_TIMESTAMP, message))
    return times, accepted


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _is_name(text: str) -> bool:
    # A lone surrogate can't be written anywhere again: not into a metric, a log or a record.
    return bool(text) and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def _attempt(decode: Callable[[bytes], Any], value: bytes) -> Any:
    try:
        return decode(value)
    except _REFUSED:
        return None


def _refuse(_: bytes) -> Any:
    raise msgspec.ValidationError("no typed decoder")
