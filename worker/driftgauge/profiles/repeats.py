"""How often values repeat: which rows of a pane are looked at, and how many of few events share a value with another.

The one place that knows it: ingest takes rows by it, detect and `profile build` count by it. A number of distinct
values says nothing by itself, as it grows with the number of events. So events are drawn in small groups, all of one
size: how many of a group repeat a value of the same group doesn't depend on how many events there are to draw from,
nor on whether only every sixth row is at hand (rarefaction, Hurlbert 1971).

Rows are ordered by a key that mixes time and values, so the lowest ones are drawn at random as far as anything else is
concerned, and are the same whatever partition, batch or file they came by: of two parts of a pane, those of the whole
are among those of either part (bottom-k sampling, Cohen and Kaplan 2007).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Rows that are looked at in a pane: three groups of twenty, as many of ten and five.
ROWS = 60
Among = Literal[5, 10, 20]
GROUPS: tuple[Among, ...] = (20, 10, 5)

Ids = NDArray[np.uint32]
# Columns that a key is made of, beside the time: as many as tell rows of one second apart, if anything does.
KEYED = 16
# Odd, so that no bit of a value is lost: the powers of the multiplier of Knuth's MMIX generator.
_FACTORS = tuple(np.uint64(pow(6364136223846793005, i, 1 << 64)) for i in range(1, KEYED + 1))


class Drawn(NamedTuple):
    """Events in whole groups, and those of them that repeat a value of their group; int64 [P] each."""

    n: NDArray[np.int64]
    repeats: NDArray[np.int64]


def row_keys(times: NDArray[np.int64], columns: Sequence[NDArray[Any]]) -> Ids:
    """Keys of n rows, uint32 [n], from event times (ms) and the first 16 columns (float64 or int64 [n] each)."""
    summed = times.astype(np.uint64)
    part = np.empty(len(times), np.uint64)
    for column, factor in zip(columns, _FACTORS, strict=False):
        np.multiply(column.view(np.uint64), factor, out=part)
        summed += part
    return _mixed(summed)


def number_ids(values: NDArray[np.float64]) -> Ids:
    """What tells values apart, uint32 [...]: equal for equal numbers, else different but for chance; 0: not finite."""
    # -0.0 is 0.0.
    ids = np.maximum(_mixed((values + 0.0).view(np.uint64)), np.uint32(1))
    return np.where(np.isfinite(values), ids, np.uint32(0))


def text_id(text: str) -> int:
    """The same of a category's text, below 2^32; CRC-32 of its UTF-8, which every language has."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) or 1


def drawn(ids: Ids, among: int) -> Drawn:
    """Groups of `among` (a divisor of ROWS) events from P panes; `ids` uint32 [P, ROWS] in order of keys, 0: no value.

    Rows without a value are passed over, and what is left behind the last whole group counts for nothing.
    """
    there = ids != 0
    order = np.argsort(~there, axis=1, kind="stable")
    groups = np.take_along_axis(ids, order, axis=1).reshape(len(ids), ROWS // among, among)
    whole = there.sum(axis=1)[:, np.newaxis] // among > np.arange(ROWS // among)
    equal = (np.diff(np.sort(groups, axis=2), axis=2) == 0).sum(axis=2)
    return Drawn(whole.sum(axis=1) * among, np.where(whole, equal, 0).sum(axis=1))


def repeats_in_a_pool(values: int, among: int) -> float:
    """Share of a group that repeats, in the mean, where so many values are all equally frequent."""
    return 1 - values * (1 - (1 - 1 / values) ** among) / among


def _mixed(bits: NDArray[np.uint64]) -> Ids:
    """The upper half of splitmix64's finaliser (Steele, Lea, Flood 2014): each bit depends on all of the input's."""
    mixed = bits ^ (bits >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(32)).astype(np.uint32)
