"""Stored panes through the detect stage alone: what was counted is judged again, in seconds.

A log of panes holds everything that was decided while the events came: idle sources, late events, gating. So this gives
what live gave, exactly, as long as profile and pane length are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.errors import InputError
from driftgauge.panes.cut_log import CutLog
from driftgauge.panes.messages import Message
from driftgauge.records import Source
from driftgauge.runtime.replay import ReplayTotals
from driftgauge.runtime.span import Span
from driftgauge.runtime.stored_panes import StoredPanes


@dataclass(frozen=True, slots=True)
class PanesLog:
    """One partition of the panes topic, or a file of its records.

    `batches`: values in log order. `gating`: the sources that gate until the log tells of others; none: it does so at
    its beginning. `cut`: records before its first one are gone. `name`: for messages.
    """

    batches: Iterable[Sequence[bytes | None]]
    gating: tuple[Source, ...] = ()
    cut: bool = False
    name: str = "the panes topic"


def judge_panes(
    logs: Iterable[PanesLog],
    fresh: Callable[[], DetectStage],
    stored: StoredPanes,
    totals: ReplayTotals,
    span: Span,
    on_messages: Callable[[Sequence[Message], int], None] = lambda _messages, _log: None,
) -> Iterator[list[Raised]]:
    """One log after the other, each with a stage of its own, as live; yields after each batch what it raised.

    A log is read until its panes have closed up to the end of `span`, or to its end: what is open then stays open.
    `on_messages` sees what is judged, and of which log. See `StoredPanes.refuse` for what is refused.
    """
    for number, log in enumerate(logs):
        stage = fresh()
        stage.merge.sources = log.gating or None
        beginning = CutLog(log.gating) if log.cut else None
        for values in log.batches:
            totals.records += len(values)
            messages: Sequence[Message] = stored.messages(values)
            messages = span.judged(beginning.take(messages) if beginning is not None else messages)
            totals.count_messages(messages)
            on_messages(messages, number)
            totals.late = sum(totals.late_of.values())
            yield totals.judge(stage, messages)
            low = stage.merge.low_watermark
            totals.event_time = low if low is not None else totals.event_time
            if low is not None and low >= span.end:
                break
        else:
            if stage.merge.open and stage.merge.sources is None:
                raise InputError(f"{log.name}: holds no `sources` record, which says whose watermarks close its panes")
    stored.refuse()
