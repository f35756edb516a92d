"""Stored panes as the input of a backtest: the panes topic of a configuration, or files of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from driftgauge.cli.backtest.input import OnMessages, Place
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.topic_range import topic_range
from driftgauge.counted import counted
from driftgauge.engine.topics import gating_topics
from driftgauge.panes.log_order import LogOrder
from driftgauge.records import Source
from driftgauge.replay.judging import Judge, T
from driftgauge.replay.panes import PanesLog, judge_panes
from driftgauge.replay.replay import OnReject, ReplayTotals
from driftgauge.replay.span import Span
from driftgauge.replay.stored_panes import StoredPanes
from driftgauge.sources.panes_file import PanesFile

FromPanesOption = Annotated[
    bool,
    typer.Option("--from-panes", help="Judge stored panes anew: of the panes topic, or of the files that follow."),
]


class PanesInput:
    """See BacktestInput."""

    records = "pane records"

    def __init__(
        self, plan: Plan, span: Span, logs: Sequence[PanesLog], done: Callable[[], float], notes: Sequence[str] = ()
    ) -> None:
        """`done`: the share of the logs that was read."""
        self.plan, self.span = plan, span
        self._logs, self._done, self._notes = logs, done, notes
        self._stored = StoredPanes(plan.models)
        self._totals = ReplayTotals()

    @property
    def warnings(self) -> list[str]:
        """See BacktestInput."""
        left = self._totals.never_closed
        told = f"{counted(left, 'panes')} never closed, since the records end before all sources have passed them"
        return [*self._notes, *self._stored.warnings, *([f"{told}: nothing is told of those"] if left else [])]

    @property
    def done(self) -> float:
        """See BacktestInput."""
        return self._done()

    def place(self, source: Source, offset: int) -> Place:
        """See BacktestInput."""
        return Place(_place(source, offset), {})

    def steps(
        self, totals: ReplayTotals, _on_reject: OnReject, on_messages: OnMessages, judge: Judge[T]
    ) -> Iterator[list[T]]:
        """See BacktestInput. Nothing is counted, so nothing is rejected."""
        self._totals = totals
        return judge_panes(self._logs, judge, self._stored, totals, self.span, on_messages)


def files_of_panes(plan: Plan, span: Span, paths: Sequence[Path]) -> PanesInput:
    """Each file is a log of its own. InputError if one can't be read."""
    files = [PanesFile(path) for path in paths]
    logs = [
        PanesLog(file.batches(), file.place, name=str(path), order=LogOrder())
        for file, path in zip(files, paths, strict=True)
    ]
    return PanesInput(plan, span, logs, lambda: sum(file.done for file in files) / len(files))


@contextmanager
def topic_of_panes(plan: Plan, span: Span) -> Iterator[PanesInput]:
    """What the panes topic of the configuration holds now."""
    config = plan.require_config()
    with topic_range(config, [config.topics.panes]) as (log, consumer):
        turns = log.turns(log.spans)
        gone = ", ".join(str(source) for source, (first, _) in log.bounds.items() if first > 0)
        # As live takes them for, where retention has taken the record that says so.
        inputs = gating_topics(config) if gone else []
        known = [Source(name, i) for name in inputs for i in range(consumer.partitions(name) or 0)]
        logs = [
            PanesLog(
                (list(zip(batch.offsets, batch.values, strict=True)) for batch in turns.batches(source)),
                partial(_place, source),
                tuple(sorted(known)) if first > 0 else (),
                cut=first > 0,
            )
            for source, (first, _) in log.spans.items()
        ]
        note = (
            f"the first records of {gone} are deleted (retention): what was learned from them is missing, so alerts "
            "may be others than live"
        )
        yield PanesInput(plan, span, logs, lambda: turns.done, [note] if gone else ())


def _place(source: Source, offset: int) -> str:
    return f"{source} offset {offset:,}"
