"""`driftgauge run`: the worker. Ends with exit code 0 on SIGTERM or Ctrl-C, after a last checkpoint."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import structlog
import typer

from driftgauge import config_file
from driftgauge.app import build_worker
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.short_ring import short_ring
from driftgauge.config_secrets import known_secrets
from driftgauge.engine.configured import models_of
from driftgauge.engine.problems import problems_of
from driftgauge.errors import DriftgaugeError
from driftgauge.runtime.heartbeat import Heartbeat
from driftgauge.runtime.memory import tune_memory
from driftgauge.sources.profile_file import read_profile
from driftgauge.telemetry.logging import configure

EXAMPLE = "driftgauge run -c driftgauge.yaml"


def command(config: ConfigOption) -> None:
    """Watch the configured topics until SIGTERM: panes, alerts and dead letters to Kafka, state to Redis."""
    loaded = config_file.load_with_profiles(config, os.environ, read_profile, examine=problems_of)
    settings = loaded.config
    configure(settings.logging.format, settings.logging.level, secrets=known_secrets(settings))
    log = structlog.get_logger().bind(group_id=settings.kafka.group_id)
    stopping = _Stop()
    log.info("worker_starting", models=len(settings.models), servers=settings.kafka.bootstrap_servers)
    for model in models_of(settings, loaded.profiles):
        if (note := short_ring(model)) is not None:
            log.warning("memory_too_short", model=str(model.subject), note=note)
    try:
        heartbeat = Heartbeat(settings.watchdog.stuck_after, log, sys.stderr)
        worker = build_worker(settings, loaded.profiles, log, alive=heartbeat.beat)
        tune_memory()
        log.info("worker_started")
        heartbeat.start()
        worker.run(stopping.asked)
        heartbeat.stop()
    except DriftgaugeError as error:
        # The log's last line says why, in the log's own format.
        log.error("worker_failed", code=error.code, error=str(error))  # noqa: TRY400 (expected: no traceback)
        raise typer.Exit(error.exit_code) from error
    log.info("worker_stopped")


class _Stop:
    """Remembers that a signal asked the worker to end; a second one ends it at once."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def asked(self) -> bool:
        return self._asked

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
