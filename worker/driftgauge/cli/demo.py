"""`driftgauge demo`: the loan story through the real engine, with no service needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from driftgauge import config_file
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.cli import demo_text
from driftgauge.cli.alert_view import Episodes
from driftgauge.cli.backtest.report import recorder_of, write_report
from driftgauge.cli.replay_progress import ReplayProgress
from driftgauge.cli.replayed_alerts import rendered, replayed_alerts
from driftgauge.cli.terminal import Terminal
from driftgauge.config import Config
from driftgauge.demo.files import ALERTS, APPLICATIONS, CONFIG, CONFIG_TEXT, PROFILE, REPORT
from driftgauge.demo.scorecard import Scorecard
from driftgauge.demo.story import BREAK, END, START, production, training
from driftgauge.demo.tally import Tally
from driftgauge.demo.training_profile import profile_of
from driftgauge.engine.configured import models_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.errors import ConfigError
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from driftgauge.sinks.jsonl import JsonLinesFile
from driftgauge.sources.profile_file import read_profile, write_profile

EXAMPLE = "driftgauge demo --out ./driftgauge-demo"

_BATCH = 1000
_READING = 1.2
# Longer lines are hard to read.
_WIDEST = 88
_SOURCE = Source(APPLICATIONS, 0)


def command(
    seed: Annotated[int, typer.Option(min=0, help="Other seeds, other applicants; the same, the same output.")] = 1,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")] = Path("driftgauge-demo"),
) -> None:
    """Watch a loan-approval model break without an error: a story of 20 seconds through the real engine.

    Needs no Kafka, Redis or Docker. Leaves a report, alerts, profile, configuration and the events in DIR.
    """
    console = Terminal(highlight=False)
    console.width = min(console.width, _WIDEST)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _Demo(console, seed, out).run()
    except OSError as error:
        raise ConfigError(f"--out {out}: can't be written: {error.strerror}; name another folder") from None
    except KeyboardInterrupt:
        console.print("Stopped.")
        raise typer.Exit(130) from None


class _Demo:
    """One run of the story."""

    def __init__(self, console: Console, seed: int, out: Path) -> None:
        self._console, self._seed, self._out = console, seed, out
        self._tally, self._episodes, self._totals = Tally(), Episodes(), ReplayTotals()
        self._quiet_told = False

    def run(self) -> None:
        with ExitStack() as stack:
            alerts = stack.enter_context(JsonLinesFile(self._out / ALERTS))
            applications = stack.enter_context((self._out / APPLICATIONS).open("wb"))
            demo_text.introduce(self._console)
            progress = stack.enter_context(ReplayProgress())
            trained = training(self._seed)
            write_profile(profile_of(trained), self._out / PROFILE)
            config, models = self._configured()
            source = ReplaySource(
                ingest_of(models, _SOURCE, decoder_of(models, None)), self._batches(trained.card, applications)
            )
            recorder = recorder_of(models)
            steps = replay([source], stage_of(models, None, recorder.closed), self._totals)
            run = Run(mode="backtest", run_id=run_id_of(models, config.kafka.group_id))
            for events in replayed_alerts(rendered(steps, renderer_of(models, run)), alerts, recorder=recorder):
                self._show(events, progress)
            alerts.complete()
        write_report(self._out / REPORT, recorder, models, self._totals)
        demo_text.conclude(self._console, self._episodes.all(), self._tally, self._out, alerts.written)

    def _configured(self) -> tuple[Config, list[Model]]:
        """The engine of the very configuration that is left for the reader, so that its ids are those of `run`."""
        path = self._out / CONFIG
        path.write_text(CONFIG_TEXT, encoding="utf-8")
        loaded = config_file.load_with_profiles(path, {}, read_profile)
        return loaded.config, models_of(loaded.config, loaded.profiles)

    def _batches(self, card: Scorecard, applications: BinaryIO) -> Iterator[RecordBatch]:
        first = 0
        for served in production(self._seed, card):
            self._tally.add(served)
            applications.write(b"\n".join(served.events) + b"\n")
            for start in range(0, len(served.events), _BATCH):
                values = served.events[start : start + _BATCH]
                times: list[int] = served.times[start : start + _BATCH].tolist()
                yield RecordBatch(_SOURCE, range(first, first + len(values)), times, values)
                first += len(values)

    def _show(self, events: list[AlertEvent], progress: ReplayProgress) -> None:
        now = self._totals.event_time
        if now is not None:
            progress.update((now - START) / (END - START), now, self._totals.records, len(self._episodes))
        if not events and (self._quiet_told or now is None or now < BREAK):
            return
        with progress.paused():
            if not self._quiet_told:
                self._quiet_told = True
                demo_text.tell_quiet(self._console, self._tally, len(self._episodes))
            for event in events:
                self._episodes.add(event)
            demo_text.announce(self._console, events, self._tally)
        if self._console.is_terminal:
            # Hours pass in a blink here; alerts are there to be read as they fire.
            time.sleep(_READING)
