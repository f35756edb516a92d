"""How long the windows are that a distribution is compared over, in ms, and what it is compared with."""

from __future__ import annotations

from driftgauge.durations import format_duration, parse_duration
from driftgauge.profiles.series import Series

HOUR = 3_600_000
DAY = 24 * HOUR
WINDOW_PANES = 24
# Behind the name of a window that is held against production's own days and not against the profile.
_BASELINE = "_baseline"


def window_length(pane_length: int) -> int:
    """Length (ms) of the short comparison window: an hour, or 24 panes where panes are longer than 2.5 minutes."""
    return max(HOUR, WINDOW_PANES * pane_length)


def window_lengths(pane_length: int) -> tuple[int, ...]:
    """Lengths (ms) of all comparison windows: the short one, and a day's where panes are shorter than an hour."""
    short = window_length(pane_length)
    return (short, DAY) if pane_length < HOUR else (short,)


def window_of(series: Series) -> int:
    """Length (ms) of a window series' window, which its name says."""
    return parse_duration(series.name.rpartition("psi_")[2].removesuffix(_BASELINE))


def day_against_baseline() -> str:
    """Name of the day's window against production's own days, without what it is of."""
    return f"psi_{format_duration(DAY)}{_BASELINE}"


def against_baseline(series: Series) -> bool:
    """Whether a series is a window that only production's own days tell what to hold against."""
    return series.kind == "window" and series.name.endswith(_BASELINE)
