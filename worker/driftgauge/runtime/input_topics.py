"""The input topics while a worker runs: partitions that are added, topics that go away.

An added partition gates panes from a `sources` record on, in log order. Every pane that closes after that has its
events; so it must be noticed before the panes close to which its first events belong, that is within the
out-of-orderness bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from driftgauge.errors import MissingTopicError, UnavailableError
from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import Sources
from driftgauge.records import Source
from driftgauge.sinks.base import Publication

_LOOK_MS = 1_000
_LOG_MS = 10_000


def sources_records(gating: Collection[Source], panes_topic: str, partitions: int) -> list[Publication]:
    """These sources gate panes from here on: for every panes partition. Repeating it changes nothing."""
    value = encode_message(Sources(tuple(sorted(gating))), {})
    return [Publication(panes_topic, None, value, i) for i in range(partitions)]


class InputTopics:
    """What is known of the input topics. Clock in ms.

    `known`: their partition counts, `gating`: those of them whose partitions gate panes; `partitions` asks how many
    there are, None: there is no topic; `announce`: the records that tell of gating sources; `missing_after`: ms without
    a topic that end the worker, None: never.
    """

    def __init__(
        self,
        known: Mapping[str, int],
        gating: Collection[str],
        *,
        partitions: Callable[[str], int | None],
        announce: Callable[[Collection[Source]], Sequence[Publication]],
        missing_after: int | None,
        log: Any,
    ) -> None:
        """As announced at the start."""
        self._known, self._gating = dict(known), frozenset(gating)
        self._partitions, self._announce = partitions, announce
        self._missing_after, self._log = missing_after, log
        self._missing: dict[str, int] = {}
        self._looked_at = self._told_at = -_LOG_MS
        self._unannounced = False
        self.gating = self._sources()

    def look(self, now: int) -> Sequence[Publication]:
        """What has to be published, if anything. To be called often. MissingTopicError."""
        if now - self._looked_at >= _LOOK_MS:
            self._looked_at = now
            for topic, known in self._known.items():
                found = self._count(topic)
                if found is not None and found > known:
                    self._grow(topic, found)
                self._mark(topic, found, now)
            self._tell_missing(now)
        if not self._unannounced:
            return ()
        self._unannounced = False
        return self._announce(self.gating)

    def gates(self, topic: str) -> bool:
        """Whether its partitions gate panes, also one that the group gives us before we have noticed it."""
        return topic in self._gating

    def announce_again(self) -> None:
        """What was published last may be lost."""
        self._unannounced = True

    def _count(self, topic: str) -> int | None:
        try:
            return self._partitions(topic)
        except UnavailableError:
            # A broker that is away says nothing about topics.
            return self._known[topic]

    def _grow(self, topic: str, found: int) -> None:
        self._log.warning(
            "partitions_added", topic=topic, before=self._known[topic], partitions=found, gating=topic in self._gating
        )
        self._known[topic] = found
        self.gating = self._sources()
        self._unannounced |= topic in self._gating

    def _mark(self, topic: str, found: int | None, now: int) -> None:
        if found is None:
            self._missing.setdefault(topic, now)
        elif self._missing.pop(topic, None) is not None:
            self._log.warning("input_topic_back", topic=topic)

    def _tell_missing(self, now: int) -> None:
        if not self._missing or now - self._told_at < _LOG_MS:
            return
        self._told_at = now
        for topic, since in self._missing.items():
            self._log.error("input_topic_missing", topic=topic, since_s=(now - since) // 1000)
            if self._missing_after is not None and now - since >= self._missing_after:
                raise MissingTopicError(
                    f"Kafka has had no topic {topic} for {(now - since) // 1000} s (kafka.missing_topic_after). Was it "
                    "deleted, or may we not see it any more? Make it again, or take it out of topics"
                )

    def _sources(self) -> frozenset[Source]:
        return frozenset(Source(topic, i) for topic in self._gating for i in range(self._known[topic]))
