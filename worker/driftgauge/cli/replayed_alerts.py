"""The loop that `demo` and `backtest` share: replay sources, write every alert event, hand it on for showing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.decode.columns import Reject
from driftgauge.engine.detect import stage_of
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.unprofiled import Unprofiled
from driftgauge.records import RecordBatch
from driftgauge.runtime.memory import tune_memory
from driftgauge.runtime.replay import ReplaySource, ReplayTotals, replay
from driftgauge.sinks.jsonl import JsonLinesFile


def replayed_alerts(
    models: Sequence[Model],
    sources: Sequence[ReplaySource],
    group: str,
    out: JsonLinesFile,
    totals: ReplayTotals,
    on_reject: Callable[[RecordBatch, Reject], None] = lambda _batch, _reject: None,
    unprofiled: Unprofiled | None = None,
) -> Iterator[list[AlertEvent]]:
    """Run everything; after each batch the events it raised, which are in `out` by then."""
    tune_memory()
    render = renderer_of(models, Run(mode="backtest", run_id=run_id_of(models, group)), unprofiled)
    for raised in replay(sources, stage_of(models, unprofiled), totals, on_reject):
        events = [render(one) for one in raised]
        for event in events:
            out.write(event.to_json())
        yield events
