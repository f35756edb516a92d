"""Reads the reference for `profile learn` from the events of topics, as `reference_file` reads it from rows of files.

Two passes: one finds which events count, what they hold and which of them are taken; one gathers those. Memory is that
of the rows taken, and not of the topics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.counted import counted
from driftgauge.errors import InputError
from driftgauge.profiles.build import Reference
from driftgauge.profiles.kinds import Kind
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import MAX_FEATURES, MAX_NAME
from driftgauge.profiles.reference import Column, ColumnGatherer, NumericColumn
from driftgauge.records import Source
from driftgauge.sources.columns import Columns
from driftgauge.sources.event_log import EventChoice, EventLog, EventTopic, LeftOut, Row, rows_at, rows_of
from driftgauge.sources.kind_guess import KindGuesses
from driftgauge.sources.reference_kinds import Choices, chosen_kinds
from driftgauge.sources.thinning import Thinning
from driftgauge.timestamps import format_timestamp

# What an event holds beside its features, in a table of its own: a feature may have any name.
_LABEL, _SCORE, _ACTUAL = "label", "score", "actual"
_NAMES_SHOWN = 5


class LearnedReference(NamedTuple):
    """The reference, what to know about it, and of how many events it was taken."""

    reference: Reference
    notes: list[Note]
    events: int


@dataclass(slots=True)
class _Seen:
    """What the first pass saw. `labels`, `scores`: events whose output is an object with that part."""

    thinning: Thinning
    features: KindGuesses = field(default_factory=KindGuesses)
    outputs: KindGuesses = field(default_factory=KindGuesses)
    left_out: LeftOut = field(default_factory=LeftOut)
    labels: int = 0
    scores: int = 0

    def see(self, source: Source, rows: Sequence[Row]) -> None:
        """Take some rows of a source."""
        for row in rows:
            self.thinning.see(source, row.offset)
            if isinstance(row.output, dict):
                self.labels += _LABEL in row.output
                self.scores += _SCORE in row.output
        parts = [row.features for row in rows if row.features]
        for name in dict.fromkeys(name for part in parts for name in part):
            self.features.see_values(name, [part.get(name) for part in parts], source.topic)
        for name, values in _outputs(rows, bare_is_score=False).items():
            self.outputs.see_values(name, values, f"{source.topic}: prediction")

    @property
    def bare_is_score(self) -> bool:
        """A bare number beside objects that hold a score and no label is a score too."""
        return self.scores > 0 and not self.labels and self.kind_of(_LABEL) == "numeric"

    def kind_of(self, output: str) -> Kind | None:
        """What is in a part of the output; None: nothing."""
        guess = self.outputs.columns.get(output)
        return guess.kind if guess is not None else None


def read_events(
    log: EventLog,
    topics: Mapping[str, EventTopic],
    choice: EventChoice,
    *,
    limit: int,
    columns: Columns,
    choices: Choices,
    progress: Callable[[str, float], None] = lambda _name, _done: None,
) -> LearnedReference:
    """The chosen events as columns, by time; of more than `limit`, so many. `progress` gets a word and the share done.

    `columns` says which features to take or leave. InputError if there is no event, for feature columns that a profile
    can't hold, and for choices that don't fit them.
    """
    seen = _Seen(Thinning(limit))
    batches = log.batches(log.spans, lambda done: progress("looking", done))
    for source, rows in rows_of(batches, topics, choice, seen.left_out):
        seen.see(source, rows)
    if not seen.thinning.seen:
        raise InputError(_nothing(choice, topics, seen.left_out))
    names = _feature_names(seen, columns, topics)
    kinds, notes = chosen_kinds({name: seen.features.columns[name] for name in names}, choices, score=None)
    reference = _gather(log, topics, choice, seen, kinds, progress)
    return LearnedReference(reference, [*notes, *_notes(seen, reference)], seen.thinning.seen)


def _outputs(rows: Sequence[Row], *, bare_is_score: bool) -> dict[str, list[Any]]:
    """Label, score and truth of each row, None where it has none."""
    bare, other = (_SCORE, _LABEL) if bare_is_score else (_LABEL, _SCORE)
    parts = [row.output if isinstance(row.output, dict) else {bare: row.output, other: None} for row in rows]
    return {
        _LABEL: [part.get(_LABEL) for part in parts],
        _SCORE: [part.get(_SCORE) for part in parts],
        _ACTUAL: [row.actual for row in rows],
    }


def _gather(
    log: EventLog,
    topics: Mapping[str, EventTopic],
    choice: EventChoice,
    seen: _Seen,
    kinds: Mapping[str, Kind],
    progress: Callable[[str, float], None],
) -> Reference:
    kept = seen.thinning.kept()
    spans = {source: (min(offsets), max(offsets) + 1) for source, offsets in kept.items()}
    features = {name: ColumnGatherer(kind) for name, kind in kinds.items()}
    bare_is_score = seen.bare_is_score
    outputs = {
        name: ColumnGatherer("numeric" if name == _SCORE else seen.kind_of(name) or "numeric")
        for name in (_LABEL, _SCORE, _ACTUAL)
    }
    times: list[int] = []
    has_features: list[bool] = []
    has_prediction: list[bool] = []
    batches = log.batches(spans, lambda done: progress("gathering", done))
    for _, rows in rows_at(batches, topics, choice, kept):
        times += [row.time for row in rows]
        has_features += [row.features is not None for row in rows]
        has_prediction += [row.has_prediction for row in rows]
        parts = [row.features or {} for row in rows]
        for name, gatherer in features.items():
            gatherer.extend(part.get(name) for part in parts)
        for name, values in _outputs(rows, bare_is_score=bare_is_score).items():
            outputs[name].extend(values)
    # By time, so that what is rounded in sums is the same as with the rows of a file.
    order = np.argsort(np.array(times, np.int64), kind="stable")

    def output(name: str, *, there: bool) -> Column | None:
        return outputs[name].column().take(order) if there else None

    score = output(_SCORE, there=bare_is_score or seen.kind_of(_SCORE) is not None)
    return Reference(
        sorted({source.topic for source in kept}),
        np.array(times, np.int64)[order],
        {name: gatherer.column().take(order) for name, gatherer in features.items()},
        output(_LABEL, there=not bare_is_score and seen.kind_of(_LABEL) is not None),
        score if isinstance(score, NumericColumn) else None,
        output(_ACTUAL, there=seen.kind_of(_ACTUAL) is not None),
        timed=True,
        has_features=_unless_all(has_features, order),
        has_prediction=_unless_all(has_prediction, order) if any(has_prediction) else None,
    )


def _unless_all(there: Sequence[bool], order: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    return None if all(there) else np.array(there, np.bool_)[order]


def _feature_names(seen: _Seen, columns: Columns, topics: Mapping[str, EventTopic]) -> list[str]:
    where, available = ", ".join(topics), list(seen.features.columns)
    if not available:
        raise InputError(
            f"{where}: there are {seen.thinning.seen:,} events of the model, none of them with features; "
            "models[].features_from says on which topic those come"
        )
    columns.check(available, where)
    names = columns.features_of(available)
    wrong = next((name for name in names if not 0 < len(name) <= MAX_NAME), None)
    if wrong is not None:
        raise InputError(
            f"{where}: the name of the feature {wrong[:40]!r} has {len(wrong)} characters, 1 to {MAX_NAME} are "
            "possible; name those to watch with --features a,b,c"
        )
    if len(names) > MAX_FEATURES:
        raise InputError(
            f"{where}: {len(names):,} features, a profile holds at most {MAX_FEATURES:,}; "
            "name those to watch with --features a,b,c, or --exclude some"
        )
    return names


def _notes(seen: _Seen, reference: Reference) -> list[Note]:
    events, rows, left_out = seen.thinning.seen, len(reference.times), seen.left_out
    notes = []
    if rows < events:
        text = f"of {events:,} events {rows:,} were taken, spread over all of them; --rows takes more"
        notes.append(Note("hint", text))
    for part, there in (("features", reference.has_features), ("prediction", reference.has_prediction)):
        if there is not None:
            told = int(there.sum())
            notes.append(Note("hint", f"{told:,} of {rows:,} events have a part {part}, which is made from those"))
    if left_out.unread:
        text = f"{counted(left_out.unread, 'records')} left out, no event: a worker makes dead letters of such"
        notes.append(Note("warning", text))
    if left_out.in_future:
        text = f"{counted(left_out.in_future, 'events')} left out, far ahead in time of all around"
        notes.append(Note("warning", text))
    return notes


def _nothing(choice: EventChoice, topics: Mapping[str, EventTopic], left_out: LeftOut) -> str:
    of = f"{choice.subject.model_id} version {choice.subject.model_version}"
    bounds = (("from", choice.start), ("to", choice.end))
    span = "".join(f" {word} {format_timestamp(time)}" for word, time in bounds if time is not None)
    others = ", ".join(f"{name} ({count:,})" for name, count in left_out.others.most_common(_NAMES_SHOWN))
    seen = f"there are events of {others}" if others else "look at kafka.bootstrap_servers and topics, or the times"
    return f"{', '.join(topics)}: no event of {of}{span} that holds features or a prediction; {seen}"
