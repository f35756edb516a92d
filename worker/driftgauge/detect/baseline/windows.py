"""The window series as a version of the baseline has them: held against production's clean days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import format_duration
from driftgauge.profiles.profile import NumericField, PsiNoise
from driftgauge.profiles.series import Series

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Windows(NamedTuple):
    """What clean days tell of F fields: counts int64 [K] of all cells, and moments of PSI float64 [3, F].

    Without a field, there are no counts.
    """

    counts: Ints
    moments: Floats

    def series(self, of_profile: Series, position: int, window: int, tolerance: Callable[[PsiNoise], float]) -> Series:
        """Field number `position`, compared with these counts over `window` ms."""
        slot, (told, total, squares) = of_profile.slot, self.moments[:, position]
        counts = self.counts[slot.start : slot.stop].tolist()
        mean = total / told if told else 0.0
        variance = max(0.0, (squares - told * mean**2) / (told - 1)) if told > 1 else 0.0
        noise = PsiNoise(
            length=format_duration(window), windows=int(told), mean=max(0.0, float(mean)), variance=float(variance)
        )
        spec = slot.spec.model_copy(update={"counts": counts, "psi": [noise]})
        valid = sum(counts[: spec.bins + (0 if isinstance(spec, NumericField) else 1)])
        return replace(
            of_profile,
            slot=replace(slot, spec=spec),
            reference_n=valid,
            tolerance=tolerance(noise),
        )
