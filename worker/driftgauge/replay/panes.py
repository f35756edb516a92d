"""Stored panes through the detect stage alone: what was counted is judged again, in seconds.

A log of panes holds everything that was decided while the events came: idle sources, late events, gating. So this gives
what live gave, exactly, as long as profile and pane length are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from driftgauge.errors import InputError
from driftgauge.panes.cut_log import CutLog
from driftgauge.panes.log_order import LogOrder
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import Message, PartialPane
from driftgauge.records import Source
from driftgauge.replay.judging import Judge, T
from driftgauge.replay.replay import ReplayTotals
from driftgauge.replay.span import Span
from driftgauge.replay.stored_panes import StoredPanes


@dataclass(frozen=True, slots=True)
class PanesLog:
    """One partition of the panes topic, or a file of its records.

    `batches`: values in log order, each with its number; `place`: where that number is, for messages. `gating`: the
    sources that gate until the log tells of others; none: it does so at its beginning. `cut`: records before its first
    one are gone. `name`: for messages. `order`: to be held against, where it isn't Kafka that keeps the order.
    """

    batches: Iterable[Sequence[tuple[int, bytes | None]]]
    place: Callable[[int], str]
    gating: tuple[Source, ...] = ()
    cut: bool = False
    name: str = "the panes topic"
    order: LogOrder | None = None


def judge_panes(
    logs: Iterable[PanesLog],
    judge: Judge[T],
    stored: StoredPanes,
    totals: ReplayTotals,
    span: Span,
    on_messages: Callable[[Sequence[Message], int], None] = lambda _messages, _log: None,
) -> Iterator[list[T]]:
    """One log after the other, each judged anew, as live; yields after each batch what was raised.

    A log is read until its panes have closed up to the end of `span`, or to its end: what is open then stays open.
    `on_messages` sees what is judged, and of which log. InputError for a file that is in another order than a log, or
    says nothing of its sources; see `StoredPanes.refuse` for what else is refused.
    """
    for number, log in enumerate(logs):
        judge.begin(log.gating)
        reached, any_pane = PaneMerge(sources=log.gating or None), False
        beginning = CutLog(log.gating) if log.cut else None
        low: int | None = None
        for batch in log.batches:
            totals.records += len(batch)
            numbered = stored.messages(batch, log.place)
            if log.order is not None:
                for line, message in numbered:
                    log.order.take(line, message)
            messages: Sequence[Message] = [message for _, message in numbered]
            messages = span.judged(beginning.take(messages) if beginning is not None else messages)
            any_pane = any_pane or any(isinstance(message, PartialPane) for message in messages)
            totals.count_messages(messages, reached)
            on_messages(messages, number)
            totals.late = sum(totals.late_of.values())
            yield from totals.steps(judge.take(messages))
            low = reached.low_watermark
            if low is not None and low >= span.end:
                break
        else:
            if any_pane and reached.sources is None:
                raise InputError(f"{log.name}: holds no `sources` record, which says whose watermarks close its panes")
        if log.order is not None:
            stored.hold(log.order, log.place)
        yield from totals.steps(judge.finish())
        if low is None or low < span.end:
            totals.never_closed += totals.left
    stored.refuse()
