"""The rows of a pane that are looked at for repeats: those with the lowest keys, and what tells their values apart.

Rows have one order (by key, then by values), and the lowest ones of a whole are the lowest ones of what its parts have:
so merging is union, and neither batches nor partitions nor the order of arrival change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np

from driftgauge.errors import StateError
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.repeats import ROWS, Ids


class RowSample(NamedTuple):
    """At most ROWS rows of a pane in their order: `keys` uint32 [s], `ids` uint32 [R, s] (`profiles/repeats.py`).

    `features`: the names of the R whose repeats the layout watches. An id of 0: no value, or not known.
    """

    features: tuple[str, ...]
    keys: Ids
    ids: Ids

    @classmethod
    def lowest(cls, features: tuple[str, ...], keys: Ids, ids: Ids) -> Self:
        """Of rows in any order."""
        order = np.argsort(keys)
        ranked = keys[order]
        # Equal keys are rare, and a sort by all ids takes several times as long.
        if (ranked[1:] == ranked[:-1]).any():
            order = np.lexsort((*ids[::-1], keys))
        order = order[:ROWS]
        return cls(features, keys[order], ids[:, order])

    def merged(self, other: RowSample | None) -> RowSample:
        """The sample of both together, which are of one layout."""
        if other is None:
            return self
        keys = np.concatenate([self.keys, other.keys])
        return RowSample.lowest(self.features, keys, np.concatenate([self.ids, other.ids], axis=1))


class SampleRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Rows of a pane, drawn by their `keys`; per feature an id of each row's value, 0: none.

    Both little-endian unsigned 32-bit integers, one for each row, at most 60.
    """

    keys: bytes
    features: dict[str, bytes]


def sample_record(sample: RowSample | None) -> SampleRecord | None:
    """As it is written down; None where nothing was sampled."""
    if sample is None:
        return None
    named = zip(sample.features, sample.ids, strict=True)
    return SampleRecord(_bytes(sample.keys), {name: _bytes(ids) for name, ids in named})


def sample_of(record: SampleRecord | None, layout: Layout, events: int) -> RowSample | None:
    """The inverse, for a pane of so many events. StateError if it can't be one of this layout's profile.

    Features that were not watched when it was written have no ids, those that aren't any more are left out.
    """
    if record is None or not layout.repeats:
        return None
    known = {slot.name for slot in layout.features}
    rows, rest = divmod(len(record.keys), 4)
    if rest or rows > min(ROWS, events):
        raise StateError(f"the rows drawn from a pane of {events} events are {len(record.keys)} bytes of keys")
    for name, stored in record.features.items():
        if name not in known:
            raise StateError(f"rows drawn from a pane have values of {name!r}, which its profile doesn't have")
        if len(stored) != len(record.keys):
            raise StateError(f"rows drawn from a pane have {len(record.keys)} bytes of keys, {len(stored)} of {name!r}")
    nothing = bytes(len(record.keys))
    watched = tuple(slot.name for slot in layout.repeats)
    ids = np.stack([_integers(record.features.get(name, nothing)) for name in watched])
    return RowSample.lowest(watched, _integers(record.keys), ids)


def padded(samples: Sequence[RowSample | None], layout: Layout) -> Ids:
    """The ids of P panes as `Contrasts.evaluate` takes them, uint32 [P, R, ROWS]: 0 behind the last row."""
    ids = np.zeros((len(samples), len(layout.repeats), ROWS), np.uint32)
    for row, sample in zip(ids, samples, strict=True):
        if sample is not None:
            row[:, : len(sample.keys)] = sample.ids
    return ids


def _bytes(numbers: Ids) -> bytes:
    return numbers.astype("<u4").tobytes()


def _integers(data: bytes) -> Ids:
    return np.frombuffer(data, "<u4").astype(np.uint32)
