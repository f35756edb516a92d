"""The series that a setting names: by their keys, or as one types them.

A key is `feature|series|category`; bars at its ends may be left out: `income|missing`, `predicted_share|rejected`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from driftgauge.detect.events.streams import EventStream, is_indicator
from driftgauge.profiles.series import Series

_LISTED = 6
_CLOSE = 0.3


def indicator_streams(series: Iterable[Series], wanted: Sequence[str]) -> list[EventStream]:
    """Streams of 0 and 1 of the series named, each once, in their own order; those of other models are left out."""
    names = _spelled(series)
    chosen = {found.index: found for name in wanted if (found := names.get(name)) is not None}
    return [EventStream.of(chosen[index], None) for index in sorted(chosen)]


def misfits(series: Sequence[Series], wanted: Sequence[str]) -> list[tuple[int, str]]:
    """Of the names given, position and message of those that no rate or share of any model (`series`) has."""
    names = _spelled(series)
    return [(at, _message(name, series, names)) for at, name in enumerate(wanted) if name not in names]


def _spelled(series: Iterable[Series]) -> dict[str, Series]:
    """Every spelling of every series that fits; a key itself before what is left of another one without its bars."""
    fitting = [entry for entry in series if is_indicator(entry)]
    spelled: dict[str, Series] = {}
    for spelling in (lambda key: key, _without_bars):
        for entry in fitting:
            spelled.setdefault(spelling(entry.key), entry)
    return spelled


def _without_bars(key: str) -> str:
    bare = key.lstrip("|")
    # A bar that belongs to a name stands behind a backslash.
    while bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare[:-1]
    return bare


def _message(name: str, series: Sequence[Series], names: dict[str, Series]) -> str:
    known = {spelling for entry in series for spelling in (entry.key, _without_bars(entry.key))}
    # What is redacted may be named, but not be learned from here.
    shown = [entry for entry in names.values() if entry.category is None or not entry.slot.redacted]
    keys = list(dict.fromkeys(_without_bars(entry.key) for entry in shown))
    close = get_close_matches(name, keys, n=_LISTED, cutoff=_CLOSE)
    listed = list(dict.fromkeys([*close, *keys]))[:_LISTED]
    what = "is no rate or share, so an event gives it no 0 or 1" if name in known else "is no series of any model"
    more = f" and {len(keys) - len(listed)} more" if len(keys) > len(listed) else ""
    return f"{name!r} {what}; there are {', '.join(listed) or 'none'}{more}"
