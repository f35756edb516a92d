"""The loop that `demo` and `backtest` share: write every alert event of a replay, hand it on for showing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.alerts.stage import Raised
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.unprofiled import Unprofiled
from driftgauge.report.recorder import Recorder
from driftgauge.runtime.memory import tune_memory
from driftgauge.sinks.jsonl import JsonLinesFile


def replayed_alerts(
    models: Sequence[Model],
    steps: Iterable[list[Raised]],
    group: str,
    out: JsonLinesFile,
    unprofiled: Unprofiled | None = None,
    recorder: Recorder | None = None,
    faults: InjectedFaults | None = None,
) -> Iterator[list[AlertEvent]]:
    """After each step of a replay the events it raised, which are in `out` by then, and told to `recorder`.

    `faults`: those that are in what is replayed.
    """
    tune_memory()
    texts, named = (faults.texts, faults.named) if faults is not None else ([], [])
    run = Run(mode="backtest", run_id=run_id_of(models, group, named), injected=texts)
    render = renderer_of(models, run, unprofiled)
    for raised in steps:
        events = [render(one) for one in raised]
        for one, event in zip(raised, events, strict=True):
            out.write(event.to_json())
            if recorder is not None:
                recorder.raised(one, event)
            if faults is not None:
                faults.see(event)
        yield events
