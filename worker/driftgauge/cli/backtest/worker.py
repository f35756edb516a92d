"""A process that works for a backtest (`--workers`): counts a share of its input, or judges some models' subjects.

Started by it as `python -m driftgauge.cli.backtest.worker`; what it has to do is the first frame on standard input.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from driftgauge.cli.backtest.files import FilesInput
from driftgauge.cli.backtest.input import EventsInput
from driftgauge.cli.backtest.job import Counting, Files, Judging, decode_job
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.backtest.topics import TopicsInput
from driftgauge.cli.topic_range import turns_among
from driftgauge.engine.detect import stage_of
from driftgauge.errors import DriftgaugeError
from driftgauge.records import Source
from driftgauge.replay.counting_elsewhere import Failed, encoder, send_turns
from driftgauge.replay.judging import OneStage
from driftgauge.replay.judging_elsewhere import judge_for
from driftgauge.replay.processes import Parent
from driftgauge.runtime.memory import tune_memory


def main() -> None:
    """Do it, tell the parent what goes wrong; end when it is gone."""
    parent = Parent()
    try:
        frame = parent.receive()
        if frame is None:
            return
        job = decode_job(frame)
        tune_memory()
        try:
            if isinstance(job, Counting):
                _count(job, parent)
            else:
                _judge(job, parent)
        except DriftgaugeError as error:
            parent.send(encoder.encode(Failed.of(error)))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)


def _count(job: Counting, parent: Parent) -> None:
    plan = job.analysis.plan()
    with _opened(job, plan) as opened:
        hits = opened.plan.faults.hits if opened.plan.faults is not None else list
        send_turns(parent, opened.turns(), opened.plan.layouts, lambda: opened.done, hits)


@contextmanager
def _opened(job: Counting, plan: Plan) -> Iterator[EventsInput]:
    if isinstance(job.read, Files):
        of, model = job.read, job.analysis.model
        yield FilesInput(plan, of.data, of.columns, job.span, model=model, sort=of.sort, share=job.share)
        return
    spans = {Source(topic, partition): (first, end) for topic, partition, first, end in job.read.spans}
    config = plan.require_config()
    with turns_among(config, len(spans)) as read:
        yield TopicsInput(plan, config, read, spans, job.span, share=job.share)


def _judge(job: Judging, parent: Parent) -> None:
    plan = job.analysis.plan()
    plan = plan.by_rows() if job.by_rows else plan
    render = plan.renderer()
    stage = OneStage(lambda: stage_of(plan.models, plan.unprofiled))
    judge_for(parent, stage, lambda raised: render(raised).to_json(), plan.layouts)


if __name__ == "__main__":
    main()
