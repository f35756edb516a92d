"""From the budget to the levels of the tests: a third of the share for silences, the rest for volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from driftgauge.detect.budget import level, share_of
from driftgauge.detect.settings import override
from driftgauge.detect.types import DetectorContext
from driftgauge.profiles.scale_noise import SCALES

# In the configuration and in the budget's shares.
TRAFFIC = "traffic"
# Sliding sums of w panes pass a limit some 30 / w times as often as single panes would; see the multi-scale detector.
_LOOKS_PER_WINDOW = 30


@dataclass(frozen=True, slots=True)
class Limits:
    """`alpha`: level of a silence at a pane's end; `levels`: of windows of 1, 15, 60 and 360 panes."""

    alpha: float
    levels: tuple[float, ...]

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any], parts: int) -> Self:
        """`parts` each can fall silent. There are no settings: ValueError if one is given."""
        override({}, settings)
        allowed = share_of(TRAFFIC, context.budget)
        each = (max(1.0, context.looks * min(1.0, _LOOKS_PER_WINDOW / w)) for w in SCALES)
        return cls(
            level(allowed / 3, parts, context.looks),
            tuple(level(allowed * 2 / 3, len(SCALES), times) for times in each),
        )

    @property
    def surprise(self) -> float:
        """How many events must be missing: that many don't come by chance with exp(-surprise) = alpha (Poisson)."""
        return -math.log(self.alpha)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """As JSON values, for the analysis hash and `check`."""
        levels = {str(w): p for w, p in zip(SCALES, self.levels, strict=True)}
        return {"alpha": {"gap": self.alpha, **levels}}
