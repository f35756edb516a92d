"""A backtest from the first record to the summary of what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.backtest.input import BacktestInput
from driftgauge.cli.backtest.summary import RejectedAt, Summary
from driftgauge.cli.backtest.sweep import Sweep
from driftgauge.cli.kept_files import KeptFiles
from driftgauge.cli.replay_progress import ReplayProgress
from driftgauge.cli.replayed_alerts import Rendered, rendered, replayed_alerts
from driftgauge.cli.short_panes import short_panes
from driftgauge.cli.short_ring import short_ring
from driftgauge.engine.detect import stage_of
from driftgauge.errors import DamagedError, OutOfRangeError, UnavailableError, WorkerProcessError
from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import Message
from driftgauge.records import Source
from driftgauge.replay.judging import Judge, OneStage
from driftgauge.replay.turn import Rejected
from driftgauge.report.recorder import Recorder
from driftgauge.subject import Subject

_REJECTS_KEPT = 5


def carry_out(
    opened: BacktestInput,
    files: KeptFiles,
    on_event: Callable[[AlertEvent], None] | None = None,
    recorder: Recorder | None = None,
    sweep: Sweep | None = None,
    judge: Judge[Rendered] | None = None,
) -> Summary:
    """Run the engine over what was opened, with what comes of it into `files`; `on_event` hears of each alert event.

    `judge`: others than this process, which `recorder` and `sweep` would have to look at.

    Ctrl-C ends it early, and so does a Kafka that doesn't answer any more: see `Summary.stopped`.
    """
    summary = Summary(opened.plan.models, opened.records, opened.span, faults=opened.plan.faults)
    totals, episodes = summary.totals, summary.episodes
    try:
        with ReplayProgress(opened.records) as progress:
            for events in _told(opened, files, summary, recorder, sweep, judge):
                for event in events:
                    episodes.add(event)
                    summary.told.add(event)
                    if on_event is not None:
                        on_event(event)
                progress.update(opened.done, totals.event_time, totals.records, len(episodes))
        files.complete()
        summary.complete = True
    except KeyboardInterrupt:
        pass
    except (UnavailableError, OutOfRangeError, DamagedError, WorkerProcessError) as error:
        summary.stopped = error
    notes = (note for model in opened.plan.models for note in (short_panes(model), short_ring(model)))
    hit_little = opened.plan.faults.notes() if opened.plan.faults is not None and summary.complete else []
    summary.warnings = [*opened.warnings, *dict.fromkeys(note for note in notes if note is not None), *hit_little]
    return summary


def _told(
    opened: BacktestInput,
    files: KeptFiles,
    summary: Summary,
    recorder: Recorder | None,
    sweep: Sweep | None,
    judge: Judge[Rendered] | None,
) -> Iterator[list[AlertEvent]]:
    def note_reject(source: Source, one: Rejected) -> None:
        if len(summary.rejected) < _REJECTS_KEPT:
            summary.rejected.append(RejectedAt(opened.place(source, one.offset), one.code, one.message))

    def hear(event: AlertEvent) -> None:
        summary.episodes.add(event, told=False)
        summary.told.add(event)

    def count(messages: Sequence[Message], log: int = 0) -> None:
        files.keep(messages)
        if sweep is not None:
            sweep.take(messages, log)

    def close(subject: Subject, panes: Sequence[Pane]) -> None:
        for watcher in (recorder, sweep):
            if watcher is not None:
                watcher.closed(subject, panes)

    plan, totals = opened.plan, summary.totals
    if judge is not None:
        steps = opened.steps(totals, note_reject, count, judge)
    else:
        stage = OneStage(lambda: stage_of(plan.models, plan.unprofiled, close))
        steps = rendered(opened.steps(totals, note_reject, count, stage), plan.renderer())
    return replayed_alerts(steps, files.alerts, span=opened.span, untold=hear, recorder=recorder, faults=plan.faults)
