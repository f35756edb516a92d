"""A backtest from the first record to the summary of what was found."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.cli.backtest_input import BacktestInput
from driftgauge.cli.backtest_summary import Rejected, Summary
from driftgauge.cli.replay_progress import ReplayProgress
from driftgauge.cli.replayed_alerts import replayed_alerts
from driftgauge.cli.short_panes import short_panes
from driftgauge.cli.short_ring import short_ring
from driftgauge.decode.columns import Reject
from driftgauge.panes.merge import Pane
from driftgauge.records import RecordBatch
from driftgauge.report.recorder import Recorder
from driftgauge.sinks.jsonl import JsonLinesFile
from driftgauge.subject import Subject

_REJECTS_KEPT = 5


def _unseen(_subject: Subject, _panes: Sequence[Pane]) -> None:
    """Nobody asks for a report."""


def carry_out(opened: BacktestInput, out: JsonLinesFile, recorder: Recorder | None = None) -> Summary:
    """Run the engine over what was opened, with its alert events into `out`; Ctrl-C ends it early."""
    plan = opened.plan
    notes = (note for model in plan.models for note in (short_panes(model), short_ring(model)))
    warnings = [*opened.warnings, *dict.fromkeys(note for note in notes if note is not None)]
    summary = Summary(plan.models, opened.records, warnings, plan.faults)
    totals = summary.totals

    def note_reject(batch: RecordBatch, reject: Reject) -> None:
        if len(summary.rejected) < _REJECTS_KEPT:
            summary.rejected.append(Rejected(opened.place(batch, reject.row), reject.code, reject.message))

    steps = opened.steps(totals, note_reject, recorder.closed if recorder is not None else _unseen)
    try:
        with ReplayProgress() as progress:
            for events in replayed_alerts(plan.models, steps, plan.group, out, plan.unprofiled, recorder, plan.faults):
                for event in events:
                    summary.episodes.add(event)
                progress.update(opened.done, totals.event_time, totals.records, len(summary.episodes))
        summary.complete = True
        warnings += plan.faults.notes() if plan.faults is not None else []
    except KeyboardInterrupt:
        pass
    return summary
