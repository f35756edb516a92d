"""Panes of a length from panes of a part of it: counts are whole numbers, so they add.

What comes out is what ingest counts by itself in panes of that length, but for events that are late for a short pane
and would not have been for a long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from driftgauge.panes.messages import Message, PartialPane, Watermark
from driftgauge.records import Source
from driftgauge.subject import Subject


class CoarsePanes:
    """Puts partial panes together, source by source. `lengths`: ms by model id and version; others stay as they are."""

    def __init__(self, lengths: Mapping[tuple[str, str], int]) -> None:
        """Nothing waits."""
        self._lengths = lengths
        self._open: dict[Source, dict[tuple[int, Subject], PartialPane]] = {}

    def take(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The same in log order, with a longer pane when its source has passed it."""
        for message in messages:
            match message:
                case PartialPane() if self._length(message) != message.length:
                    self._add(message)
                case Watermark():
                    yield from self._passed(message)
                    yield message
                case _:
                    yield message

    def _length(self, pane: PartialPane) -> int:
        return self._lengths.get((pane.subject.model_id, pane.subject.model_version), pane.length)

    def _add(self, pane: PartialPane) -> None:
        length = self._length(pane)
        start = pane.start // length * length
        held = self._open.setdefault(pane.source, {})
        known = held.get((start, pane.subject))
        if known is None:
            held[start, pane.subject] = replace(pane, start=start, length=length)
            return
        held[start, pane.subject] = replace(
            known,
            counts=known.counts + pane.counts,
            events=known.events + pane.events,
            first_offset=min(known.first_offset, pane.first_offset),
            last_offset=max(known.last_offset, pane.last_offset),
            incomplete=known.incomplete or pane.incomplete,
            alarms=(*known.alarms, *pane.alarms),
            alarms_beyond_limit=known.alarms_beyond_limit + pane.alarms_beyond_limit,
            sample=known.sample if pane.sample is None else pane.sample.merged(known.sample),
        )

    def _passed(self, watermark: Watermark) -> Iterator[PartialPane]:
        held = self._open.get(watermark.source, {})
        for key in sorted(key for key, pane in held.items() if pane.end <= watermark.time):
            yield held.pop(key)
