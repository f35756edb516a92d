"""How long the windows are that a distribution is compared over, in ms."""

from __future__ import annotations

from driftgauge.durations import parse_duration
from driftgauge.profiles.series import Series

HOUR = 3_600_000
DAY = 24 * HOUR
WINDOW_PANES = 24


def window_length(pane_length: int) -> int:
    """Length (ms) of the short comparison window: an hour, or 24 panes where panes are longer than 2.5 minutes."""
    return max(HOUR, WINDOW_PANES * pane_length)


def window_lengths(pane_length: int) -> tuple[int, ...]:
    """Lengths (ms) of all comparison windows: the short one, and a day's where panes are shorter than an hour."""
    short = window_length(pane_length)
    return (short, DAY) if pane_length < HOUR else (short,)


def window_of(series: Series) -> int:
    """Length (ms) of a window series' window, which its name says."""
    return parse_duration(series.name.rpartition("psi_")[2])
