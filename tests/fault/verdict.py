"""The verdict on a disturbed run: whether what stands on its topics is what its input log means.

Panes: the first in log order of each (subject, pane, source) is byte for byte the recomputed one, none is missing, none
is one too many, and its copies are equal, unless the wall clock has closed it. Alerts and dead letters: the same set,
and every copy of one is the same in every byte. Checkpoints: at the end of every partition, and ingest's state is what
the recomputation ends with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from driftgauge.records import Source
from driftgauge.state.base import Checkpoint
from fault.recompute import Decision, Meaning, Place, letter_place, place_of

_SHOWN = 5
_SHOWN_CHARACTERS = 100


@dataclass
class Outcome:
    """What a run has left behind: `panes`, `alerts` and `letters` are records in log order, `ends` of partitions."""

    panes: Sequence[Any]
    alerts: Sequence[Any]
    letters: Sequence[Any]
    checkpoints: Mapping[Source, Checkpoint | None]
    ends: Mapping[Source, int]

    def decisions(self) -> dict[Source, list[Decision]]:
        """The idle decisions on the panes topic: each watermark that the wall clock raised, once."""
        found: dict[Source, dict[Decision, None]] = {}
        for record in self.panes:
            message = _message(record.value)
            if message.get("type") == "watermark" and message["idle"]:
                found.setdefault(_source(message), {})[Decision(message["next_offset"], message["time"])] = None
        return {source: sorted(decisions) for source, decisions in found.items()}


@dataclass
class Verdict:
    """`problems` empty: the run was right. `duplicates`: copies beyond the first, by kind of record."""

    events: int
    panes: int
    alerts: int
    letters: int
    idle_decisions: int
    duplicates: dict[str, int]
    problems: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether nothing was lost, doubled or altered."""
        return not self.problems

    def __str__(self) -> str:
        """One line, and one for each problem."""
        line = (
            f"{self.events:,} events, {self.panes:,} panes, {self.alerts:,} alerts and {self.letters:,} dead letters "
            f"compared, {self.idle_decisions} idle decisions, duplicates {self.duplicates}"
        )
        return "\n".join([line, *(f"WRONG: {problem}" for problem in self.problems)])


def judge(meaning: Meaning, outcome: Outcome) -> Verdict:
    """Hold what was found against what it should be."""
    panes = list(_placed(outcome.panes))
    alerts = [(_event_id(r), r.value) for r in outcome.alerts]
    letters = [(letter_place(r.headers), (r.value, tuple(r.headers))) for r in outcome.letters]
    verdict = Verdict(
        events=meaning.events,
        panes=len(meaning.panes),
        alerts=len(meaning.alerts),
        letters=len(meaning.letters),
        idle_decisions=sum(len(taken) for taken in outcome.decisions().values()),
        duplicates={
            "panes": _repeats(place for place, _ in panes),
            "alerts": _repeats(event_id for event_id, _ in alerts),
            "dead letters": _repeats(place for place, _ in letters),
        },
    )
    verdict.problems += _differences("pane", meaning.panes, _firsts(panes))
    verdict.problems += _told("pane with unlike copies", _unlike_panes(outcome.panes))
    for what, wanted, found in (("alert", meaning.alerts, alerts), ("dead letter", meaning.letters, letters)):
        verdict.problems += _differences(what, wanted, _firsts(found))
        verdict.problems += _unlike_copies(what, found)
    verdict.problems += _checkpoints(meaning, outcome)
    return verdict


def panes_of(records: Sequence[Any]) -> dict[Place, bytes]:
    """The panes among the records of a panes topic: the first of each place."""
    return _firsts(_placed(records))


def _placed(records: Sequence[Any]) -> Iterator[tuple[Place, bytes]]:
    for record in records:
        message = _message(record.value)
        if message.get("type") == "pane":
            yield place_of(message), record.value


def _differences(what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterable[str]:
    yield from _told(f"{what} missing", [key for key in wanted if key not in found])
    yield from _told(f"{what} that the log doesn't give", [key for key in found if key not in wanted])
    altered = [key for key in wanted if key in found and found[key] != wanted[key]]
    yield from _told(f"{what} with other content", altered)
    if altered:
        yield f"the first of them {_where(found[altered[0]], wanted[altered[0]])}"


def _where(found: Any, wanted: Any) -> str:
    """Both from a little before where they part."""
    one, other = str(found), str(wanted)
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    part = slice(max(0, at - _SHOWN_CHARACTERS), at + _SHOWN_CHARACTERS)
    return f"has at {at} {one[part]!r} instead of {other[part]!r}"


def _unlike_copies(what: str, found: Sequence[tuple[Hashable, Any]]) -> Iterable[str]:
    contents: dict[Hashable, set[Any]] = {}
    for key, content in found:
        contents.setdefault(key, set()).add(content)
    yield from _told(f"{what} with unlike copies", [key for key, some in contents.items() if len(some) > 1])


def _unlike_panes(records: Sequence[Any]) -> list[Place]:
    """Of the places, those of which a copy differs from the one before it though the log alone decided about both.

    What an idle source brings later for a pane that was closed then is late. A worker that goes on from an older copy
    of Redis doesn't know of the decision, and counts it; detection takes the first.
    """
    known: dict[Source, dict[Place, tuple[int, bytes]]] = {}
    unlike: dict[Place, None] = {}
    for record in records:
        message = _message(record.value)
        if message.get("type") == "pane":
            place = place_of(message)
            panes = known.setdefault(place.source, {})
            if place in panes and panes[place][1] != record.value:
                unlike[place] = None
            panes[place] = (place.start + message["length"], record.value)
        elif message.get("type") == "watermark" and message["idle"]:
            source = _source(message)
            open_ = {place: pane for place, pane in known.get(source, {}).items() if pane[0] > message["time"]}
            known[source] = open_
    return list(unlike)


def _checkpoints(meaning: Meaning, outcome: Outcome) -> Iterable[str]:
    for source, end in sorted(outcome.ends.items()):
        checkpoint = outcome.checkpoints.get(source)
        if checkpoint is None or checkpoint.position != end:
            at = "nowhere" if checkpoint is None else checkpoint.position
            yield f"the checkpoint of {source} is at {at}, its log ends at {end}"
        elif source in meaning.states and dict(checkpoint.fields) | meaning.states[source] != dict(checkpoint.fields):
            yield f"the state of {source} is not what its log gives"


def _told(what: str, keys: Sequence[Any]) -> list[str]:
    if not keys:
        return []
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return [f"{len(keys)} {what}: {', '.join(map(str, keys[:_SHOWN]))}{more}"]


def _firsts(found: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    firsts: dict[Any, Any] = {}
    for key, content in found:
        firsts.setdefault(key, content)
    return firsts


def _repeats(keys: Iterable[Hashable]) -> int:
    return sum(count - 1 for count in Counter(keys).values())


def _event_id(record: Any) -> str:
    return next(value.decode() for name, value in record.headers if name == "event_id")


def _source(message: Mapping[str, Any]) -> Source:
    return Source(message["source"]["topic"], message["source"]["partition"])


def _message(value: bytes | None) -> dict[str, Any]:
    """{} for what is no message of ours: the panes topic may hold garbage too."""
    try:
        message = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}
