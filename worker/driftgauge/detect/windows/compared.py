"""Which cells of a field a comparison of its distribution goes by."""

from __future__ import annotations

from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField


def compared_cells(slot: Slot) -> list[int]:
    """Flat indices of the cells that are compared: value cells, and `other` where the reference has any of it.

    Missing, invalid, out of range and unseen have rates of their own, and one NULL storm is one alert.
    """
    cells = list(range(slot.start, slot.start + slot.spec.bins))
    if not isinstance(slot.spec, NumericField) and slot.spec.counts[slot.spec.bins] > 0:
        cells.append(slot.cell("other"))
    return cells
