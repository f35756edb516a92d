"""`driftgauge run` without one of the things that the guarantees rest on: broken_worker.py NAME -c FILE.

Only to show that the verdict notices.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from driftgauge.cli import main
from driftgauge.records import Source
from driftgauge.runtime.tasks import DetectTask
from driftgauge.sinks.base import Publication
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource

_publish, _seek = KafkaSink.publish, KafkaSource.seek
_SOME = 20


def reads_on_elsewhere() -> None:
    """Events are read on some records after the position that the state belongs to: these are counted nowhere."""

    def seek(source: KafkaSource, partition: Source, position: int) -> None:
        is_later = position and partition.topic.startswith("predictions")
        _seek(source, partition, position + _SOME if is_later else position)

    KafkaSource.seek = seek  # type: ignore[method-assign]


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


BREAKS = {f.__name__: f for f in (reads_on_elsewhere, saved_before_published, chance_in_alerts)}

if __name__ == "__main__":
    BREAKS[sys.argv[1]]()
    sys.argv = ["driftgauge", "run", *sys.argv[2:]]
    main()
