"""How often values repeated within panes of the reference, per field and pane length, and how that moved.

Measured just as production will be, group by group (`repeats.py`), because values that repeat do so together: a client
that comes ten times in an hour repeats all it brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.pane_length import SUGGESTED_PANES
from driftgauge.profiles.profile import RepeatNoise
from driftgauge.profiles.repeats import GROUPS, ROWS, Among, Drawn, Ids, drawn, row_keys

MIN_PANES = 20
# Where more than so many of a group repeat another's value anyway, a stuck source hardly shows in it.
INFORMATIVE = 0.25
# More rows than this that no other row differs from, and their order is not that of chance.
_ALIKE = 0.05
_PANES_AT_ONCE = 4096
# Groups drawn from all of the reference, whatever their time: enough to know a share of a thousandth.
_ANYWHERE = 2000

Ints = NDArray[np.int64]


class _Panes(NamedTuple):
    """Panes of `length` ms.

    `rows` int64 [P, w]: those of each pane that are looked at, at most ROWS, in order of keys, -1 behind the last;
    `held` int64 [P]: how many it has in all.
    """

    length: int
    rows: Ints
    held: Ints


def repeat_noise(times: Ints, columns: Sequence[NDArray[Any]], ids: Sequence[Ids | None]) -> list[list[RepeatNoise]]:
    """Per field, one entry for each suggested pane length at which that many values come together that repeats show.

    `times` int64 [n] ms ascend; `columns`: of all features, [n] each as decoded; `ids` uint32 [n] of each feature's
    values (`repeats.py`), None where they aren't looked at. A field whose values repeat anyway has no entry, and no
    field has where rows can't be told apart, since then there is no drawing at random.
    """
    keys = row_keys(times, columns)
    if len(np.unique(keys)) < (1 - _ALIKE) * len(keys):
        return [[] for _ in ids]
    every = [_panes(length, times // length, keys) for length in SUGGESTED_PANES]
    everything = np.argsort(keys, kind="stable")
    found: list[list[RepeatNoise]] = []
    for of_field in ids:
        if of_field is None:
            found.append([])
            continue
        shuffled = of_field[everything]
        shuffled = shuffled[shuffled != 0][: ROWS * _ANYWHERE]
        shuffled = shuffled[: len(shuffled) // ROWS * ROWS].reshape(-1, ROWS)
        measured = (_measured(of_field, panes, shuffled) for panes in every if len(panes.held))
        found.append([noise for noise in measured if noise is not None])
    return found


def _panes(length: int, numbers: Ints, keys: Ids) -> _Panes:
    """Of the panes that rows are in by their `numbers`; none at all where the median one doesn't hold a group."""
    order = np.lexsort((keys, numbers))
    _, first, held = np.unique(numbers[order], return_index=True, return_counts=True)
    if np.median(held) < GROUPS[-1]:
        return _Panes(length, np.empty((0, ROWS), np.int64), np.empty(0, np.int64))
    rank = np.arange(min(ROWS, int(held.max())))
    rows = order[np.minimum(first[:, np.newaxis] + rank, len(order) - 1)]
    return _Panes(length, np.where(rank < held[:, np.newaxis], rows, -1), held)


def _measured(ids: Ids, panes: _Panes, shuffled: Ids) -> RepeatNoise | None:
    rows = panes.rows
    parts = [_ids_at(ids, rows[i : i + _PANES_AT_ONCE]) for i in range(0, len(rows), _PANES_AT_ONCE)]
    values = np.concatenate([np.count_nonzero(part, axis=1) for part in parts])
    values = values[values > 0]
    fitting = [among for among in GROUPS if len(values) and np.median(values) >= among]
    if not fitting or not len(shuffled):
        return None
    n, repeats = (np.concatenate(part) for part in zip(*(drawn(part, fitting[0]) for part in parts), strict=True))
    told = n > 0
    if np.count_nonzero(told) < MIN_PANES or repeats.sum() > INFORMATIVE * n.sum():
        return None
    # What comes together repeats the less among a few the more there is beside it, so a level is that of so many rows.
    behind = n.sum() / (n[told] / panes.held[told]).sum()
    busier = max(1.0, float(behind / panes.held.mean()))
    return _noise(panes.length, fitting[0], Drawn(n[told], repeats[told]), drawn(shuffled, fitting[0]), busier)


def _ids_at(ids: Ids, rows: Ints) -> Ids:
    found = np.zeros((len(rows), ROWS), np.uint32)
    found[:, : rows.shape[1]] = np.where(rows >= 0, ids[rows], np.uint32(0))
    return found


def _noise(length: int, among: Among, panes: Drawn, anywhere: Drawn, busier: float) -> RepeatNoise:
    share = panes.repeats / panes.n
    deviation = share - share.mean()
    squares = float((deviation**2).sum())
    lag1 = float((deviation[1:] * deviation[:-1]).sum()) / squares if squares > 0 else 0.0
    return RepeatNoise(
        length=format_duration(length),
        among=among,
        panes=len(share),
        drawn=int(panes.n.sum()),
        mean=float(panes.repeats.sum() / panes.n.sum()),
        anywhere=float(anywhere.repeats.sum() / anywhere.n.sum()),
        busier=busier,
        variance=squares / (len(share) - 1),
        lag1=min(max(lag1, -1.0), 1.0),
        mean_n=float(1 / (1 / panes.n).mean()),
    )
