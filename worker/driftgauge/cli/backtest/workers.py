"""`--workers N`: a backtest's input counted, and what it counted judged, by processes beside this one.

By partition (or file) and by subject: N of them each count every N-th source, and where several models are watched, up
to N others each judge the subjects of some of them. Here their work is put in order, so that nothing depends on N.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.backtest.input import BacktestInput, EventsInput, Place, Share
from driftgauge.cli.backtest.job import Analysis, Counting, Files, Job, Judging, Partitions, encode_job
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.backtest.topics import TopicsInput
from driftgauge.cli.replayed_alerts import Rendered
from driftgauge.records import Source
from driftgauge.replay.counting_elsewhere import CountedElsewhere
from driftgauge.replay.judging import Judge
from driftgauge.replay.judging_elsewhere import JudgedElsewhere
from driftgauge.replay.processes import Processes
from driftgauge.replay.turn import Turn

WorkersOption = Annotated[
    int,
    typer.Option("--workers", metavar="N", min=1, max=256, help="So many processes: files or partitions side by side."),
]
_WORKER = "driftgauge.cli.backtest.worker"


class SharedInput(EventsInput):
    """An input that others count. `shared` counts nothing itself."""

    def __init__(self, shared: EventsInput, elsewhere: CountedElsewhere) -> None:
        """Nothing counted yet."""
        self.plan, self.span, self.records, self.warnings = shared.plan, shared.span, shared.records, shared.warnings
        self.names, self.gating, self.counted = shared.names, shared.gating, {}
        self._shared, self._elsewhere = shared, elsewhere

    @property
    def done(self) -> float:
        """See BacktestInput."""
        return self._elsewhere.done

    def place(self, source: Source, offset: int) -> Place:
        """See BacktestInput."""
        return self._shared.place(source, offset)

    def turns(self) -> Iterator[Turn]:
        """See EventsInput."""
        for turn in self._elsewhere.turns():
            if self.plan.faults is not None:
                self.plan.faults.hit_elsewhere = self._elsewhere.hits
            yield turn


@contextmanager
def shared_input(opened: BacktestInput, workers: int, analysis: Analysis, files: Files) -> Iterator[BacktestInput]:
    """The same, counted by so many processes at the most; `files`: those that were named, if any were."""
    if workers == 1 or not isinstance(opened, EventsInput):
        yield opened
        return
    read = Partitions.of(opened.spans) if isinstance(opened, TopicsInput) else files
    count = min(workers, len(opened.names))
    jobs = [Counting(analysis, opened.span, read, Share(which, count)) for which in range(count)]
    with _at_work(jobs) as processes:
        yield SharedInput(opened, CountedElsewhere(processes, len(opened.names), opened.plan.layouts))


@contextmanager
def shared_judge(plan: Plan, workers: int, analysis: Analysis, *, by_rows: bool) -> Iterator[Judge[Rendered] | None]:
    """So many judges at the most, one for each model if there are as many; None: they are not worth it."""
    models = sorted({model.subject.model_id for model in plan.models})
    count = min(workers, len(models))
    if count == 1:
        yield None
        return
    with _at_work([Judging(analysis, by_rows)] * count) as processes:
        yield JudgedElsewhere(processes, models, plan.layouts, _rendered)


def _rendered(at: int, event: bytes) -> Rendered:
    return Rendered(at, AlertEvent.model_validate_json(event))


@contextmanager
def _at_work(jobs: Sequence[Job]) -> Iterator[Processes]:
    with Processes(_WORKER, len(jobs)) as processes:
        for number, job in enumerate(jobs):
            processes.send(number, encode_job(job))
        yield processes
