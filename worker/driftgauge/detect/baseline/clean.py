"""Which days a baseline may be learned from: those in which a field raised no alert.

What an alert is about would otherwise become the normal state it is measured by. Days are UTC; an alert spoils them
from its onset to its end, for all series of its field. While no season is known yet, a value may leave its limits every
day at the same hour, and if that spoiled the days, the season would never be learned: then a day is only suspect, and
spoiled if a season can't be the reason, because the field is off in the mean of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY
from driftgauge.profiles.series import Series

_VERSION = 1


class Alerted(NamedTuple):
    """An alert that fired on a series, from `onset` (estimated) or `opened` to `until`, all ms."""

    series: Series
    onset: int
    opened: int
    until: int


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    spoiled: list[tuple[int, list[int]]]
    suspect: list[tuple[int, list[int]]]


_decoder = msgspec.msgpack.Decoder(_State)
_encoder = msgspec.msgpack.Encoder()

Days = dict[int, set[int]]


class SpoiledDays:
    """Days (start, ms), each with the indices of the fields (slots) for which it is spoiled."""

    def __init__(self) -> None:
        """None yet."""
        self._spoiled: Days = {}
        self._suspect: Days = {}

    def note(self, alert: Alerted, *, season_known: bool, since: int) -> None:
        """Take an alert that is over, or goes on. `since` (ms): no day before that one is of interest."""
        days = self._spoiled if season_known or alert.series.kind == "rate" else self._suspect
        first = max(since, min(alert.onset, alert.opened))
        for day in range(first - first % DAY, alert.until, DAY):
            days.setdefault(day, set()).add(alert.series.slot.index)

    def settle(self, before: int, off: Callable[[int, int], bool]) -> None:
        """Decide on the suspect days that end by then (ms): `off(day, slot)` says if the day's mean is off."""
        for day in [day for day in self._suspect if day + DAY <= before]:
            for slot in self._suspect.pop(day):
                if off(day, slot):
                    self._spoiled.setdefault(day, set()).add(slot)

    def forget(self, before: int) -> None:
        """No day that ends by that time (ms) is asked for any more."""
        for day in [day for day in self._spoiled if day + DAY <= before]:
            del self._spoiled[day]

    def clean(self, days: NDArray[np.int64], slots: int) -> NDArray[np.bool_]:
        """Whether days (start, ms; int64 [D]) are clean, by field; bool [D, slots]."""
        out = np.ones((len(days), slots), np.bool_)
        for i, day in enumerate(days.tolist()):
            out[i, sorted(self._spoiled.get(day, ()))] = False
        return out

    def encode(self) -> bytes:
        """Equal days give equal bytes."""
        return _encoder.encode(_State(_VERSION, _listed(self._spoiled), _listed(self._suspect)))

    def decode(self, fields: Mapping[str, bytes], name: str, slots: int) -> None:
        """Take back what `encode` wrote, from the state field `name` if it is there. StateError if it can't be read."""
        if name not in fields:
            return
        try:
            state = _decoder.decode(fields[name])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"the stored days of the baseline can't be read: {error}") from error
        if state.version != _VERSION:
            raise StateError(f"the stored days of the baseline have version {state.version}, not {_VERSION}")
        every = [*state.spoiled, *state.suspect]
        if any(day % DAY or not 0 <= slot < slots for day, of_day in every for slot in of_day):
            raise StateError("a stored day of the baseline is of a field that the profile doesn't have")
        self._spoiled, self._suspect = ({day: set(of_day) for day, of_day in x} for x in (state.spoiled, state.suspect))


def _listed(days: Days) -> list[tuple[int, list[int]]]:
    return [(day, sorted(slots)) for day, slots in sorted(days.items())]
