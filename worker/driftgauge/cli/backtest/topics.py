"""A configuration's input topics as the input of a backtest: what they hold now, in no group, committing nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from driftgauge.cli.backtest.input import ALL, EventsInput, Place, Share
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.topic_range import TurnsOf, topic_range
from driftgauge.config import Config
from driftgauge.engine.ingest import decoders_of, ingest_of
from driftgauge.engine.topics import gating_topics
from driftgauge.errors import ConfigError
from driftgauge.records import Source
from driftgauge.replay.span import Span
from driftgauge.replay.turn import ReplaySource

FromOffsetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from-offset",
        metavar="TOPIC/PARTITION=N",
        help="First offset to read of a partition; default: the first, or as kafka.start says. Repeatable.",
    ),
]
_OFFSET = re.compile(r"(.+)/(\d{1,9})=(\d{1,18})", re.ASCII)


class TopicsInput(EventsInput):
    """See EventsInput."""

    records = "records"

    def __init__(
        self,
        plan: Plan,
        config: Config,
        read: TurnsOf,
        spans: Mapping[Source, tuple[int, int]],
        span: Span,
        *,
        warnings: Sequence[str] = (),
        share: Share = ALL,
    ) -> None:
        """`spans`: the first offset and the end of each partition; `read`: what reads them in turns."""
        self.plan, self.span, self.spans, self.warnings = plan, span, spans, warnings
        self.names = sorted(spans)
        gating = gating_topics(config)
        self.gating = [source for source in self.names if source.topic in gating]
        held = {source: (start, end) for source, (start, end) in spans.items() if start < end}
        ours = {number: source for number, source in enumerate(self.names) if share.has(number)}
        own = {source: held[source] for source in ours.values() if source in held}
        self._turns = read(own)
        self._of_all = _records(own) / _records(held) if held else 1.0
        unprofiled = plan.require_unprofiled()
        decoders = decoders_of(config, plan.models, unprofiled)
        self.counted = {}
        for number, source in ours.items():
            start, _ = spans[source]
            # As live marks its first panes, and where more is missing by now.
            cut = config.kafka.start != "earliest" or start > 0
            ingest = ingest_of(plan.models, source, decoders[source.topic], cut_start=cut, unprofiled=unprofiled)
            ingest.move_to(start, cut=False)
            batches = self._turns.batches(source) if source in own else iter(())
            if plan.faults is not None:
                batches = plan.faults.into(source, batches)
            self.counted[number] = ReplaySource(ingest, batches, source.topic in gating)

    @property
    def done(self) -> float:
        """See BacktestInput."""
        return self._turns.done * self._of_all

    def place(self, source: Source, offset: int) -> Place:
        """See BacktestInput."""
        where = {"topic": source.topic, "partition": source.partition, "offset": offset}
        return Place(f"{source} offset {offset:,}", where)


@contextmanager
def topics_input(plan: Plan, from_offset: Sequence[str], span: Span) -> Iterator[TopicsInput]:
    """The topics of the configuration. `from_offset`: the values of that option.

    ConfigError where a partition doesn't hold such an offset.
    """
    config = plan.require_config()
    given = dict(map(_offset, from_offset))
    with topic_range(config, list(dict.fromkeys(topic.name for topic in config.topics.inputs.values()))) as opened:
        bounds = opened.log.bounds
        starts = _starts(config, bounds, given, opened.consumer.offset_at)
        spans = {source: (starts[source], end) for source, (_, end) in bounds.items()}
        yield TopicsInput(plan, config, opened.log.turns, spans, span, warnings=list(_notes(config, bounds, given)))


def _records(spans: Mapping[Source, tuple[int, int]]) -> int:
    return sum(end - start for start, end in spans.values())


def _offset(text: str) -> tuple[Source, int]:
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ConfigError(f"--from-offset {text}: expected TOPIC/PARTITION=N, such as ml.predictions/0=12000")
    return Source(match[1], int(match[2])), int(match[3])


def _starts(
    config: Config,
    bounds: Mapping[Source, tuple[int, int]],
    given: Mapping[Source, int],
    offset_at: Callable[[Source, int], int],
) -> dict[Source, int]:
    """Where each begins: as given, else where `run` begins at its first start, as far as that can be known."""
    for source, offset in given.items():
        name = f"--from-offset {source.topic}/{source.partition}={offset}"
        if source not in bounds:
            raise ConfigError(f"{name}: no such partition of an input topic; there are {', '.join(map(str, bounds))}")
        first, end = bounds[source]
        if not first <= offset <= end:
            raise ConfigError(f"{name}: that partition holds offsets {first} to {end - 1} now")
    start = config.kafka.start
    usual = {
        source: min(offset_at(source, start), end) if isinstance(start, int) else first
        for source, (first, end) in bounds.items()
        if source not in given
    }
    return {**usual, **given}


def _notes(config: Config, bounds: Mapping[Source, tuple[int, int]], given: Mapping[Source, int]) -> Iterator[str]:
    cut = [source for source, (first, _) in bounds.items() if first > 0 and source not in given]
    if cut and config.kafka.start == "earliest":
        names = ", ".join(f"{source} from {bounds[source][0]:,}" for source in cut)
        yield (
            f"the first records are deleted (retention), what is left is {names}; what workers had learned from them "
            "is missing here, so alerts may be others than theirs"
        )
    if config.kafka.start == "latest" and any(source not in given for source in bounds):
        yield (
            "kafka.start is latest: run began where the topics ended then, which nobody knows here, and this begins at "
            "their first records; name the offsets with --from-offset"
        )
