"""Which of many records are kept, so that they are spread over all of them and the same every time.

Every record has a fixed hash of its position; those with the lowest are kept. How many there are needn't be known in
advance: the limit falls as they come (bottom-k sampling).
"""

from __future__ import annotations

import hashlib
import heapq

from driftgauge.records import Source


class Thinning:
    """At most `limit` of the records seen. `seen`: how many there were."""

    def __init__(self, limit: int) -> None:
        """None seen yet; `limit` is at least 1."""
        self.seen = 0
        self._limit = limit
        # The highest hash of those kept is the next to go, so the heap is of their negatives.
        self._kept: list[tuple[int, Source, int]] = []

    def see(self, source: Source, offset: int) -> None:
        """Count a record in; each once."""
        self.seen += 1
        entry = (-_hash(source, offset), source, offset)
        if len(self._kept) < self._limit:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def kept(self) -> dict[Source, set[int]]:
        """The offsets of those kept, by source in order."""
        offsets: dict[Source, set[int]] = {source: set() for source in sorted({entry[1] for entry in self._kept})}
        for _, source, offset in self._kept:
            offsets[source].add(offset)
        return offsets


def _hash(source: Source, offset: int) -> int:
    """64 bits, so that two of a million records hardly ever have the same."""
    return int.from_bytes(hashlib.blake2b(f"{source}:{offset}".encode(), digest_size=8).digest())
