"""How far what was counted lies from the reference, by the measures that people know from elsewhere.

For the reader only: no verdict and no part of an alert's identity. All are of the cells that PSI compares, so they say
how the valid values differ; of a NULL storm they say that the rest hasn't moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.windows.cell_distances import hellinger, jensen_shannon, l_infinity, total_variation
from driftgauge.detect.windows.compared import compared_cells
from driftgauge.detect.windows.homogeneity import pearson
from driftgauge.detect.windows.ordered_distances import kolmogorov_smirnov, quantile_wasserstein
from driftgauge.detect.windows.psi import psi
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import NumericField

_UNORDERED = {
    "psi": psi,
    "js": jensen_shannon,
    "hellinger": hellinger,
    "tv": total_variation,
    "l_inf": l_infinity,
}
_ORDERED = {"ks": kolmogorov_smirnov, "w1": quantile_wasserstein}


def distances(slot: Slot, live: NDArray[np.int64]) -> dict[str, float]:
    """Distances of `live` int64 [cells of the slot] from the reference by name, and `n`, the events they are of.

    `ks` and `w1` for numeric fields only, whose cells have an order. Empty where either side has no event in the cells
    that are compared, or there is but one of them, or `live` is unknown.
    """
    used = [cell - slot.start for cell in compared_cells(slot)]
    if len(live) != len(slot.spec.counts) or len(used) < 2:
        return {}
    counts, reference = live[used][np.newaxis], np.array(slot.spec.counts, np.int64)[used]
    if not counts.any() or not reference.any():
        return {}
    field = np.zeros(1, np.int64)
    functions = _UNORDERED | (_ORDERED if isinstance(slot.spec, NumericField) else {})
    found = {name: float(function(counts, reference, field)[0, 0]) for name, function in functions.items()}
    test = pearson(counts, reference, field)
    chi2 = {"chi2": float(test.statistic[0, 0]), "chi2_p_value": float(test.p_value[0, 0])}
    return {"n": int(counts.sum()), **found, **chi2}
