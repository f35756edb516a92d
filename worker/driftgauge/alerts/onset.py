"""Since when a series has been off, and from which level: of an episode, as the panes so far tell it.

`past` is what a change may lie in: the series since it was last known to be calm.
"""

from __future__ import annotations

import math

from driftgauge.alerts.episode import Episode
from driftgauge.alerts.levels import SeriesPast
from driftgauge.alerts.move import RATE_EVENTS
from driftgauge.detect.normalise import Wander
from driftgauge.profiles.series import Series
from driftgauge.profiles.windows import against_baseline, window_of

_CONFIRM_MIN_PANES = 3
# A candidate's change must stand out by so many standard deviations from how far the series wandered by itself in the
# reference. The cut is the best of many, and near the end of what is remembered every pane brings a new one: four were
# reached by chance.
_CONFIRM_NOISE = 5.0


def began(series: Series, onset: int) -> int:
    """From when (ms) on nothing usual is to be learned of what began at `onset`.

    Days that lie off production's own ones by a part count as their wander, so there the whole window is left out.
    """
    return onset - window_of(series) if against_baseline(series) else onset


def events_of_a_level(series: Series) -> float:
    """Events from which a mean is known to within half the tolerance (one standard error)."""
    return (2 * series.sd / series.tolerance) ** 2


def confirms(
    past: SeriesPast, series: Series, episode: Episode, wander: Wander, pane_length: int, confirm_panes: int
) -> bool:
    """Whether a candidate's effect has added up; its onset and the level before are those of the best cut by now."""
    split = past.split()
    if split is None:
        return False
    episode.onset, episode.before, episode.n_before = split.onset, split.before.mean, split.before.n
    gap = split.after.mean - split.before.mean
    # Of a rate or a distance only a rise matters.
    effect = abs(gap) if series.kind == "value" else gap
    panes = min(split.after.panes, confirm_panes)
    needed = series.tolerance * confirm_panes
    if panes < _CONFIRM_MIN_PANES or effect * panes < needed:
        return False
    noise = sum(
        wander.over(level.panes * pane_length) + series.sd**2 / level.n for level in (split.before, split.after)
    )
    return effect >= _CONFIRM_NOISE * math.sqrt(noise)


def find_onset(past: SeriesPast, pane: int, series: Series, episode: Episode) -> None:
    """Of a series found off its reference at `pane` (start, ms): the best cut; off all along, the first pane known."""
    # A pane alone may have been enough to decide.
    split = past.split(after=1)
    if split is not None and split.before.n >= events_of_a_level(series):
        was, now = (level.mean - series.reference for level in (split.before, split.after))
        changed = abs(now - was) > series.tolerance and abs(now) > abs(was)
        if changed or abs(was) <= series.tolerance:
            episode.onset, episode.before, episode.n_before = split.onset, split.before.mean, split.before.n
            return
    episode.onset = int(past.starts[0]) if len(past.starts) else pane
    episode.before, episode.n_before = series.reference, series.reference_n


def find_onset_of_window(past: SeriesPast, pane: int, series: Series, episode: Episode) -> None:
    """Of a window that lies off the reference at `pane` (start, ms): the best cut."""
    split = past.split()
    episode.onset = split.onset if split else pane
    episode.before, episode.n_before = series.reference, series.reference_n


def set_before(past: SeriesPast, series: Series, episode: Episode) -> None:
    """The level before an onset that a detector has told."""
    level = past.until(episode.onset)
    off = level.mean - series.reference
    # A series that was off its reference by then had left it earlier than is estimated.
    known = level.n >= RATE_EVENTS and (off if series.kind == "rate" else abs(off)) <= series.tolerance
    episode.before = level.mean if known else series.reference
    episode.n_before = level.n if known else series.reference_n
