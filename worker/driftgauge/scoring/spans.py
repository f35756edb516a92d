"""Unions of spans of time, as sorted spans that don't touch; all times in ms."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span], within: Span) -> list[Span]:
    """What at least one of the spans covers of `within`."""
    out: list[Span] = []
    for start, end in sorted((max(start, within[0]), min(end, within[1])) for start, end in spans):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def rest(spans: Iterable[Span], within: Span) -> list[Span]:
    """What none of the spans covers of `within`."""
    out: list[Span] = []
    at = within[0]
    for start, end in [*union(spans, within), (within[1], within[1])]:
        if start > at:
            out.append((at, start))
        at = end
    return out


def overlap(spans: Iterable[Span], others: Iterable[Span]) -> int:
    """How long both cover, two unions; ms."""
    others = list(others)
    return sum(length(union(others, span)) for span in spans)


def length(spans: Iterable[Span]) -> int:
    """How long a union is; ms."""
    return sum(end - start for start, end in spans)
