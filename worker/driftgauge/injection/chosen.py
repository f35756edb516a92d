"""Which records a fault hits: decided by a fixed hash of a seed, the fault's kind and field, and the record's place.

A place is a topic's partition and an offset, or the name of a table and a row's number, whatever format it is kept in.
So a run can be repeated, batches change nothing, and those hit with a share are among those hit with a larger one.
"""

from __future__ import annotations

import hashlib

from driftgauge.records import Source

_ALL = 1 << 64


class Chosen:
    """The share of a source's records that a fault hits."""

    def __init__(self, seed: int, fault: str, source: Source, share: float) -> None:
        """`fault` names what is done to which field: two faults of one name hit the same records."""
        self._key = hashlib.blake2b(f"{seed} {fault} {source}".encode(), digest_size=32).digest()
        self._below = round(share * _ALL)

    def __contains__(self, offset: int) -> bool:
        """Whether the record at `offset` is one of them."""
        hashed = hashlib.blake2b(offset.to_bytes(8), key=self._key, digest_size=8).digest()
        return int.from_bytes(hashed) < self._below
