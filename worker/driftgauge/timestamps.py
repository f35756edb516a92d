"""Event times as people and systems write them; inside the program always integer milliseconds since the epoch.

Read by decode (payloads), by the file sources (columns) and by the command line; written in alert events and
summaries. Promises: the same instant gives the same integer however it was written, fractions finer than a
millisecond are cut (never rounded into the next one), and what can't be read is a ValueError with a clear text.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# RFC 3339, and the spellings of it that databases and spreadsheets write: a space for the T, no zone, no seconds.
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s?(?:([Zz])|UTC|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,12})?(?:[eE][+]?\d{1,2})?", re.ASCII)
_LEAP_SECOND = 60
# The first and last instant that datetime, and so every text of ours, can show.
FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999


_EXPECTED = "expected RFC 3339 (2026-03-15T10:03:00Z), a date, or seconds, ms, µs or ns since 1970"


def parse_timestamp(value: object) -> int:
    """Milliseconds since the epoch, from RFC 3339 text, a date, or a number since the epoch.

    Text without a zone is UTC, a bare date is its midnight. The unit of a number goes by its size: below 1e11 seconds,
    below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds; digits as text count as a number. ValueError
    for anything else, with what was found and what is expected.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return from_epoch(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return _within((aware - _EPOCH) // _MILLISECOND)
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MILLISECOND
    raise ValueError(f"{value!r} is no time; {_EXPECTED}")


def from_epoch(value: float) -> int:
    """Milliseconds from a number since the epoch; its unit goes by its size. ValueError beyond the years 1 to 9999."""
    if isinstance(value, float) and not math.isfinite(value):  # type: ignore[redundant-expr]
        raise ValueError(f"{value!r} is no time; {_EXPECTED}")
    size = abs(value)
    if size < 1e11:
        ms = value * 1000 if isinstance(value, int) else _from_seconds(value)
    elif size < 1e14:
        ms = math.floor(value)
    else:
        ms = math.floor(value) // (1_000 if size < 1e17 else 1_000_000)
    return _within(ms)


def _from_seconds(value: float) -> int:
    # Whole and fractional part apart: 1000 * float would round the last milliseconds of large values. A float may lie
    # below the milliseconds that were written, by half its last place: that isn't cut to the one before.
    fraction = value % 1 + math.ulp(max(abs(value), 1.0))
    return math.floor(value) * 1000 + int(fraction * 1000)


def _within(ms: int) -> int:
    if not FIRST_MS <= ms <= LAST_MS:
        raise ValueError(f"{str(ms)[:40]} ms since 1970 is outside the years 1 to 9999; {_EXPECTED}")
    return ms


def _from_text(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        if _NUMBER.fullmatch(text):
            return from_epoch(int(text) if text.lstrip("+-").isdigit() else float(text))
        shown = text if len(text) <= 60 else text[:60] + "…"
        raise ValueError(f"{shown!r} is no time; {_EXPECTED}")
    year, month, day, hour, minute, second, fraction, _, sign, zone_hours, zone_minutes = match.groups()
    seconds = int(second or 0)
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            # A leap second is the same instant as the next minute's first.
            min(seconds, _LEAP_SECOND - 1),
            tzinfo=_zone(sign, zone_hours, zone_minutes),
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: {error}") from None
    if seconds > _LEAP_SECOND:
        raise ValueError(f"{text!r} is no time: second must be in 0..60")
    ms = (moment - _EPOCH) // _MILLISECOND + (1000 if seconds == _LEAP_SECOND else 0)
    return _within(ms + int((fraction or "")[:3].ljust(3, "0")))


def _zone(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None:
        return UTC
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(offset if sign == "+" else -offset)


def format_timestamp(ms: int) -> str:
    """RFC 3339 in UTC: `2026-03-15T10:03:00Z`, with three digits of fraction only where they aren't zero.

    Times outside the years 1 to 9999, such as the end of a pane that holds the last of them, are shown as the nearest.
    """
    seconds, fraction = divmod(min(max(ms, FIRST_MS), LAST_MS), 1000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    # strftime doesn't pad years below 1000 on every platform.
    text = text.rjust(19, "0")
    return f"{text}.{fraction:03d}Z" if fraction else text + "Z"


def format_minute(ms: int) -> str:
    """`2026-03-15 10:03`, UTC, for people who know that it is."""
    return format_timestamp(ms)[:16].replace("T", " ")
