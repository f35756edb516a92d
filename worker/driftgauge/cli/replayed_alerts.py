"""The loop that `demo` and `backtest` share: write every alert event of a replay, hand it on for showing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.stage import Raised
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.replay.span import ALL, Span
from driftgauge.report.recorder import Recorder
from driftgauge.runtime.memory import tune_memory
from driftgauge.sinks.jsonl import JsonLinesFile


class Rendered(NamedTuple):
    """An alert event, and the end of the pane (ms) that it is of. `raised`: None if it was judged elsewhere."""

    at: int
    event: AlertEvent
    raised: Raised | None = None


def rendered(steps: Iterable[list[Raised]], render: Callable[[Raised], AlertEvent]) -> Iterator[list[Rendered]]:
    """What a replay raised in this process, as alert events."""
    for step in steps:
        yield [Rendered(raised.transition.at, render(raised), raised) for raised in step]


def replayed_alerts(
    steps: Iterable[list[Rendered]],
    out: JsonLinesFile,
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
    for step in steps:
        events = []
        for at, event, raised in step:
            if at <= span.start:
                untold(event)
            if not span.tells(at):
                continue
            events.append(event)
            out.write(event.to_json())
            if recorder is not None and raised is not None:
                recorder.raised(raised, event)
            if faults is not None:
                faults.see(event)
        yield events
