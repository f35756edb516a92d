"""The loop that `demo` and `backtest` share: write every alert event of a replay, hand it on for showing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.alerts.stage import Raised
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.unprofiled import Unprofiled
from driftgauge.report.recorder import Recorder
from driftgauge.runtime.memory import tune_memory
from driftgauge.runtime.span import ALL, Span
from driftgauge.sinks.jsonl import JsonLinesFile


def replayed_alerts(
    models: Sequence[Model],
    steps: Iterable[list[Raised]],
    group: str,
    out: JsonLinesFile,
    unprofiled: Unprofiled | None = None,
    *,
    span: Span = ALL,
    untold: Callable[[AlertEvent], None] = lambda _event: None,
    recorder: Recorder | None = None,
    faults: InjectedFaults | None = None,
) -> Iterator[list[AlertEvent]]:
    """After each step of a replay the events of `span` that it raised, which are in `out` by then, and recorded.

    `untold` hears of those before. `faults`: those that are in what is replayed.
    """
    tune_memory()
    texts, named = (faults.texts, faults.named) if faults is not None else ([], [])
    run = Run(mode="backtest", run_id=run_id_of(models, group, named), injected=texts)
    render = renderer_of(models, run, unprofiled)
    for raised in steps:
        for one in raised:
            if one.transition.at <= span.start:
                untold(render(one))
        told = [one for one in raised if span.tells(one.transition.at)]
        events = [render(one) for one in told]
        for one, event in zip(told, events, strict=True):
            out.write(event.to_json())
            if recorder is not None:
                recorder.raised(one, event)
            if faults is not None:
                faults.see(event)
        yield events
