"""`null:employment_type:0.3@2026-03-01..2026-03-02`: the text of a fault, taken apart.

KIND:…@FROM[..TO]; parts are set apart by colons, one that holds a colon stands in double quotes, as in CSV. Times as
everywhere, UTC without a zone. Promises: an error names the part, and shows how the kind is written.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from driftgauge.durations import parse_duration
from driftgauge.errors import ConfigError
from driftgauge.timestamps import parse_timestamp

# How each kind is written, between its name and the @; what is in brackets may be left out.
FORMS: Final[Mapping[str, str]] = {
    "null": "FIELD[:SHARE]",
    "stuck": "FIELD[:VALUE[:SHARE]]",
    "rename": "FIELD:OLD:NEW[:SHARE]",
    "unit": "FIELD:FACTOR[:SHARE]",
    "shift": "FIELD:AMOUNT[:SHARE]",
    "ramp": "FIELD:AMOUNT:DURATION[:SHARE]",
    "flip": "FIELD[:SHARE[:ONE:OTHER]]",
    "drop": "SHARE",
    "delay": "DURATION[:SHARE]",
}


@dataclass(frozen=True, slots=True)
class Spec:
    """A fault as written: in force at event times from `start` to before `end` (ms; None: to the end)."""

    text: str
    kind: str
    parts: tuple[str, ...]
    start: int
    end: int | None

    def within(self, time: int) -> bool:
        """Whether it is in force at `time`."""
        return self.start <= time and (self.end is None or time < self.end)

    def part(self, place: int) -> str | None:
        """The part at `place`, counted from 0 after the kind; None if it is left out or empty."""
        return self.parts[place] if place < len(self.parts) and self.parts[place] else None

    def error(self, what: str) -> ConfigError:
        """That `what` is wrong with it."""
        return _error(self.text, f"{what}; it is written {self.kind}:{FORMS[self.kind]}@FROM[..TO]")

    def share(self, place: int, default: float | None = 1.0) -> float:
        """The part as a share of the records in (0, 1], written `.3` or `30%`; `default` where it is left out."""
        text = self.part(place)
        if text is None and default is not None:
            return default
        if text is None:
            raise self.error("lacks the share of records, such as 0.3 or 30%")
        value = _number(text.removesuffix("%"))
        if value is not None and text.endswith("%"):
            value /= 100
        if value is None or not 0 < value <= 1:
            raise self.error(f"{text!r} is no share; give one above 0 and up to 1, such as 0.3 or 30%")
        return value

    def number(self, place: int, name: str) -> float:
        """The part as a finite number, whole ones as int."""
        text = self.part(place)
        if text is None:
            raise self.error(f"lacks the {name}")
        value = _number(text)
        if value is None:
            raise self.error(f"{text!r} is no {name}; give a number")
        return value

    def duration(self, place: int) -> int:
        """The part in ms, above 0."""
        text = self.part(place)
        if text is None:
            raise self.error("lacks the duration, such as 30m")
        try:
            length = parse_duration(text)
        except ValueError as error:
            raise self.error(str(error)) from None
        if length == 0:
            raise self.error(f"{text!r} is no time at all; give one above 0")
        return length


def parse_spec(text: str) -> Spec:
    """Take the text of a fault apart. ConfigError for one that names no kind, has too many parts or no time."""
    body, at, period = text.rpartition("@")
    if not at:
        raise _error(text, "says not from when on; add it, as in null:income:0.3@2026-03-01T10:00:00Z")
    try:
        kind, *parts = next(csv.reader([body], delimiter=":", strict=True), [""])
    except csv.Error as error:
        raise _error(text, f'can\'t be taken apart: {error}; a part that holds a colon is written "a:b"') from None
    if kind not in FORMS:
        near = difflib.get_close_matches(kind, FORMS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise _error(text, f"{kind!r} is no kind of fault{meant} There are {', '.join(FORMS)}")
    first, until, last = period.partition("..")
    start = _time(text, first, "FROM")
    end = _time(text, last, "TO") if until else None
    spec = Spec(text, kind, tuple(parts), start, end)
    if end is not None and end <= start:
        raise spec.error(f"TO ({last}) is not after FROM ({first})")
    if len(parts) > FORMS[kind].count(":") + 1:
        raise spec.error(f"{parts[FORMS[kind].count(':') + 1]!r} is a part too many")
    return spec


def _error(text: str, what: str) -> ConfigError:
    return ConfigError(f"--inject {text}: {what}")


def _time(text: str, part: str, name: str) -> int:
    try:
        return parse_timestamp(part)
    except ValueError as error:
        raise _error(text, f"{name}: {error}") from None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value
