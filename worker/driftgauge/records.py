"""What a source yields: the records of one partition (or file), in offset order, as columns.

No object per record: a poll of 5,000 Kafka records is one `RecordBatch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Source(NamedTuple):
    """One input partition, or one input file (topic = file name, partition 0). The unit of watermarks."""

    topic: str
    partition: int

    def __str__(self) -> str:
        """`topic:partition`, the name used in panes and watermark records."""
        return f"{self.topic}:{self.partition}"


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Consecutive records of one source; all sequences have the same length and ascending `offsets`.

    `timestamps` are the records' own (ms since the epoch), used where an event carries none. `values` are the bytes as
    they came (None is a tombstone). `keys` and `headers` are read only for dead letters, hence optional (empty).
    """

    source: Source
    offsets: Sequence[int]
    timestamps: Sequence[int]
    values: Sequence[bytes | None]
    keys: Sequence[bytes | None] = ()
    headers: Sequence[Sequence[tuple[str, bytes]]] = field(default=())

    def __len__(self) -> int:
        """Number of records."""
        return len(self.offsets)
