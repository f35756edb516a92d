"""`driftgauge run`: the worker. Ends with exit code 0 on SIGTERM or Ctrl-C, after a last checkpoint where it can.

With `--replay` it ends by itself, once there is nothing left to do: exit code 0. Stopped before that, it is 130.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import structlog
import typer

from driftgauge import config_file
from driftgauge.app import build_worker
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.replay_option import ReplayOption, replayed
from driftgauge.cli.short_ring import short_ring
from driftgauge.config_secrets import known_secrets
from driftgauge.engine.configured import models_of
from driftgauge.engine.problems import problems_of
from driftgauge.errors import DriftgaugeError, UnavailableError
from driftgauge.runtime.heartbeat import Heartbeat
from driftgauge.runtime.memory import tune_memory
from driftgauge.sources.profile_file import read_profile
from driftgauge.telemetry.logging import configure

# As a shell tells of a program that was interrupted.
_AT_ONCE = _NOT_DONE = 130

EXAMPLE = "driftgauge run -c driftgauge.yaml, or driftgauge run -c driftgauge.yaml --replay march"


def command(config: ConfigOption, replay: ReplayOption = None) -> None:
    """Watch the configured topics until SIGTERM: panes, alerts and dead letters to Kafka, state to Redis.

    With --replay JOB the topics are read once, from their beginning to where they end when JOB is first started, by as
    many of these workers as are started; each ends when nothing is left for it to do. See docs/backtest.md.
    """
    loaded = config_file.load_with_profiles(config, os.environ, read_profile, examine=problems_of)
    settings = replayed(loaded.config, replay)
    configure(settings.logging.format, settings.logging.level, secrets=known_secrets(settings))
    log = structlog.get_logger().bind(group_id=settings.kafka.group_id)
    stopping = _Stop(log)
    done = False
    log.info("worker_starting", models=len(settings.models), servers=settings.kafka.bootstrap_servers)
    for model in models_of(settings, loaded.profiles):
        if (note := short_ring(model)) is not None:
            log.warning("memory_too_short", model=str(model.subject), note=note)
    try:
        heartbeat = Heartbeat(settings.watchdog.stuck_after, log, sys.stderr)
        worker = build_worker(settings, loaded.profiles, log, alive=heartbeat.beat, stop=stopping.asked)
        tune_memory()
        log.info("worker_started")
        heartbeat.start()
        done = worker.run(stopping.asked)
        heartbeat.stop()
    except DriftgaugeError as error:
        if not (stopping.asked() and isinstance(error, UnavailableError)):
            # The log's last line says why, in the log's own format.
            log.error("worker_failed", code=error.code, error=str(error))  # noqa: TRY400 (expected: no traceback)
            raise typer.Exit(error.exit_code) from error
        log.warning("stopped_unsaved", error=str(error), do="nothing: it is read again from the last checkpoint")
    log.info("worker_stopped" if not done else "replay_finished")
    if replay is not None and not done:
        raise typer.Exit(_NOT_DONE)


class _Stop:
    """Remembers that a signal asked the worker to end; a second one ends it at once, with exit code 130."""

    def __init__(self, log: Any) -> None:
        self._log, self._asked = log, False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def asked(self) -> bool:
        return self._asked

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            # The signal may have come in the middle of writing another line, where none can be written.
            with suppress(RuntimeError):
                name = signal.Signals(number).name
                self._log.warning(
                    "stopped_at_once", signal=name, do="nothing: it is read again from the last checkpoint"
                )
            os._exit(_AT_ONCE)
        self._asked = True
