"""What a backtest is told to do, as values: by its options, and by it to the processes that work for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from driftgauge.cli.backtest.input import ALL, Share
from driftgauge.cli.backtest.plan import Plan, plan_of
from driftgauge.records import Source
from driftgauge.replay.span import Span
from driftgauge.sources.columns import Columns


class Analysis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which models: the values of --profile, -c, --pane, --budget, --model, --inject and --inject-seed."""

    profile: Path | None
    config: Path | None
    pane: str | None
    budget: float | None
    model: str | None
    inject: Sequence[str]
    inject_seed: int | None

    def plan(self) -> Plan:
        """ConfigError where they don't go together."""
        plan = plan_of(self.profile, self.config, self.pane, self.budget)
        return plan.with_faults(self.inject, self.inject_seed, self.model)


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Files to be counted, and how they are read."""

    data: Sequence[Path]
    columns: Columns
    sort: bool


class Partitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Partitions to be counted, the first offset and the end of each."""

    spans: Sequence[tuple[str, int, int, int]]

    @classmethod
    def of(cls, spans: Mapping[Source, tuple[int, int]]) -> Partitions:
        """By source."""
        return cls([(*source, first, end) for source, (first, end) in spans.items()])


class Counting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Count a share of an input."""

    analysis: Analysis
    span: Span
    read: Files | Partitions
    share: Share = ALL


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Judge what is sent. `by_rows`: see `Plan.by_rows`."""

    analysis: Analysis
    by_rows: bool


Job = Counting | Judging


def encode_job(job: Job) -> bytes:
    """As JSON."""
    return msgspec.json.encode(job, enc_hook=str)


def decode_job(data: bytes) -> Job:
    """The inverse."""
    return _decoder.decode(data)


def _made(kind: Callable[[object], object], value: object) -> object:
    return kind(value)


_decoder: msgspec.json.Decoder[Job] = msgspec.json.Decoder(Job, dec_hook=_made)
