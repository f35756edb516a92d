"""The loop that `demo` and `backtest` share: replay sources, write every alert event, hand it on for showing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.decode.columns import Reject
from driftgauge.engine import Model, renderer_of, run_id_of, stage_of
from driftgauge.panes.merge import PaneMerge
from driftgauge.panes.messages import Message, PartialPane
from driftgauge.records import RecordBatch
from driftgauge.runtime.replay import ReplaySource, ReplayTotals, replay
from driftgauge.sinks.jsonl import JsonLinesFile


class CoveredMerge(PaneMerge):
    """A merge that remembers the time covered: `first` and `last` (ms), start and end of all panes; None if none."""

    first: int | None = None
    last: int | None = None

    def take(self, message: Message) -> None:
        """See PaneMerge."""
        if isinstance(message, PartialPane):
            self.first = message.start if self.first is None else min(self.first, message.start)
            self.last = message.end if self.last is None else max(self.last, message.end)
        super().take(message)


def replayed_alerts(
    models: Sequence[Model],
    sources: Sequence[ReplaySource],
    group: str,
    out: JsonLinesFile,
    totals: ReplayTotals,
    covered: CoveredMerge,
    on_reject: Callable[[RecordBatch, Reject], None] = lambda _batch, _reject: None,
) -> Iterator[list[AlertEvent]]:
    """Run everything; after each batch the events it raised, which are in `out` by then."""
    render = renderer_of(models, Run(mode="backtest", run_id=run_id_of(models, group)))
    stage = stage_of(models)
    stage.merge = covered
    for raised in replay(sources, stage, totals, on_reject):
        events = [render(one) for one in raised]
        for event in events:
            out.write(event.to_json())
        yield events
