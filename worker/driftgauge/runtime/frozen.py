"""The records of a replay by workers: what the input topics held at its first start.

All its workers have to end where the others do, also those that are started later: the spans are written once, into the
state store of the replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from driftgauge.config import Config
from driftgauge.errors import StateError
from driftgauge.records import Source
from driftgauge.state.base import StateStore

Spans = Mapping[Source, tuple[int, int]]
_NAME = "replayed"


class _Span(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    topic: str
    partition: int
    first: int
    end: int


_decoder = msgspec.json.Decoder(list[_Span])


class Log(Protocol):
    """A log to ask; `sources.kafka.KafkaSource` is one. UnavailableError if nothing answers."""

    def span(self, source: Source) -> tuple[int, int]:
        """The oldest offset still there, and the one the next record gets."""
        ...

    def offset_at(self, source: Source, time: int) -> int:
        """The first offset whose record stamp is at or after `time` (ms)."""
        ...


def frozen_spans(config: Config, partitions: Mapping[str, int], log: Log, store: StateStore) -> Spans:
    """First offset and end of each partition of the input topics, as at the first start of this replay.

    `partitions`: how many each topic has now. As in a backtest, `kafka.start` says where to begin only if it is a time.
    StateError if what is stored can't be read, or is of other topics.
    """
    start, names = config.kafka.start, dict.fromkeys(topic.name for topic in config.topics.inputs.values())
    found = []
    for name in names:
        for source in (Source(name, i) for i in range(partitions[name])):
            first, end = log.span(source)
            begin = min(log.offset_at(source, start), end) if isinstance(start, int) else first
            found.append(_Span(*source, begin, end))
    settled = store.settle(_NAME, msgspec.json.encode(found).decode())
    try:
        spans = _decoder.decode(settled)
    except msgspec.MsgspecError as error:
        raise StateError(f"which records the replay {config.job} is of can't be read: {error}") from error
    if {span.topic for span in spans} != names.keys():
        raise StateError(
            f"the replay {config.job} was started with other input topics than {', '.join(names)}; set them back, or "
            "start another one, by another name"
        )
    return {Source(span.topic, span.partition): (span.first, span.end) for span in spans}
