"""Numbers of things in text: `1 row`, `1,200 rows`."""

from __future__ import annotations


def counted(count: int, things: str) -> str:
    """`things`: see `as_many`."""
    return f"{count:,} {as_many(count, things)}"


def as_many(count: float, things: str) -> str:
    """`things`: their plural, of which one lacks the s at its end: `as_many(1, "late events")` is `late event`."""
    return things if count != 1 else things.removesuffix("s")
