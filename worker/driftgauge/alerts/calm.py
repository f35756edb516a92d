"""Whether a problem is over: the series is back where it was, on enough events to say so."""

from __future__ import annotations

import math

from driftgauge.alerts.episode import Episode
from driftgauge.alerts.levels import Level
from driftgauge.profiles.series import Series


def events_to_resolve(series: Series, before: float, effect: float) -> float:
    """Events that a calm stretch must hold before it says that an effect of this size is over.

    So many that, were it not over, they would have to lie four standard errors off to look calm, that is within half
    the tolerance of the level `before`: a lasting effect is looked at for weeks. Infinite for one that is no larger.
    """
    if series.kind == "window":
        return 0.0
    room = effect - series.tolerance / 2
    if room <= 0:
        return math.inf
    # Of a share or rate the events vary by what it is now; a fall counts by what it was.
    level = min(0.5, before + effect)
    variance = level * (1 - level) if series.kind == "rate" or series.category is not None else series.sd**2
    return 16 * variance / room**2


def is_back(series: Series, episode: Episode, level: Level) -> bool:
    """Back within half the smallest worthwhile effect of where it was. A series without events says nothing.

    One that was off its reference must be back there too, or it would be off it again at once.
    """
    if not level.n:
        return False
    if series.kind == "value":
        was = abs(level.mean - episode.before) <= series.tolerance / 2
        if not episode.off_reference:
            return was
        off = abs(level.mean - series.reference)
        return off <= series.tolerance / 2 or (was and off <= series.tolerance)
    return level.mean <= max(episode.before, series.reference) + series.tolerance / 2
