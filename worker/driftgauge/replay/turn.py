"""A turn of a source in a replay: what its next batch counted, ready to be judged.

Turns hold no records and nothing of the source's own state, so that the sources may be counted elsewhere.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from driftgauge.ingest.source import Ingested, SourceIngest
from driftgauge.panes.messages import Message
from driftgauge.records import RecordBatch
from driftgauge.replay.span import Span

# Of each turn: examples are for people.
_REJECTED_KEPT = 5


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """A source's ingest and its records. `gating`: whether its panes and watermarks count, as live."""

    ingest: SourceIngest
    batches: Iterable[RecordBatch]
    gating: bool = True


class Rejected(NamedTuple):
    """A record that is no event."""

    offset: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Turn:
    """`number`: of the source among all; `watermark`: how far it came (ms); `last`: it is not read any further.

    `messages`: what is to be judged, in order; the counts are those of `Ingested`; `rejected`: the first few.
    """

    number: int
    watermark: int
    last: bool
    records: int = 0
    late: int = 0
    outside_segments: int = 0
    unknown_models: Mapping[str, int] = field(default_factory=dict)
    reject_codes: Mapping[str, int] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()
    messages: Sequence[Message] = ()


class Order:
    """Whose turn it is: that of the source which is furthest behind in event time, so that memory stays flat."""

    def __init__(self, sources: Mapping[int, int]) -> None:
        """`sources`: the watermark (ms) of each, by number."""
        self._queue = [(watermark, number) for number, watermark in sources.items()]
        heapq.heapify(self._queue)

    def __iter__(self) -> Iterator[int]:
        """Numbers, until all have had their last turn; what each did has to be told (`took`) before the next."""
        while self._queue:
            yield heapq.heappop(self._queue)[1]

    def took(self, turn: Turn) -> None:
        """Line its source up again."""
        if not turn.last:
            heapq.heappush(self._queue, (turn.watermark, turn.number))


def take_turns(sources: Mapping[int, ReplaySource], span: Span) -> Iterator[Turn]:
    """Count everything. A source is read until its watermark has passed the end of `span`, or to its end.

    The turns of some of the sources come in the same order, and are the same, as among all.
    """
    readers = {number: iter(source.batches) for number, source in sources.items()}
    order = Order({number: source.ingest.watermark for number, source in sources.items()})
    for number in order:
        ingest, gating = sources[number].ingest, sources[number].gating
        batch = next(readers[number], None)
        done = ingest.finish() if batch is None else ingest.process(batch)
        turn = Turn(
            number,
            ingest.watermark,
            batch is None or ingest.watermark >= span.end,
            0 if batch is None else len(batch),
            done.late,
            done.outside_segments,
            done.unknown_models,
            Counter(reject.code for _, reject in done.rejects),
            _rejected(done),
            span.judged(done.messages) if gating else (),
        )
        order.took(turn)
        yield turn


def _rejected(done: Ingested) -> list[Rejected]:
    first = done.rejects[:_REJECTED_KEPT]
    return [Rejected(batch.offsets[reject.row], reject.code, reject.message) for batch, reject in first]
