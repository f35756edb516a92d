"""A part of the traffic that stays away: how long already, how many events are missing, and when that is no chance.

At a rate of lambda a gap of length t comes by chance with exp(-lambda t); events that come in bursts of D make gaps as
if there were only lambda / D. Hence an alarm at the first pane end at which the sum of hazards exceeds ln(1 / alpha),
and one and a half times that of the longest gap of the last four weeks (but for one day's), and two panes are empty.
Sums of hazards, not of time: a night without traffic is no gap that a working hour has to exceed.
"""

from __future__ import annotations

from typing import Self

import msgspec

from driftgauge.detect.traffic.level import ONE, Level
from driftgauge.detect.traffic.limits import Limits

LEAST_PANES = 2


class Silence(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A gap that goes on. `begin` ms; `panes` empty so far; `expected` events and `size` (hazards), in 2^-32."""

    begin: int
    panes: int = 0
    expected: int = 0
    size: int = 0

    def after(self, panes: int, rate: int, hazard: int) -> Self:
        """The same with so many more empty panes."""
        return type(self)(self.begin, self.panes + panes, self.expected + panes * rate, self.size + panes * hazard)

    def due(self, hazard: int, limit: int) -> int | None:
        """After how many more empty panes it is an alarm; at least 1. None: never, at this hazard."""
        if hazard <= 0 and self.size <= limit:
            return None
        more = 1 if self.size > limit else (limit - self.size) // hazard + 1
        return max(1, LEAST_PANES - self.panes, more)

    @property
    def fits(self) -> bool:
        """Whether a stored one can be."""
        return min(self.panes, self.expected, self.size) >= 0


def limit_of(level: Level, limits: Limits, part: int) -> int:
    """The sum of hazards (2^-32) that a gap of a part has to exceed."""
    return max(int(limits.surprise * ONE), level.longest[part] * 3 // 2)
