"""`driftgauge run` without one of the things that the guarantees rest on: broken_worker.py NAME -c FILE.

Only to show that the verdict notices.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from driftgauge.cli import main
from driftgauge.records import RecordBatch
from driftgauge.runtime.tasks import DetectTask, IngestTask
from driftgauge.sinks.base import Publication
from driftgauge.sinks.kafka import KafkaSink

_publish = KafkaSink.publish
_SOME = 20


def counts_twice() -> None:
    """What is read is counted, and counted again."""
    process = IngestTask.process

    def processed(task: IngestTask, batch: RecordBatch) -> list[Publication]:
        return process(task, batch) + process(task, batch)

    IngestTask.process = processed  # type: ignore[method-assign]


def saved_before_published() -> None:
    """The last that follows from the log is still kept back when the checkpoint is made: a crash loses it."""
    waiting: list[Publication] = []

    def publish(sink: KafkaSink, publications: Sequence[Publication]) -> None:
        waiting.extend(publications)
        _publish(sink, waiting[:-_SOME])
        del waiting[:-_SOME]

    KafkaSink.publish = publish  # type: ignore[method-assign]


def chance_in_alerts() -> None:
    """An alert says something that doesn't follow from the log, so a repeated one is not the same."""
    process = DetectTask.process

    def processed(task: DetectTask, batch: Any) -> list[Publication]:
        alerts = process(task, batch)
        return [
            Publication(a.topic, a.key, (a.value or b"") + b" " * len(batch), a.partition, a.headers) for a in alerts
        ]

    DetectTask.process = processed  # type: ignore[method-assign]


BREAKS = {f.__name__: f for f in (counts_twice, saved_before_published, chance_in_alerts)}

if __name__ == "__main__":
    BREAKS[sys.argv[1]]()
    sys.argv = ["driftgauge", "run", *sys.argv[2:]]
    main()
