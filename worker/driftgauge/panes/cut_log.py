"""The panes topic read from the middle: which panes may lack what was published before.

A source's partial of a pane lies between two of its watermarks: the last one that had not passed the pane's end and the
first one that had. Where the log begins with a pane half told, the first watermark of each source says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from driftgauge.panes.messages import Message, PartialPane, Sources, Watermark
from driftgauge.records import Source


class CutLog:
    """Marks as incomplete the panes of which a partial may lie before the log's first record.

    That is every pane that the first watermark of any gating source has passed. Until all of them have one, messages
    are held back: no pane could close before that.
    """

    def __init__(self, gating: Sequence[Source]) -> None:
        """`gating`: the sources, as far as they are known, until a message tells of others."""
        self._gating = set(gating)
        self._first: dict[Source, int] = {}
        self._held: list[Message] = []
        self._bound: int | None = None

    def take(self, messages: Sequence[Message]) -> list[Message]:
        """The next messages in log order; those that can be judged by now."""
        if self._bound is None:
            for message in messages:
                if isinstance(message, Sources):
                    self._gating = set(message.sources)
                elif isinstance(message, Watermark):
                    self._first.setdefault(message.source, message.time)
            if not self._gating or not self._gating <= self._first.keys():
                self._held += messages
                return []
            self._bound = max(self._first[source] for source in self._gating)
            messages, self._held = [*self._held, *messages], []
        return list(self._marked(messages, self._bound))

    @staticmethod
    def _marked(messages: Sequence[Message], bound: int) -> Iterator[Message]:
        for message in messages:
            cut = isinstance(message, PartialPane) and message.end <= bound
            yield replace(message, incomplete=True) if isinstance(message, PartialPane) and cut else message
