"""A version of the baseline: what was learned up to one midnight, in force until the next one. Never changed.

It is what detectors are given as the series of now: those of the profile, with production's season and noise, and its
distributions for short windows, where production has told more than the profile could.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.learn import Learned
from driftgauge.detect.baseline.windows import Windows
from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import SeriesNoise
from driftgauge.profiles.scale_noise import MIN_WINDOWS, WindowSpread, as_noise
from driftgauge.profiles.season import HOUR, MIN_DAYS, MIN_DAYS_WITH_WEEKENDS
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import PSI_WINDOWS, value_tolerance
from driftgauge.profiles.windows import window_length, window_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A series with fewer windows isn't measured.
_LEAST_WINDOWS = 20
# Days from which more is told: how far hours lie apart; the season of a day; the weekends. A reference of two weeks
# knows all of that: production's last weeks may be part of a slow drift, which they would take for wander.
_STAGES = (1, MIN_DAYS, MIN_DAYS_WITH_WEEKENDS)


class Watched(NamedTuple):
    """What a baseline is learned of: the value series, and the short windows of fields where panes are below an hour.

    Nothing, where the reference tells of as much as production ever could. `window`: the length (ms) of the windows.
    """

    layout: Layout
    values: tuple[Series, ...]
    windows: tuple[Series, ...]
    window: int

    @classmethod
    def of(cls, layout: Layout, series: Sequence[Series], pane_length: int) -> Watched:
        """Chosen from all series of a subject."""
        values = tuple(s for s in series if s.kind == "value" and s.sd > 0 and s.reference_n > 0)
        short = window_length(pane_length)
        if layout.told_days >= _STAGES[-1]:
            return cls(layout, (), (), short)
        fields = (s for s in series if s.kind == "window" and s.reference_n > 0 and window_of(s) == short)
        return cls(layout, values, tuple(fields) if pane_length < HOUR else (), short)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What was learned of `watched` from what lies before `at` (ms). `days` float64 [slots]: clean ones, by field.

    `strange` bool [slots]: it holds at a weekend, and none is among those days.
    """

    at: int
    watched: Watched
    days: Floats
    learned: Learned
    windows: Windows
    strange: Bools

    def in_force(self) -> Bools:
        """For which value series it takes the place of the profile's reference; bool [V]."""
        if not self.learned.spreads:
            return np.zeros(len(self.watched.values), np.bool_)
        measured = self.learned.spreads[0].windows >= _LEAST_WINDOWS
        return np.asarray(self._tells_more(self.watched.values) & measured)

    def windows_in_force(self) -> Bools:
        """The same for the short windows; bool [F]."""
        return np.asarray(self._tells_more(self.watched.windows) & (self.windows.moments[0] >= PSI_WINDOWS))

    def season_known(self) -> Bools:
        """For which fields the season of a week would be known by now; bool [slots]."""
        return np.asarray(self.days >= MIN_DAYS_WITH_WEEKENDS)

    def compared(self) -> tuple[Series, ...]:
        """The short windows as held against production; none before the first whole day."""
        if not self.windows.counts.any() or not (self.days >= 1).all():
            return ()
        return tuple(self._window(i, series) for i, series in enumerate(self.watched.windows))

    def series(self, of_profile: Sequence[Series]) -> tuple[Series, ...]:
        """All series of the subject as they are in force."""
        out = list(of_profile)
        for position, known in enumerate(self.in_force()):
            if known:
                series = self.watched.values[position]
                known_day = not self.strange[series.slot.index]
                tolerance = value_tolerance(series.name, series.sd, days_known=known_day)
                noise = self._noise(position, series)
                out[series.index] = replace(self._own(series), noise=noise, tolerance=tolerance)
        for position, known in enumerate(self.windows_in_force()):
            if known:
                series = self.watched.windows[position]
                out[series.index] = self._window(position, series)
        return tuple(out)

    def _tells_more(self, series: Sequence[Series]) -> Bools:
        days = self.days[[s.slot.index for s in series]]
        stage, told = (np.searchsorted(_STAGES, x, side="right") for x in (days, self.watched.layout.told_days))
        return np.asarray(stage > told)

    def _window(self, position: int, series: Series) -> Series:
        known_day = not self.strange[series.slot.index]
        return self.windows.series(self._own(series), position, self.watched.window, days_known=known_day)

    def _own(self, series: Series) -> Series:
        return replace(series, told_days=float(self.days[series.slot.index]), baseline=self.at)

    def _noise(self, position: int, series: Series) -> SeriesNoise:
        learned = self.learned
        spreads = [WindowSpread(*(part[position] for part in spread)) for spread in learned.spreads]
        scales = [
            as_noise(format_duration(length), spread)
            for length, spread in zip(learned.lengths, spreads, strict=True)
            if spread.windows >= MIN_WINDOWS
        ]
        first = scales[0]
        season = learned.season[:, position]
        return SeriesNoise(
            length=first.length,
            panes=first.windows,
            mean=series.reference,
            variance=first.variance,
            lag1=0.0,
            mean_n=first.events,
            scales=scales,
            season=season.tolist() if season.any() else [],
        )
