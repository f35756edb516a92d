"""What a log means: all its records through the pure engine, once, in this process, with nothing to disturb it.

No consumer, producer, checkpoint or group takes part: the tasks are the worker's own, all around them is left out. What
the wall clock decided while the worker ran (idle sources) stands in the panes topic, and is carried out at the offset
that stands there with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from driftgauge.app import Tasks
from driftgauge.config import Config
from driftgauge.engine.configured import models_of
from driftgauge.engine.topics import gating_topics
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.input_topics import InputTopics, sources_records
from driftgauge.runtime.tasks import IngestTask
from driftgauge.sinks.base import Publication

_BATCH = 500


class Place(NamedTuple):
    """What there is one partial pane of."""

    model_id: str
    model_version: str
    segment: str
    start: int
    source: Source


class Decision(NamedTuple):
    """A source was declared idle up to `time` (ms), when everything before `offset` had been read of it."""

    offset: int
    time: int


@dataclass
class Meaning:
    """`panes` and `alerts` as bytes, `letters` as value and headers by the record's place; `states` per source."""

    panes: dict[Place, bytes] = field(default_factory=dict)
    alerts: dict[str, bytes] = field(default_factory=dict)
    letters: dict[tuple[Source, int], tuple[bytes | None, tuple[tuple[str, bytes], ...]]] = field(default_factory=dict)
    states: dict[Source, dict[str, bytes]] = field(default_factory=dict)
    events: int = 0


class Recomputation:
    """Goes through a log as it grows; `meaning` is that of all there has been.

    `decisions`: of idle sources, all there will be. They are part of what a log means, so that others make it another
    recomputation.
    """

    def __init__(
        self,
        config: Config,
        profiles: Sequence[Profile | None],
        inputs: Sequence[Source],
        decisions: Mapping[Source, Sequence[Decision]],
    ) -> None:
        topics = _input_topics(config, inputs)
        # The worker's own: what makes its tasks is all that this shares with a run.
        tasks = Tasks(config, models_of(config, profiles), topics, {})
        self.meaning = Meaning()
        self.decisions = decisions
        self.positions = dict.fromkeys(inputs, 0)
        self._config = config
        self._waiting = {source: sorted(decisions.get(source, ())) for source in inputs}
        self._ingest = {source: tasks.build(source) for source in sorted(inputs)}
        self._panes = [Source(config.topics.panes, i) for i in range(config.panes.partitions)]
        self._detect = {source: tasks.build(source) for source in self._panes}
        # What is counted and not judged yet.
        self._counted: dict[Source, list[bytes]] = {source: [] for source in self._panes}
        for record in sources_records(topics.gating, config.topics.panes, config.panes.partitions):
            self._file(record)

    def advance(
        self, inputs: Mapping[Source, Iterable[Any]], panes_log: Mapping[Source, Iterable[Any]] | None = None
    ) -> None:
        """Take the records that have come to the inputs since.

        `panes_log`: judge what has come there instead of what is counted here, where the disturbed run could not but
        count in another order (sources added on the way).
        """
        for source, records in inputs.items():
            task = self._ingest[source]
            assert isinstance(task, IngestTask)
            for step in self._steps(source, records):
                done = task.process(step) if isinstance(step, RecordBatch) else task.raise_watermark(step.time)
                for record in done:
                    self._file(record)
            # The counts of dead letters are an operator's brake, and begin anew where state was lost.
            self.meaning.states[source] = {"ingest": task.changes()[0]["ingest"]}
        self.meaning.events = sum(task.counters.events for task in self._ingest.values())
        for source in self._panes:
            values = self._counted[source] if panes_log is None else [r.value for r in panes_log[source]]
            self._judge(source, values)
            self._counted[source] = []

    def _steps(self, source: Source, records: Iterable[Any]) -> Iterator[RecordBatch | Decision]:
        """Batches of the records, and between them the decisions, each where it was taken."""
        waiting, batch = self._waiting[source], []
        for record in records:
            while waiting and record.offset >= waiting[0].offset:
                yield from _batch(source, batch)
                batch = []
                yield waiting.pop(0)
            batch.append(record)
            self.positions[source] = record.offset + 1
            if len(batch) == _BATCH:
                yield from _batch(source, batch)
                batch = []
        yield from _batch(source, batch)
        while waiting:
            yield waiting.pop(0)

    def _file(self, record: Publication) -> None:
        if record.topic == self._config.topics.dead_letters:
            self.meaning.letters[letter_place(record.headers)] = (record.value, tuple(record.headers))
            return
        assert record.topic == self._config.topics.panes
        assert record.partition is not None
        assert record.value is not None
        self._counted[Source(record.topic, record.partition)].append(record.value)
        message = orjson.loads(record.value)
        if message["type"] == "pane":
            place = place_of(message)
            assert place not in self.meaning.panes, "an undisturbed pass gives each pane once"
            self.meaning.panes[place] = record.value

    def _judge(self, source: Source, values: Sequence[bytes]) -> None:
        task = self._detect[source]
        for start in range(0, len(values), _BATCH):
            part = values[start : start + _BATCH]
            first = task.position
            batch = RecordBatch(source, range(first, first + len(part)), [0] * len(part), part)
            for record in task.process(batch):
                (event_id,) = (value.decode() for name, value in record.headers if name == "event_id")
                assert event_id not in self.meaning.alerts, "an undisturbed pass gives each alert once"
                assert record.value is not None
                self.meaning.alerts[event_id] = record.value


def place_of(pane: Mapping[str, Any]) -> Place:
    """Of a record of the panes topic that is a pane."""
    source = Source(pane["source"]["topic"], pane["source"]["partition"])
    return Place(pane["model_id"], pane["model_version"], pane["segment"], pane["start"], source)


def letter_place(headers: Sequence[tuple[str, bytes]]) -> tuple[Source, int]:
    """Where the record of a dead letter was."""
    texts = {name: value.decode() for name, value in headers}
    source = Source(texts["driftgauge.topic"], int(texts["driftgauge.partition"]))
    return source, int(texts["driftgauge.offset"])


def _input_topics(config: Config, inputs: Sequence[Source]) -> InputTopics:
    """As a worker knows them that sees all partitions from the start."""
    counts = Counter(source.topic for source in inputs)
    return InputTopics(
        counts,
        gating_topics(config),
        partitions=counts.get,
        announce=lambda _gating: (),
        missing_after=None,
        log=None,
    )


def _batch(source: Source, records: Sequence[Any]) -> Iterator[RecordBatch]:
    if records:
        yield RecordBatch(
            source,
            [r.offset for r in records],
            [r.timestamp for r in records],
            [r.value for r in records],
            [r.key for r in records],
            [r.headers for r in records],
        )
