"""Numbers of things in text: `1 row`, `1,200 rows`."""

from __future__ import annotations


def counted(count: int, things: str) -> str:
    """`things`: their plural, of which one lacks the s at its end: `counted(1, "late events")` is `1 late event`."""
    return f"{count:,} {things if count != 1 else things.removesuffix('s')}"
