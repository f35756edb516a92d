"""Records of the panes topic that are judged anew: which of them fit what is configured now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from driftgauge.counted import counted
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model, layouts_of
from driftgauge.errors import ConfigError, InputError, StateError
from driftgauge.panes.codec import UnknownProfileError, decode_message
from driftgauge.panes.log_order import LogOrder
from driftgauge.panes.messages import Message, PartialPane
from driftgauge.panes.unprofiled import NO_PROFILE

_REASONS_KEPT, _PLACES_KEPT = 100, 5


class _Counted(NamedTuple):
    """How a pane was counted: with which profile, in panes of which length (ms)."""

    profile: str
    length: int

    def __str__(self) -> str:
        profile = "no profile" if self.profile == NO_PROFILE else f"profile {self.profile[:15]}…"
        return f"{profile} in panes of {format_duration(self.length)}"


class _HeadOfPane(NamedTuple):
    model_id: str
    model_version: str
    segment: str
    start: int
    length: int
    profile: str

    @classmethod
    def of(cls, record: bytes) -> _HeadOfPane:
        """Of a record that is a pane."""
        held = orjson.loads(record)
        return cls(*(held[name] for name in cls._fields))


@dataclass(slots=True)
class _Unread:
    """Records that can't be read for one reason: how many, and where the first are."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, number: int, place: Callable[[int], str]) -> None:
        self.count += 1
        if len(self.places) < _PLACES_KEPT:
            self.places.append(place(number))

    def __str__(self) -> str:
        more = f" and {self.count - len(self.places):,} more" if self.count > len(self.places) else ""
        return ", ".join(self.places) + more


class StoredPanes:
    """Reads records, and counts those that can't be judged.

    Counts over other cells or another length of time say nothing to the detectors of this configuration, so they are
    left out; where nothing else is there it is refused.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Nothing read yet."""
        self._layouts = layouts_of(models)
        self._schedule: dict[tuple[str, str], list[tuple[int, _Counted]]] = {}
        for model in sorted(models, key=lambda model: model.since):
            way = _Counted(model.layout.profile_hash, model.pane_length)
            self._schedule.setdefault(model.subject[:2], []).append((model.since, way))
        self._fitting = 0
        self._read = 0
        self._otherwise: Counter[tuple[tuple[str, str], _Counted, _Counted | None]] = Counter()
        self._unread: dict[str, _Unread] = {}
        self._out_of_order: list[str] = []

    def messages(
        self, records: Iterable[tuple[int, bytes | None]], place: Callable[[int], str]
    ) -> list[tuple[int, Message]]:
        """What these numbered records say, without those that can't be read or judged. `place`: where a number is."""
        return list(self._messages(records, place))

    def hold(self, order: LogOrder, place: Callable[[int], str]) -> None:
        """After a file is read. InputError if it is no log; else what came out of order is noted.

        An error, though some of it could be judged: detectors take a hole for silence and what lies on either side for
        neighbours, so what was found is wrong as well, and what wasn't looks like a quiet time.
        """
        if order.first is None:
            return
        what = counted(order.late.total(), "partial panes")
        told = (
            f"{place(order.first)}: {what} from here on can't be judged: watermarks had passed that time, and no such "
            "pane was there before"
        )
        if order.broken:
            raise InputError(
                f"{told}. Records are judged in the order in which they were written, and this is another: "
                "sorted, shuffled, or several logs in one file? Give each log as it is, in a file of its own"
            )
        self._out_of_order.append(told)

    def refuse(self) -> None:
        """After all is read. ConfigError if no pane fits the configuration, InputError if there are no such records."""
        if self._unread and not self._read:
            reason, unread = next(iter(self._unread.items()))
            raise InputError(f"{unread.places[0]}: no record of it is one of the panes topic: {reason}")
        if self._otherwise and not self._fitting:
            raise ConfigError(
                f"{'; '.join(self._told())}. Counts over other cells or times can't be judged anew: set profile and "
                "pane length (--pane, or panes.length) back, or count the events anew, without --from-panes"
            )

    @property
    def warnings(self) -> list[str]:
        """What was left out."""
        unread = [
            f"{counted(unread.count, 'records')} can't be read: {reason} ({unread})"
            for reason, unread in self._unread.items()
        ]
        return [*unread, *self._out_of_order, *(f"left out: {told}" for told in self._told())]

    def _told(self) -> Iterator[str]:
        for (subject, way, wanted), count in sorted(self._otherwise.items(), key=lambda told: str(told[0])):
            of, own = "/".join(subject), wanted or "no profile of that version"
            panes = f"{counted(count, 'partial panes')} of {of} {'were' if count != 1 else 'was'}"
            yield f"{panes} counted with {way}, and this configuration has {own}"

    def _messages(
        self, records: Iterable[tuple[int, bytes | None]], place: Callable[[int], str]
    ) -> Iterator[tuple[int, Message]]:
        for number, value in records:
            try:
                message = decode_message(value or b"", self._layouts)
            except UnknownProfileError:
                self._read += 1
                self._fits(_HeadOfPane.of(value or b""))
                continue
            except StateError as error:
                if str(error) in self._unread or len(self._unread) < _REASONS_KEPT:
                    self._unread.setdefault(str(error), _Unread()).add(number, place)
                continue
            self._read += 1
            if not isinstance(message, PartialPane) or self._fits(
                _HeadOfPane(*message.subject, message.start, message.length, message.profile)
            ):
                yield number, message

    def _fits(self, pane: _HeadOfPane) -> bool:
        """Whether it can be judged. Segments are as their whole, and not counted beside it."""
        subject = (pane.model_id, pane.model_version)
        wanted = next((c for since, c in reversed(self._schedule.get(subject, ())) if since <= pane.start), None)
        if wanted is None:
            # Without a profile for that version and time: told of, not judged.
            if pane.profile != NO_PROFILE and subject not in self._schedule and not pane.segment:
                self._otherwise[subject, _Counted(pane.profile, pane.length), None] += 1
            return True
        way = _Counted(pane.profile, pane.length)
        if way == wanted:
            self._fitting += not pane.segment
        elif not pane.segment:
            self._otherwise[subject, way, wanted] += 1
        return way == wanted
