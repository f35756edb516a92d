"""Whether a file of messages is the log that was written: another order of the same lines is none.

In a log the partials that a watermark passes come before it. What comes again after a crash was there before, since
the same records give the same panes. So a pane that follows the watermark of its source, and was not there before, is
out of order. Merging drops it like a repeat, and what is left is a hole that looks like silence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from driftgauge.panes.messages import END_OF_TIME, Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from driftgauge.subject import Subject

# Panes whose presence is one number, a bit each: a year of minutes of a source and subject takes 80 kB.
_BLOCK = 4096


@dataclass(slots=True)
class LogOrder:
    """Takes the messages of one log.

    `late`: partials out of order, by model and version; `in_order`: the others. `first`: number of the first late one.
    `after_end`: how many of the late ones came after their source, or all that gate, had come to the end.
    """

    late: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: int | None = None
    after_end: int = 0
    in_order: Counter[tuple[str, str]] = field(default_factory=Counter)
    _gating: tuple[Source, ...] = ()
    _passed: dict[Source, int] = field(default_factory=dict)
    _all_ended: bool = False
    _seen: dict[tuple[Source, Subject, int, int], int] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """Whether it is no log at all.

        After the end of a source no log has a pane that is new. Before it a rare one has: what a worker counts anew,
        with a model that was added or state that was lost, may be more than it had published, and is dropped as live.
        Then most of the model's panes are in order.
        """
        return self.after_end > 0 or any(count >= self.in_order[model] for model, count in self.late.items())

    def take(self, number: int, message: Message) -> None:
        """The next message in the order of the file; `number`: its place in it."""
        match message:
            case PartialPane():
                self._take_pane(number, message)
            case Watermark():
                self._passed[message.source] = max(message.time, self._passed.get(message.source, message.time))
                self._all_ended |= bool(self._gating) and all(map(self._ended, self._gating))
            case Sources():
                self._gating = message.sources
            case _:
                pass

    def _take_pane(self, number: int, pane: PartialPane) -> None:
        passed = self._passed.get(pane.source)
        ended = self._all_ended or passed == END_OF_TIME
        model = pane.subject[:2]
        if self._is_repeat(pane) or not (ended or (passed is not None and pane.end <= passed)):
            self.in_order[model] += 1
            return
        self.late[model] += 1
        self.after_end += ended
        self.first = number if self.first is None else self.first

    def _is_repeat(self, pane: PartialPane) -> bool:
        """Whether it was there before; from now on it was."""
        block, bit = divmod(pane.start // pane.length, _BLOCK)
        key, mask = (pane.source, pane.subject, pane.length, block), 1 << bit
        seen = self._seen.get(key, 0)
        self._seen[key] = seen | mask
        return bool(seen & mask)

    def _ended(self, source: Source) -> bool:
        return self._passed.get(source) == END_OF_TIME
