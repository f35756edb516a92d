"""What has to be known of a partition's log before it is taken over, as Kafka tells it. See `taking_over.LogView`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from driftgauge.config import Config
from driftgauge.errors import UnavailableError
from driftgauge.panes.messages import Watermark
from driftgauge.records import Source
from driftgauge.runtime.beginning import Bounds
from driftgauge.runtime.kafka_clients import admin_settings, reader_settings
from driftgauge.runtime.panes_history import PanesHistory
from driftgauge.runtime.topics import topic_id
from driftgauge.sources.kafka import KafkaSource


class PartitionLog:
    """A LogView of the configured topics. `counts`: partitions of each at the group's first start.

    `starts`: where partitions begin for which that is settled.
    """

    def __init__(
        self, config: Config, source: KafkaSource, counts: Mapping[str, int], starts: Mapping[Source, int]
    ) -> None:
        """`source`: the group's consumer. What else is needed connects on first use."""
        self._config, self._source, self._counts, self._starts = config, source, counts, starts
        panes = [Source(config.topics.panes, i) for i in range(config.panes.partitions)]
        self._history = PanesHistory(lambda: KafkaSource(reader_settings(config)), panes)
        self._admin: Any = None

    def bounds(self, source: Source) -> Bounds:
        """See LogView."""
        first, end = self._source.span(source)
        return Bounds(first, end, self._topic_id(source.topic), self._source.committed(source))

    def start(self, source: Source) -> int:
        """See LogView. The panes topic is our own history and is read from its beginning."""
        if source in self._starts:
            return self._starts[source]
        start = self._config.kafka.start
        if source.topic == self._config.topics.panes or start == "earliest":
            return self._source.first_offset(source)
        if start == "latest":
            return self._source.end_offsets([source])[source]
        return self._source.offset_at(source, start)

    def added(self, source: Source) -> bool:
        """See LogView."""
        return source.partition >= self._counts.get(source.topic, source.partition + 1)

    def last_watermark(self, source: Source) -> Watermark | None:
        """See LogView."""
        return self._history.last_watermark(source)

    def close(self) -> None:
        """See LogView."""
        self._history.close()
        if self._admin is not None:
            self._admin.close()

    def _topic_id(self, topic: str) -> str:
        # Asked each time: a consumer's own metadata may be minutes old.
        try:
            if self._admin is None:
                self._admin = KafkaAdminClient(**admin_settings(self._config))
            return topic_id(self._admin, topic)
        except (KafkaError, OSError) as error:
            raise UnavailableError(f"Kafka does not say which topic {topic} is now: {error}") from error
