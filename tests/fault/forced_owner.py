"""`driftgauge run` that takes all partitions for its own, whatever the group says: forced_owner.py -c FILE.

Two of them are two owners of everything, as they could be for a moment only in a group: each claims, is fenced, and
claims again.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from kafka import TopicPartition

from driftgauge.cli import main
from driftgauge.records import Source
from driftgauge.sources.kafka import KafkaSource


def subscribe(self: KafkaSource, topics: Collection[str], *, assigned: Any, **_listeners: Any) -> None:
    """As if the group had given us all there is."""
    sources = [Source(topic, i) for topic in topics for i in range(self.partitions(topic) or 0)]
    partitions = [TopicPartition(*source) for source in sources]
    self._consumer.assign(partitions)
    for partition in partitions:
        self._consumer.seek(partition, 0)
    self._consumer.pause(*partitions)
    assigned(sources)


if __name__ == "__main__":
    KafkaSource.subscribe = subscribe  # type: ignore[method-assign]
    sys.argv = ["driftgauge", "run", *sys.argv[1:]]
    main()
