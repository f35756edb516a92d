"""Which cells of a field a comparison of its distribution goes by, and the distances of many fields at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.windows.psi import psi
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField
from driftgauge.profiles.series import Series


def compared_cells(slot: Slot) -> list[int]:
    """Flat indices of the cells that are compared: value cells, and `other` where the reference has any of it.

    Missing, invalid, out of range and unseen have rates of their own, and one NULL storm is one alert.
    """
    cells = list(range(slot.start, slot.start + slot.spec.bins))
    if not isinstance(slot.spec, NumericField) and slot.spec.counts[slot.spec.bins] > 0:
        cells.append(slot.cell("other"))
    return cells


class Compared(NamedTuple):
    """F fields side by side: `cells` int64 [C] that are compared, field f those from `starts`[f] on; `sizes` int64 [F].

    `reference` int64 [C]: what they are compared with.
    """

    cells: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    reference: NDArray[np.int64]

    @classmethod
    def of(cls, series: Sequence[Series]) -> Self:
        """The fields of some window series, against the counts that these have."""
        cells = [np.array(compared_cells(s.slot), np.int64) for s in series]
        sizes = np.array([len(of_field) for of_field in cells], np.int64)
        reference = [
            np.array(s.slot.spec.counts, np.int64)[of_field - s.slot.start]
            for s, of_field in zip(series, cells, strict=True)
        ]
        none = np.empty(0, np.int64)
        return cls(np.concatenate([none, *cells]), np.cumsum(sizes) - sizes, sizes, np.concatenate([none, *reference]))

    def events(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Events by field, int64 [P, F], of windows' counts of `cells`, int64 [P, C]."""
        return np.asarray(np.add.reduceat(counts, self.starts, axis=1), np.int64)

    def distances(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """PSI of the same, float64 [P, F]."""
        return psi(counts, self.reference, self.starts)
