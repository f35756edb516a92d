"""Series: what a pane's counts say, as numbers in [0, 1] - linear contrasts of the histogram.

Value contrasts (location, spread, shares) are conditional on "present and valid", so that a NULL storm moves the
missing rate and nothing else. Sums are integer (weights in fixed point): exact, whatever the block size. Location is
the mean mid-PIT, u_b = (F(b-) + F(b)) / 2 with F the reference distribution over the value bins: E[u] = 1/2 in the
reference also with ties; spread is the mean of |2u - 1|.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Layout, Slot
from driftgauge.profiles.profile import CategoricalField, NumericField, PsiNoise, SeriesNoise

Kind = Literal["rate", "value", "window"]

# Smallest excess over the reference rate that is worth an alert (statistics: one or half a percentage point).
RATE_TOLERANCE = {"missing": 0.01, "invalid": 0.005, "unseen": 0.01, "out_of_range": 0.005}
VALUE_TOLERANCE_SD = 0.2
# The PSI that counts as no drift. Where enough reference windows were measured, their wander is part of the noise and
# .02 (a shift of .14 sd) is far below what half a sd gives (.25). Without any, nothing says how much a field wanders
# by itself, and .1 stands in. A few windows can't give a variance to test with, but a field that moved by more than .1
# within its own reference has to move by more than that to be worth an alert.
PSI_TOLERANCE = 0.1
PSI_TOLERANCE_MEASURED = 0.02
PSI_WINDOWS = 20
SHARES = 5
HOUR = 3_600_000
WINDOW_PANES = 24
_FIXED_POINT = 1 << 24


@dataclass(frozen=True, slots=True)
class Series:
    """One monitored number per pane of a subject.

    `name`: as in an alert's labels (`missing`, `location`, `score_location`, `predicted_share`, `psi_1h` ...);
    `feature`: None for series of the prediction; `category`: for shares.
    `kind`: "rate" is hits/n of an indicator of which only a rise matters (missing, invalid, unseen, out_of_range);
    "value" is a mean in [0, 1] or a share, both directions matter; "window" is computed by a window detector, which
    fills in its values itself.
    `reference`: expected level; `sd`: of one event's contribution in the reference; `reference_n`: reference events
    behind it; `tolerance`: the smallest effect worth an alert, in the series' own unit (rates: allowed excess over
    `reference`; values: .2 sd; windows: PSI). `noise`: how it moved from pane to pane in the reference, if measured.
    """

    index: int
    name: str
    kind: Kind
    slot: Slot
    feature: str | None
    category: str | None
    reference: float
    sd: float
    reference_n: int
    tolerance: float
    noise: SeriesNoise | None

    @property
    def key(self) -> str:
        """Stable identity within a subject: what state and episodes are filed under."""
        return "|".join((self.feature or "", self.name, self.category or ""))


class SeriesValues(NamedTuple):
    """The series of P panes, S of them.

    `n` int64 [P, S]: events behind the value; `hits` int64 [P, S]: those with the indicator (rates and shares, else 0);
    `values` float64 [P, S]: NaN where n is 0 and for window series.
    """

    n: NDArray[np.int64]
    hits: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class _Family:
    """Series that share one formula: sum of `weights` over the cells of a slot / sum of `mask` over them."""

    series: NDArray[np.int64]
    slots: NDArray[np.int64]
    weights: NDArray[np.int64]
    mask: NDArray[np.int64]
    scale: int


@dataclass(frozen=True)
class Contrasts:
    """The series of a layout at a pane length, and their evaluation on count vectors. Built by `contrasts_of`."""

    layout: Layout
    series: tuple[Series, ...]
    families: tuple[_Family, ...]

    def evaluate(self, counts: NDArray[np.int64]) -> SeriesValues:
        """Series of panes; `counts` int64 [P, K]. Integer sums, one division: equal for any split into blocks."""
        shape = (len(counts), len(self.series))
        n, hits, values = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, np.nan)
        for family in self.families:
            total = np.add.reduceat(counts * family.mask, self.layout.starts, axis=1)[:, family.slots]
            weighted = np.add.reduceat(counts * family.weights, self.layout.starts, axis=1)[:, family.slots]
            n[:, family.series] = total
            if family.scale == 1:
                hits[:, family.series] = weighted
            quotient = np.full(total.shape, np.nan)
            np.divide(weighted, total * family.scale, out=quotient, where=total > 0)
            values[:, family.series] = quotient
        return SeriesValues(n, hits, values)


def window_length(pane_length: int) -> int:
    """Length (ms) of the short comparison window: an hour, or 24 panes where panes are longer than 2.5 minutes."""
    return max(HOUR, WINDOW_PANES * pane_length)


def contrasts_of(layout: Layout, pane_length: int) -> Contrasts:
    """All series of a profile's layout for panes of `pane_length` ms. The same layout gives the same series."""
    series: list[Series] = []
    members: dict[tuple[str, int], list[Series]] = {}
    for slot in layout.slots:
        for name, kind, category in _names(slot, pane_length):
            entry = _series(len(series), slot, name, kind, category)
            series.append(entry)
            if kind != "window":
                # A share has weights of its own (which cell counts), so families of shares go by category rank.
                rank = slot.spec.cell_names.index(category) if category is not None else 0
                members.setdefault((name, rank), []).append(entry)
    families = [_family(layout, name, rank, group) for (name, rank), group in members.items()]
    return Contrasts(layout, tuple(series), tuple(families))


