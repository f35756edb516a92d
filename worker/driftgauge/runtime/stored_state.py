"""What is stored of a partition, in the words of an operator: how far, how large, by whom, and whether it is sound."""

from __future__ import annotations

from dataclasses import dataclass

from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import watermark_of
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.merge_state import closed_to
from driftgauge.records import Source
from driftgauge.state.base import Inspected


@dataclass(frozen=True, slots=True)
class StoredState:
    """`claimed`, `saved`: ms since then, None if unknown. `position` None: nothing is stored.

    `watermark`: event time (ms) up to which panes are counted, or judged; None: none yet, or it can't be read.
    `problem`: why it can't be read, None if it can. `reset`: an operator has taken it away since the last save.
    """

    partition: Source
    position: int | None
    topic_id: str
    sequence: int
    claimed: int | None
    saved: int | None
    fields: int
    stored_bytes: int
    watermark: int | None
    problem: str | None
    reset: bool


def stored_state(seen: Inspected) -> StoredState:
    """The same of one partition."""
    checkpoint = seen.checkpoint
    watermark, problem = None, seen.damage
    if checkpoint is not None:
        problem = checkpoint.damage
        try:
            if "ingest" in checkpoint.fields:
                watermark = watermark_of(checkpoint.fields["ingest"])
            elif "merge" in checkpoint.fields:
                watermark = closed_to(checkpoint.fields["merge"])
        except StateError as error:
            problem = str(error)
    return StoredState(
        seen.partition,
        checkpoint.position if checkpoint is not None else None,
        checkpoint.topic_id if checkpoint is not None else "",
        seen.sequence,
        seen.claimed,
        seen.saved,
        len(checkpoint.fields) if checkpoint is not None else 0,
        seen.stored,
        None if watermark is None or watermark <= MIN_TIME else watermark,
        problem,
        seen.reset,
    )
