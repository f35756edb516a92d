"""Scenario *files*: lines of a JSONL file to alert events, through the objects that `backtest` is made of."""

from __future__ import annotations

from pathlib import Path

from bench.handwritten import Monitor, read_event, watch_lines
from bench.measurement import LOOP, OURS, Measurement, in_order
from bench.stage_clock import Instant, StageClock
from driftgauge.alerts.event import Run
from driftgauge.alerts.stage import DetectStage
from driftgauge.decode.decoder import Decoder
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import default_model
from driftgauge.engine.publish import renderer_of
from driftgauge.ingest.source import SourceIngest
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import open_tables

_READ, _DECODE, _COUNT, _DETECT = "read + split lines", "decode", "count", "panes + detect"
_WATCHED = ((Decoder, "decode", _DECODE), (SourceIngest, "process", _COUNT), (DetectStage, "process", _DETECT))


def run_ours(path: Path, profile: Profile) -> Measurement:
    """File to alert events; panes of 60 s."""
    model = default_model(profile, pane="60s")
    models = [model]
    source = Source(path.name, 0)
    stage = stage_of(models)
    render = renderer_of(models, Run(mode="backtest", run_id="bench"))
    columns = Columns()
    [table] = open_tables([path], columns, kinds=None)
    batches = record_batches(table, columns, model_id=profile.model_id, model_version=profile.model_version)
    clock, totals = StageClock(), ReplayTotals()
    sources = [ReplaySource(ingest_of(models, source, decoder_of(models, None)), clock.iterate(batches, _READ))]
    rejects, alerts = 0, 0
    with clock.watching(*_WATCHED):
        clock.start()
        for raised in replay(sources, stage, totals):
            alerts += len([render(item).to_json() for item in raised])
        stages = clock.stop()
    rejects = sum(totals.reject_codes.values())
    outcome = {
        "counted": totals.events,
        "rejected": rejects,
        "late": totals.late,
        "panes": totals.panes,
        "alerts": alerts,
    }
    return Measurement(OURS, totals.records, in_order(stages, (_READ, _DECODE, _COUNT, _DETECT)), outcome)


def run_loop(path: Path, profile: Profile) -> Measurement:
    """The hand-written loop over the same lines.

    It has no stages to watch, since a clock at every event would slow it down: reading and JSON are measured on their
    own after it, and what remains of the whole is statistics and detectors.
    """
    monitor, clock = Monitor(profile), StageClock()
    clock.start()
    with path.open("rb") as file:
        watch_lines(file, monitor)
    [(_, whole)] = clock.stop().items()
    clock.start()
    with path.open("rb") as file:
        lines = list(file)
    [(_, read)] = clock.stop().items()
    clock.start()
    for line in lines:
        read_event(line)
    [(_, parsed)] = clock.stop().items()
    rest = Instant(*(all_of - a - b for all_of, a, b in zip(whole, read, parsed, strict=True)))
    stages = {_READ: read, "orjson.loads": parsed, "statistics + detectors": rest}
    return Measurement(LOOP, monitor.events, stages, {"counted": monitor.events, "alarms": len(monitor.alarms)})