def _names(slot: Slot, pane_length: int) -> Iterator[tuple[str, Kind, str | None]]:
    numeric = isinstance(slot.spec, NumericField)
    for name in ("missing", "invalid", "out_of_range") if numeric else ("missing", "invalid", "unseen"):
        yield name, "rate", None
    if isinstance(slot.spec, NumericField) and slot.spec.bins > 1:
        yield "location", "value", None
        yield "spread", "value", None
    if isinstance(slot.spec, CategoricalField) and slot.role == "label":
        # The shares of two classes mirror each other: the rarer one tells all.
        shown = range(1, 2) if slot.spec.bins == 2 else range(min(slot.spec.bins, SHARES))
        for rank in shown:
            yield "share", "value", slot.spec.cell_names[rank]
    # Of two classes the share says all that PSI could.
    if slot.role != "label" or slot.spec.bins > 2:
        yield f"psi_{format_duration(window_length(pane_length))}", "window", None


_PREFIX = {"feature": "", "score": "score_", "label": "prediction_"}


def _series(index: int, slot: Slot, name: str, kind: Kind, category: str | None) -> Series:
    shown = "predicted_share" if name == "share" else _PREFIX[slot.role] + name
    counts = np.array([slot.spec.counts], dtype=np.int64)
    noise = slot.spec.noise.get(noise_key(name, category))
    feature = slot.name if slot.role == "feature" else None
    if kind == "window":
        valid = int(counts[0, : slot.spec.bins + (0 if isinstance(slot.spec, NumericField) else 1)].sum())
        tolerance = _psi_tolerance(slot.spec.psi, name)
        return Series(index, shown, kind, slot, feature, category, 0.0, 0.0, valid, tolerance, None)
    weights, mask, scale = _formula(slot, name, slot.spec.cell_names.index(category) if category is not None else 0)
    n = int((counts[0] * mask).sum())
    mean = int((counts[0] * weights).sum()) / (n * scale) if n else 0.0
    second = float((counts[0] * mask * (weights / scale) ** 2).sum()) / n if n else 0.0
    sd = math.sqrt(max(second - mean * mean, 0.0))
    tolerance = RATE_TOLERANCE[name] if kind == "rate" else VALUE_TOLERANCE_SD * sd
    return Series(index, shown, kind, slot, feature, category, mean, sd, n, tolerance, noise)


def _psi_tolerance(noise: PsiNoise | None, name: str) -> float:
    if noise is None or name != f"psi_{noise.length}":
        return PSI_TOLERANCE
    if noise.windows >= PSI_WINDOWS:
        return PSI_TOLERANCE_MEASURED
    return max(PSI_TOLERANCE, noise.mean + 3 * math.sqrt(noise.variance))


def noise_key(name: str, category: str | None) -> str:
    """Key of a series in a field's `noise`: `location`, `missing` ..., `share|rejected`."""
    return name if category is None else f"{name}|{category}"


def _formula(slot: Slot, name: str, rank: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Weights and mask over the cells of a slot, and the scale of the weights."""
    spec, cells = slot.spec, slot.spec.cell_names
    special = {cell: spec.bins + i for i, cell in enumerate(cells[spec.bins :])}
    everything = np.ones(len(cells), np.int64)
    present = everything.copy()
    present[special["missing"]] = 0
    valid = present.copy()
    valid[special["invalid"]] = 0
    weights = np.zeros(len(cells), np.int64)
    if name == "missing":
        weights[special["missing"]] = 1
        return weights, everything, 1
    if name == "invalid":
        weights[special["invalid"]] = 1
        return weights, present, 1
    if name == "unseen":
        weights[special["unseen"]] = 1
        return weights, valid, 1
    if name == "out_of_range":
        weights[[special["below"], special["above"]]] = 1
        return weights, valid, 1
    if name == "share":
        weights[rank] = 1
        return weights, valid, 1
    u = mid_pit(spec.counts[: spec.bins])
    u = np.concatenate([u, [0.0, 0.0, 0.0, 1.0]])
    contrast = u if name == "location" else np.abs(2 * u - 1)
    return np.rint(contrast * _FIXED_POINT).astype(np.int64) * valid, valid, _FIXED_POINT


def mid_pit(counts: list[int]) -> NDArray[np.float64]:
    """Mid-distribution probability integral transform of each bin, float64 [B]: (F(b-) + F(b)) / 2."""
    share = np.array(counts, np.float64)
    total = share.sum()
    if total == 0:
        return np.full(len(counts), 0.5)
    share /= total
    return np.cumsum(share) - share / 2


def _family(layout: Layout, name: str, rank: int, group: list[Series]) -> _Family:
    weights, mask = np.zeros(layout.size, np.int64), np.zeros(layout.size, np.int64)
    scale = 1
    for entry in group:
        slot = entry.slot
        weights[slot.start : slot.stop], mask[slot.start : slot.stop], scale = _formula(slot, name, rank)
    return _Family(
        np.array([s.index for s in group], np.int64),
        np.array([s.slot.index for s in group], np.int64),
        weights,
        mask,
        scale,
    )
